/* The control plane, read. */
#include "branch_plane.h"
#include "branch_json.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define MOST_PAGES 1000

/* ---- times ---- */

/* "2026-08-19T10:00:00.123456Z", or with +hh:mm for Z. */
int64_t plane_time_parse(const char *text)
{
    struct tm tm = {0};
    const char *p = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!p)
        return LB_TIME_NONE;
    int64_t us = (int64_t)timegm(&tm) * 1000000, unit = 100000;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            us += (*p - '0') * unit;
    if (*p == 'Z' && !p[1])
        return us;
    struct tm zone = {0};
    const char *end = *p == '+' || *p == '-' ? strptime(p + 1, "%H:%M", &zone) : NULL;
    if (!end || *end)
        return LB_TIME_NONE;
    int64_t shift = ((int64_t)zone.tm_hour * 60 + zone.tm_min) * 60000000;
    return *p == '+' ? us - shift : us + shift;
}

const char *plane_time_text(lb_ctx *ctx, int64_t microseconds)
{
    char text[40];
    struct tm tm;
    time_t seconds = (time_t)(microseconds / 1000000);
    if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return NULL;
    return lb_printf(ctx, "%s", text);
}

/* ---- documents ---- */

static struct json_object *read_document(lb_ctx *ctx, const char *path, const char *query, lb_error *err)
{
    const char *reply = NULL;
    if (!path)
        (void)lb_out_of_memory(err); /* the NULL says it */
    else if (lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &reply, err) >= 0)
        return branch_json_keep(ctx, reply, err);
    return NULL;
}

/* What status says, else spec, else the document. */
static struct json_object *said(struct json_object *document, const char *name)
{
    struct json_object *part = NULL, *found = NULL;
    if (json_object_object_get_ex(document, "status", &part) && json_object_object_get_ex(part, name, &found))
        return found;
    if (json_object_object_get_ex(document, "spec", &part) && json_object_object_get_ex(part, name, &found))
        return found;
    return json_object_object_get_ex(document, name, &found) ? found : NULL;
}

static const char *said_text(struct json_object *document, const char *name)
{
    struct json_object *found = said(document, name);
    const char *text = json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
    return text && *text ? text : NULL;
}

static bool said_true(struct json_object *document, const char *name)
{
    return json_object_get_boolean(said(document, name));
}

/* int64 may come as text. */
static int64_t said_number(struct json_object *document, const char *name, int64_t fallback)
{
    struct json_object *found = said(document, name);
    bool is_number = json_object_is_type(found, json_type_int) || json_object_is_type(found, json_type_string);
    return is_number ? json_object_get_int64(found) : fallback;
}

static const char *last_part(const char *name)
{
    const char *slash = name ? strrchr(name, '/') : NULL;
    return slash ? slash + 1 : name;
}

static void take_branch(struct json_object *document, plane_branch *b)
{
    const char *id = said_text(document, "branch_id"), *state = said_text(document, "current_state");
    *b = (plane_branch){.id = id ? id : last_part(said_text(document, "name")),
                        .uid = said_text(document, "uid"),
                        .source = last_part(said_text(document, "source_branch")),
                        .state = state ? state : "",
                        .pending = said_text(document, "pending_state"),
                        .is_default = said_true(document, "default"),
                        .is_protected = said_true(document, "is_protected"),
                        .is_deleted = said_text(document, "delete_time") || (state && strcmp(state, "DELETED") == 0),
                        .created_at = plane_time_parse(said_text(document, "create_time")),
                        .expires_at = plane_time_parse(said_text(document, "expire_time")),
                        .source_at = plane_time_parse(said_text(document, "source_branch_time")),
                        .bytes = said_number(document, "logical_size_bytes", -1)};
}

/* ---- one ---- */

/* NULL with r 0: there is none. */
static int find_document(lb_ctx *ctx, const char *path, struct json_object **ret, lb_error *err)
{
    *ret = read_document(ctx, path, NULL, err);
    return *ret || err->code == LB_ERR_NOT_FOUND ? 0 : err->code;
}

int plane_read_project(lb_ctx *ctx, const char *project, const plane_project **ret_found, lb_error *err)
{
    struct json_object *d = NULL;
    plane_project *p = lb_alloc(ctx, sizeof *p);
    int r = p ? find_document(ctx, lb_printf(ctx, "projects/%s", project), &d, err) : lb_out_of_memory(err);
    if (r < 0)
        return r;
    *ret_found = NULL;
    if (!d)
        return 0;
    *p = (plane_project){.id = lb_printf(ctx, "%s", project),
                         .uid = said_text(d, "uid"),
                         .default_branch = last_part(said_text(d, "default_branch")),
                         .pg_version = said_number(d, "pg_version", 0),
                         .retention = said_text(d, "history_retention_duration"),
                         .is_deleted = said_text(d, "delete_time") != NULL};
    *ret_found = p;
    return 0;
}

int plane_read_branch(lb_ctx *ctx, const char *project, const char *branch, const plane_branch **ret_found,
                      lb_error *err)
{
    struct json_object *d = NULL;
    plane_branch *b = lb_alloc(ctx, sizeof *b);
    int r = b ? find_document(ctx, lb_printf(ctx, "projects/%s/branches/%s", project, branch), &d, err)
              : lb_out_of_memory(err);
    if (r < 0)
        return r;
    if (d)
        take_branch(d, b);
    *ret_found = d ? b : NULL;
    return 0;
}

/* ---- many ---- */

typedef struct listed {
    struct json_object *document;
} listed;

typedef struct listing {
    listed *items;
    size_t count, room;
} listing;

static int add_page(lb_ctx *ctx, listing *l, struct json_object *list, lb_error *err)
{
    size_t more = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    if (l->count + more > l->room) {
        size_t room = 2 * (l->count + more);
        listed *grown = lb_alloc(ctx, room * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (l->count)
            memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
        l->room = room;
    }
    for (size_t i = 0; i < more; i++)
        l->items[l->count++].document = json_object_array_get_idx(list, i);
    return 0;
}

static int read_list(lb_ctx *ctx, const char *path, const char *member, const char *query, listing *l, lb_error *err)
{
    const char *token = NULL;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        struct json_object *list = NULL;
        const char *all = token ? lb_printf(ctx, "%s&page_token=%s", query, token) : query;
        struct json_object *page = all ? read_document(ctx, path, all, err) : NULL;
        if (!page)
            return all ? err->code : lb_out_of_memory(err);
        (void)json_object_object_get_ex(page, member, &list); /* an empty page may leave it out */
        int r = add_page(ctx, l, list, err);
        token = said_text(page, "next_page_token");
        if (r < 0 || !token)
            return r;
    }
    return lb_fail(err, LB_ERR_LIMIT, NULL, "the list of %s does not end within %d pages", path, MOST_PAGES);
}

/* "300s", as the platform writes it. */
static double suspend_of(struct json_object *d)
{
    const char *duration = said_text(d, "suspend_timeout_duration");
    return said_true(d, "no_suspension") ? INFINITY : duration ? strtod(duration, NULL) : 0;
}

static void take_endpoint(struct json_object *d, plane_endpoint *e)
{
    struct json_object *hosts = said(d, "hosts"), *host = NULL;
    const char *state = said_text(d, "current_state");
    (void)json_object_object_get_ex(hosts, "host", &host); /* NULL is fine */
    *e = (plane_endpoint){.name = said_text(d, "name"),
                          .uid = said_text(d, "uid"),
                          .state = state ? state : "",
                          .host = json_object_is_type(host, json_type_string) ? json_object_get_string(host) : NULL,
                          .last_active_at = plane_time_parse(said_text(d, "last_active_time")),
                          .is_pending = said_text(d, "pending_state") != NULL,
                          .is_disabled = said_true(d, "disabled"),
                          .min_cu = json_object_get_double(said(d, "autoscaling_limit_min_cu")),
                          .suspend_s = suspend_of(d)};
}

int plane_read_endpoint(lb_ctx *ctx, const char *project, const char *branch, const plane_endpoint **ret_found,
                        lb_error *err)
{
    listing l = {0};
    const char *path = lb_printf(ctx, "projects/%s/branches/%s/endpoints", project, branch), *replica = NULL;
    plane_endpoint *e = lb_alloc(ctx, sizeof *e);
    *ret_found = NULL;
    if (!path || !e)
        return lb_out_of_memory(err);
    int r = read_list(ctx, path, "endpoints", "page_size=100", &l, err);
    if (r < 0)
        return r == LB_ERR_NOT_FOUND ? 0 : r;
    for (size_t i = 0; i < l.count; i++) {
        const char *type = said_text(l.items[i].document, "endpoint_type");
        plane_endpoint one;
        take_endpoint(l.items[i].document, &one);
        if (type && strcmp(type, "ENDPOINT_TYPE_READ_ONLY") == 0) {
            replica = strcmp(one.state, "IDLE") == 0 ? replica : last_part(said_text(l.items[i].document, "name"));
        } else if (!*ret_found) {
            *e = one;
            *ret_found = e;
        }
    }
    if (!*ret_found && replica) {
        e->state = ""; /* it has none that writes */
        *ret_found = e;
    }
    e->awake_replica = replica;
    return 0;
}

int plane_list_branches(lb_ctx *ctx, const char *project, plane_branches *ret_branches, lb_error *err)
{
    listing l = {0};
    int r = read_list(ctx, lb_printf(ctx, "projects/%s/branches", project), "branches",
                      "page_size=100&show_deleted=true", &l, err);
    if (r < 0)
        return r == LB_ERR_NOT_FOUND
                   ? lb_fail(err, r, "lbops target ls shows what there is", "there is no project %s", project)
                   : r;
    plane_branch *items = lb_alloc(ctx, (l.count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < l.count; i++) {
        take_branch(l.items[i].document, &items[count]);
        count += items[count].id != NULL;
    }
    *ret_branches = (plane_branches){items, count};
    return 0;
}

int plane_list_projects(lb_ctx *ctx, lb_texts *ret_ids, lb_error *err)
{
    listing l = {0};
    int r = read_list(ctx, "projects", "projects", "page_size=100", &l, err);
    const char **ids = r < 0 ? NULL : lb_alloc(ctx, (l.count + 1) * sizeof *ids);
    if (r < 0 || !ids)
        return r < 0 ? r : lb_out_of_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < l.count; i++) {
        const char *id = said_text(l.items[i].document, "project_id");
        ids[count] = id ? id : last_part(said_text(l.items[i].document, "name"));
        count += ids[count] != NULL;
    }
    *ret_ids = (lb_texts){ids, count};
    return 0;
}

int plane_choose_projects(lb_ctx *ctx, const char *wanted, lb_texts *ret_projects, lb_error *err)
{
    if (!wanted)
        return plane_list_projects(ctx, ret_projects, err);
    const char **one = lb_alloc(ctx, sizeof *one);
    if (!one)
        return lb_out_of_memory(err);
    *one = wanted;
    *ret_projects = (lb_texts){one, 1};
    return 0;
}

int plane_choose_project(lb_ctx *ctx, const char *wanted, const char **ret_project, lb_error *err)
{
    lb_texts all = {0};
    int r = plane_choose_projects(ctx, wanted, &all, err);
    if (r < 0)
        return r;
    if (all.count == 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "provision_lakebase_project makes one", "the workspace has no project");
    if (all.count > 1)
        return lb_fail(err, LB_ERR_INVALID, lb_printf(ctx, "give --project_id: %s, %s ...", all.items[0], all.items[1]),
                       "there are %zu projects", all.count);
    *ret_project = all.items[0];
    return 0;
}

/* ---- what follows ---- */

const plane_branch *plane_find(const plane_branches *branches, const char *branch)
{
    for (size_t i = 0; i < branches->count; i++)
        if (strcmp(branches->items[i].id, branch) == 0)
            return &branches->items[i];
    return NULL;
}

size_t plane_children(const plane_branches *branches, const char *branch)
{
    size_t count = 0;
    for (size_t i = 0; i < branches->count; i++)
        count += branches->items[i].source && !branches->items[i].is_deleted &&
                 strcmp(branches->items[i].source, branch) == 0;
    return count;
}

bool plane_counts(const plane_branch *b)
{
    return strcmp(b->state, "ARCHIVED") != 0;
}

size_t plane_unarchived(const plane_branches *branches)
{
    size_t count = 0;
    for (size_t i = 0; i < branches->count; i++)
        count += plane_counts(&branches->items[i]);
    return count;
}
