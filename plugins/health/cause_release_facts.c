/* What is known of statements that are new: whether they are work, and new; and what is near them in time. */
#include "cause_release.h"

#include <sql/diagnose/new_statements.h>
#include <sql/diagnose/statements_known.h>

#include <string.h>

#define A_DAY   (INT64_C(86400) * 1000000)
#define A_TIME  (14 * A_DAY)             /* of history that is worth a question */
#define A_WHILE (INT64_C(600) * 1000000) /* sessions begin before their statements are counted */

enum { MOST_APPLICATIONS = 200 };

/* ---- texts ---- */

static void take_text(cause_release *release, const diagnose_new_statements_row *row)
{
    for (size_t i = 0; i < release->count; i++) {
        cause_new *item = &release->items[i];
        if (strcmp(item->row->key, row->key) != 0)
            continue;
        item->text = row->query;
        item->shape = row->shape;
        item->counted_since = row->counted_since_is_null ? 0 : row->counted_since;
        item->is_out = !row->is_work || row->was_there;
    }
}

int cause_release_texts(cause_release *release, lb_error *err)
{
    lb_ctx *ctx = release->look->ctx;
    const char **keys = lb_alloc(ctx, (release->count + 1) * sizeof *keys);
    diagnose_new_statements_row row;
    lb_rows *rows = NULL;
    if (!keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < release->count; i++) {
        keys[i] = release->items[i].row->key;
        if (release->items[i].text)
            return 0; /* asked for another role before */
    }
    const diagnose_new_statements_args wanted = {.schema = release->look->statements_schema,
                                                 .keys = {keys, release->count}};
    int r = diagnose_new_statements(ctx, &wanted, &rows, err);
    while (r >= 0 && diagnose_new_statements_next(ctx, rows, &row))
        take_text(release, &row);
    for (size_t i = 0; r >= 0 && i < release->count; i++)
        release->items[i].is_out = release->items[i].is_out || !release->items[i].text; /* forgotten since */
    return r;
}

/* ---- history ---- */

static void take_past(cause_release *release, const diagnose_statements_known_row *row)
{
    release->known_since = row->first_at < release->known_since ? row->first_at : release->known_since;
    for (size_t i = 0; !row->queryid_is_null && i < release->count; i++)
        release->items[i].is_out = release->items[i].is_out || release->items[i].row->queryid == row->queryid;
}

int cause_release_past(cause_release *release, lb_error *err)
{
    lb_ctx *ctx = release->look->ctx;
    const lb_target *target = lb_run_target(ctx);
    int64_t *ids = lb_alloc(ctx, (release->count + 1) * sizeof *ids);
    diagnose_statements_known_row row;
    lb_rows *rows = NULL;
    size_t count = 0;
    if (!ids)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < release->count; i++)
        if (cause_release_has(release, &release->items[i]))
            ids[count++] = release->items[i].row->queryid;
    const diagnose_statements_known_args wanted = {.project = target->project,
                                                   .branch = target->branch,
                                                   .database_id = release->worst->row->database_id,
                                                   .query_ids = {ids, count},
                                                   .since = release->look->reading.at - A_TIME,
                                                   .until = release->from};
    int asked = diagnose_statements_known(ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(ctx, asked, "history of new statements", NULL, err);
    while (r > 0 && diagnose_statements_known_next(ctx, rows, &row))
        take_past(release, &row);
    return r < 0 ? r : 0;
}

/* ---- applications: [since when each is seen] ---- */

static const char *name_of(const cause_look *look, const health_session *s)
{
    return health_is_client(s) && !s->own && s->user_name && s->application[0]
               ? lb_printf(look->ctx, "%s of %s", s->application, s->user_name)
               : NULL;
}

int cause_note_applications(cause_look *look, lb_error *err)
{
    struct json_object *noted = cause_noted(look, "applications"), *note = cause_note(look, "applications"), *was;
    if (!note)
        return lb_out_of_memory(err);
    bool is_room = noted && json_object_object_length(noted) < MOST_APPLICATIONS;
    if (is_room) {
        json_object_object_foreach(noted, key, since)
        {
            (void)json_object_object_add(note, key, json_object_get(since)); /* lost: it counts as a new one */
        }
    }
    for (size_t i = 0; i < look->sessions.count; i++) {
        const char *name = name_of(look, &look->sessions.rows[i]);
        if (!name || json_object_object_get_ex(note, name, &was))
            continue;
        bool is_known = !noted || json_object_object_get_ex(noted, name, &was);
        (void)json_object_object_add(note, name, json_object_new_int64(is_known ? 0 : look->reading.at));
    }
    return 0;
}

/* ---- what is near ---- */

static bool is_of_them(const cause_release *release, const health_session *s)
{
    const char *database = release->look->reading.database;
    return health_is_client(s) && !s->own && s->user_name && strcmp(s->user_name, release->user) == 0 &&
           (!database || !s->database || strcmp(s->database, database) == 0);
}

/* Applications are called by their versions now and then. */
static const char *new_application(const cause_release *release)
{
    const cause_look *look = release->look;
    struct json_object *note = NULL, *since = NULL;
    (void)json_object_object_get_ex(look->now, "applications", &note);
    for (size_t i = 0; note && i < look->sessions.count; i++) {
        const health_session *s = &look->sessions.rows[i];
        const char *name = is_of_them(release, s) ? name_of(look, s) : NULL;
        if (name && json_object_object_get_ex(note, name, &since) && json_object_get_int64(since) > release->from)
            return s->application;
    }
    return NULL;
}

static const diagnose_changes_row *migration(const cause_release *release)
{
    const cause_look *look = release->look;
    for (size_t i = 0; i < look->change_count; i++)
        if (strcmp(look->changes[i].tool, "apply_schema_migration") == 0)
            return &look->changes[i];
    return NULL;
}

const char *cause_release_near(const cause_release *release, bool *ret_unseen, const char **ret_change)
{
    const cause_look *look = release->look;
    const diagnose_changes_row *change = migration(release);
    const char *application = new_application(release);
    size_t count = 0, begun = 0;
    for (size_t i = 0; i < look->sessions.count; i++) {
        const health_session *s = &look->sessions.rows[i];
        if (!is_of_them(release, s))
            continue;
        count++;
        begun += !s->backend_start_is_null && s->backend_start >= release->from - A_WHILE;
    }
    *ret_unseen = !count;
    *ret_change = change ? change->statement : NULL;
    if (change)
        return lb_printf(look->ctx, "%s of ours has changed the schema%s%s", change->tool,
                         change->group_title ? ": " : "", change->group_title ? change->group_title : "");
    if (application)
        return lb_printf(look->ctx, "the role is connected as %s, which it was not before", application);
    return count && begun == count ? "all sessions of the role have begun since, or shortly before" : NULL;
}
