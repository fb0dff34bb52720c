/* Change feeds and synced tables, as the control plane lists them. Nothing here wakes a compute. */
#include "sync_platform.h"

#include "branch_plane.h"
#include "unity.h"

#include <sql/schema/read_place.h>

#define MOST_PAGES 100

/* What may be missing from a workspace, or not be ours to see: the comparison does without it. */
static bool can_do_without(int r)
{
    return r == LB_ERR_NOT_FOUND || r == LB_ERR_UNSUPPORTED || r == LB_ERR_DENIED || r == LB_ERR_INVALID ||
           r == LB_ERR_UNREACHABLE || r == LB_ERR_LIMIT;
}

/* It may be there all the same. */
static bool is_hidden(int r)
{
    return r < 0 && r != LB_ERR_NOT_FOUND && r != LB_ERR_UNSUPPORTED;
}

static const char *without(const char *prefix, const char *text)
{
    size_t length = strlen(prefix);
    return text && strncmp(text, prefix, length) == 0 ? text + length : text;
}

static int64_t time_of(const char *text)
{
    return text ? plane_time_parse(text) : LB_TIME_NONE;
}

/* A member of status, or of the document itself where it has none. */
static const char *said(struct json_object *document, const char *name)
{
    struct json_object *status = NULL;
    const char *text =
        json_object_object_get_ex(document, "status", &status) && json_object_is_type(status, json_type_object)
            ? unity_text(status, name)
            : NULL;
    return text ? text : unity_text(document, name);
}

/* ---- lists ---- */

typedef int (*take)(lb_ctx *ctx, struct json_object *item, void *into, lb_error *err);

static int each_of(lb_ctx *ctx, const char *path, const char *member, take taken, void *into, lb_error *err)
{
    const char *token = NULL;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        struct json_object *list = NULL;
        const char *query = token ? lb_printf(ctx, "page_token=%s", token) : NULL;
        struct json_object *page = unity_find(ctx, path, query, err);
        if (!page)
            return err->code;
        (void)json_object_object_get_ex(page, member, &list); /* an empty page may leave it out */
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
            int r = taken(ctx, json_object_array_get_idx(list, i), into, err);
            if (r < 0)
                return r;
        }
        token = unity_text(page, "next_page_token");
        if (!token || !*token)
            return 0;
    }
    return lb_fail(err, LB_ERR_LIMIT, NULL, "the list of %s does not end within %d pages", path, MOST_PAGES);
}

/* ---- change feeds ---- */

typedef struct feeds {
    sync_platform *platform;
    const char *database, *path; /* the database by its own name, and by the control plane's */
    const char *schema;          /* of the feed at hand */
} feeds;

static int take_database(lb_ctx *ctx, struct json_object *item, void *into, lb_error *err)
{
    feeds *f = into;
    const char *own = said(item, "postgres_database"), *name = unity_text(item, "name");
    (void)ctx;
    (void)err;
    if (own && name && strcmp(own, f->database) == 0)
        f->path = name;
    return 0;
}

static int take_status(lb_ctx *ctx, struct json_object *item, void *into, lb_error *err)
{
    const feeds *f = into;
    sync_platform *p = f->platform;
    const char *table = said(item, "postgres_table"), *state = said(item, "state");
    const char *dot = table ? strchr(table, '.') : NULL;
    if (!table || !state)
        return 0;
    if (p->feed_count == p->feed_room) {
        size_t room = 2 * p->feed_room + 16;
        sync_pipeline *grown = lb_alloc(ctx, room * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (p->feed_count)
            memcpy(grown, p->feeds, p->feed_count * sizeof *grown);
        p->feeds = grown;
        p->feed_room = room;
    }
    /* The schema may stand before the table's name. */
    size_t length = strlen(f->schema);
    bool qualified = dot && (size_t)(dot - table) == length && strncmp(table, f->schema, length) == 0;
    p->feeds[p->feed_count++] = (sync_pipeline){.is_feed = true,
                                                .name = unity_text(item, "name"),
                                                .state = without("CDF_STATE_", state),
                                                .detail = said(item, "status_detail"),
                                                .schema = f->schema,
                                                .table = qualified ? dot + 1 : table,
                                                .copy = said(item, "uc_table"),
                                                .synced_at = time_of(said(item, "last_sync_time"))};
    return 0;
}

static int take_config(lb_ctx *ctx, struct json_object *item, void *into, lb_error *err)
{
    feeds *f = into;
    const char *name = unity_text(item, "name");
    f->schema = said(item, "postgres_schema");
    if (!name || !f->schema)
        return 0;
    return each_of(ctx, lb_printf(ctx, "%s/cdf-statuses", name), "cdf_statuses", take_status, f, err);
}

static int read_feeds(lb_ctx *ctx, feeds *f, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    int r = each_of(ctx, lb_printf(ctx, "projects/%s/branches/%s/databases", t->project, t->branch), "databases",
                    take_database, f, err);
    if (r < 0 || !f->path)
        return r;
    return each_of(ctx, lb_printf(ctx, "%s/cdf-configs", f->path), "cdf_configs", take_config, f, err);
}

/* ---- catalogs that the database is registered as ---- */

typedef struct names {
    const char **items;
    size_t count;
} names;

#define CATALOGS_MOST 64

static int take_catalog(lb_ctx *ctx, struct json_object *item, void *into, lb_error *err)
{
    names *n = into;
    const char *type = unity_text(item, "catalog_type"), *name = unity_text(item, "name");
    (void)ctx;
    (void)err;
    if (type && name && strcmp(type, "MANAGED_ONLINE_CATALOG") == 0 && n->count < CATALOGS_MOST)
        n->items[n->count++] = name;
    return 0;
}

static int is_ours(lb_ctx *ctx, const char *catalog, const char *database, sync_platform *p, bool *ret_ours,
                   lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    struct json_object *found = unity_find(ctx, lb_printf(ctx, "catalogs/%s", catalog), NULL, err);
    *ret_ours = false;
    p->has_hidden_catalogs = p->has_hidden_catalogs || (!found && is_hidden(err->code));
    if (!found)
        return can_do_without(err->code) ? 0 : err->code;
    const char *branch = said(found, "branch"), *of = said(found, "postgres_database");
    const char *our = lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch);
    *ret_ours = branch && of && our && strcmp(branch, our) == 0 && strcmp(of, database) == 0;
    return 0;
}

static int read_catalogs(lb_ctx *ctx, const char *database, sync_platform *p, lb_error *err)
{
    names online = {lb_alloc(ctx, CATALOGS_MOST * sizeof *online.items), 0};
    p->catalogs = lb_alloc(ctx, CATALOGS_MOST * sizeof *p->catalogs);
    if (!online.items || !p->catalogs)
        return lb_out_of_memory(err);
    int r = each_of(ctx, "unity-catalog/catalogs", "catalogs", take_catalog, &online, err);
    for (size_t i = 0; r >= 0 && i < online.count; i++) {
        bool ours = false;
        r = is_ours(ctx, online.items[i], database, p, &ours, err);
        if (ours)
            p->catalogs[p->catalog_count++] = online.items[i];
    }
    return r;
}

static int our_database(lb_ctx *ctx, const char **ret_database, lb_error *err)
{
    lb_rows *rows = NULL;
    schema_read_place_row row = {0};
    int r = schema_read_place(ctx, &rows, err);
    if (r >= 0 && schema_read_place_next(ctx, rows, &row))
        *ret_database = row.database;
    return r;
}

int sync_open_platform(lb_ctx *ctx, sync_platform *ret_platform, lb_error *err)
{
    feeds f = {.platform = ret_platform, .database = ""};
    *ret_platform = (sync_platform){.why_none = NULL};
    int r = our_database(ctx, &f.database, err);
    if (r < 0)
        return r;
    int fed = read_feeds(ctx, &f, err);
    if (fed < 0 && !can_do_without(fed))
        return fed;
    const char *why = fed < 0 ? lb_printf(ctx, "%s", err->message) : NULL;
    r = read_catalogs(ctx, f.database, ret_platform, err);
    if (r < 0 && !can_do_without(r))
        return r;
    ret_platform->is_partly_seen = is_hidden(fed) || is_hidden(r) || ret_platform->has_hidden_catalogs;
    bool absent = fed == LB_ERR_NOT_FOUND || fed == LB_ERR_UNSUPPORTED;
    if (absent && r < 0)
        ret_platform->why_none = "there is nothing of the kind here: no change feeds, no synced tables";
    else if (fed < 0 && !absent)
        ret_platform->why_none = lb_printf(ctx, "change feeds cannot be read: %s", why ? why : "");
    return 0;
}

/* ---- of one pair ---- */

/* Names that stand in a path as they are; others would be of no synced table that a path can say. */
static bool fits_a_path(const char *name)
{
    return *name && !strpbrk(name, "./%?# \"\\");
}

static int add_synced(lb_ctx *ctx, const char *catalog, const sync_wish *wish, sync_pipeline *pipelines,
                      size_t *ret_count, bool *is_sure, lb_error *err)
{
    if (*ret_count == SYNC_PIPELINES_MOST || !fits_a_path(catalog) || !fits_a_path(wish->schema) ||
        !fits_a_path(wish->name))
        return 0;
    const char *path = lb_printf(ctx, "synced_tables/%s.%s.%s", catalog, wish->schema, wish->name);
    struct json_object *found = unity_find(ctx, path, NULL, err), *spec = NULL;
    *is_sure = *is_sure && (found || err->code == LB_ERR_NOT_FOUND || err->code == LB_ERR_UNSUPPORTED);
    if (!found)
        return can_do_without(err->code) ? 0 : err->code;
    const char *state = said(found, "detailed_state"), *detail = said(found, "message");
    (void)json_object_object_get_ex(found, "spec", &spec); /* few answers echo it */
    if (state)
        pipelines[(*ret_count)++] = (sync_pipeline){.name = path,
                                                    .state = without("SYNCED_TABLE_", state),
                                                    .detail = detail && *detail ? detail : NULL,
                                                    .schema = wish->schema,
                                                    .table = wish->name,
                                                    .copy = spec ? unity_text(spec, "source_table_full_name") : NULL,
                                                    .synced_at = time_of(said(found, "last_sync_time"))};
    return 0;
}

int sync_find_pipelines(lb_ctx *ctx, const sync_platform *platform, const sync_wish *wish, sync_pipeline *pipelines,
                        size_t *ret_count, bool *ret_sure, lb_error *err)
{
    int r = 0;
    *ret_count = 0;
    *ret_sure = !platform->is_partly_seen;
    for (size_t i = 0; i < platform->feed_count && *ret_count < SYNC_PIPELINES_MOST; i++) {
        const sync_pipeline *feed = &platform->feeds[i];
        if (strcmp(feed->schema, wish->schema) == 0 && strcmp(feed->table, wish->name) == 0 &&
            (!feed->copy || strcmp(feed->copy, wish->target) == 0))
            pipelines[(*ret_count)++] = *feed;
    }
    for (size_t i = 0; r >= 0 && i < platform->catalog_count; i++)
        r = add_synced(ctx, platform->catalogs[i], wish, pipelines, ret_count, ret_sure, err);
    return r;
}

bool sync_pipeline_failed(const sync_pipeline *p)
{
    return strstr(p->state, "FAILED") || strncmp(p->state, "OFFLINE", strlen("OFFLINE")) == 0 ||
           strcmp(p->state, "SKIPPED") == 0 || strcmp(p->state, "TERMINATED") == 0;
}
