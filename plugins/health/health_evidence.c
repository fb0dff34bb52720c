/* The procedures that change nothing: they keep evidence for a person, or advise. */
#include "health_sop.h"

#include <sql/health/extension_home.h>
#include <sql/health/lock_chain.h>
#include <sql/health/memory_settings.h>
#include <sql/health/open_writers.h>
#include <sql/health/replication.h>

#include <math.h>

static const char *text_of(const lb_value *cell)
{
    return cell->type == LB_NULL ? NULL : cell->v.text;
}

static void put_object(void *object)
{
    json_object_put(object);
}

/* What memory does not reach for is missing there, and stands in the result. */
static void keep(struct json_object *one, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(one, name, value) != 0)
        json_object_put(value);
}

/* A list of that name; NULL: out of memory. */
static struct json_object *list_in(struct json_object *into, const char *name)
{
    struct json_object *list = json_object_new_array();
    if (list && json_object_object_add(into, name, list) == 0)
        return list;
    json_object_put(list);
    return NULL;
}

static struct json_object *text_or_null(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static int keep_chain(lb_ctx *ctx, health_deed *deed, struct json_object *chain, double *ret_longest, lb_error *err)
{
    health_lock_chain_row row;
    lb_rows *rows = NULL;
    double longest = 0;
    int r = health_lock_chain(ctx, &rows, err);
    while (r >= 0 && health_lock_chain_next(ctx, rows, &row)) {
        const lb_value *facts =
            LB_ARGS(lb_i64("pid", row.pid), lb_text("user", row.user_name), lb_text("application", row.application),
                    lb_f64("waits_s", row.seconds), lb_text("mode", row.mode), lb_text("object", row.object),
                    lb_text("blocked_by", row.blocked_by), lb_bool("root", row.root), lb_text("state", row.state),
                    row.state_seconds_is_null ? lb_null("state_s") : lb_f64("state_s", row.state_seconds),
                    lb_text("queryid", row.query_id));
        struct json_object *one = json_object_new_object();
        (void)json_object_object_add(one, "pid", json_object_new_int64(row.pid));
        (void)json_object_object_add(one, "root", json_object_new_boolean(row.root));
        (void)json_object_object_add(one, "blocked_by", json_object_new_string(row.blocked_by));
        (void)json_object_object_add(one, "waits_s", json_object_new_double(row.seconds));
        (void)json_object_array_add(chain, one);
        longest = row.seconds > longest ? row.seconds : longest;
        deed->count++;
        r = lb_append(ctx, "chain", facts, err);
    }
    *ret_longest = longest;
    return r;
}

/* ---- deadlocks ---- */

static int keep_writer(lb_ctx *ctx, const char *schema, const health_open_writers_row *row, struct json_object *writers,
                       lb_error *err)
{
    query_statements_row statement = {.query = NULL};
    const char *why = NULL;
    int r = schema && row->query_id ? health_find_statement(ctx, schema, row->query_id, &statement, &why, err) : 0;
    if (r < 0)
        return r;
    const char *text = why ? NULL : statement.query;
    struct json_object *one = json_object_new_object();
    if (!one)
        return lb_out_of_memory(err);
    keep(one, "pid", json_object_new_int64(row->pid));
    keep(one, "failed", json_object_new_boolean(row->failed));
    keep(one, "tables", json_object_new_string(row->tables));
    keep(one, "queryid", text_or_null(row->query_id));
    keep(one, "statement", text_or_null(text));
    if (json_object_array_add(writers, one) != 0)
        json_object_put(one);
    return lb_append(ctx, "writers",
                     LB_ARGS(lb_i64("pid", row->pid), lb_text("user", row->user_name),
                             lb_text("application", row->application), lb_text("database", row->database),
                             lb_text("state", row->state), lb_bool("failed", row->failed), lb_bool("waits", row->waits),
                             row->xact_seconds_is_null ? lb_null("open_s") : lb_f64("open_s", row->xact_seconds),
                             lb_text("tables", row->tables), lb_text("queryid", row->query_id),
                             lb_text("statement", text), lb_text("no_statement", why)),
                     err);
}

/* Who is left of a deadlock, and who is about to be in the next: a failed transaction, and whoever has written. */
static int keep_writers(lb_ctx *ctx, health_deed *deed, struct json_object *writers, lb_error *err)
{
    const health_extension_home_args named = {.name = "pg_stat_statements"};
    health_extension_home_row home = {.schema = NULL};
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = health_extension_home(ctx, &named, &rows, err);
    const char *schema = r >= 0 && health_extension_home_next(ctx, rows, &home) ? home.schema : NULL;
    if (r >= 0)
        r = health_open_writers(ctx, &rows, err);
    if (r < 0)
        return r;
    /* All first: what they execute is asked in between. */
    health_open_writers_row *all = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (health_open_writers_next(ctx, rows, &all[count]))
        count++;
    deed->count += (int64_t)count;
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = keep_writer(ctx, schema, &all[i], writers, err);
    return r;
}

/* ---- locks ---- */

int health_log_chain(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    bool is_deadlock = what->id == HEALTH_DEADLOCKS;
    struct json_object *kept = json_object_new_object();
    double longest = 0;
    deed->action = health_alert_rules[what->id].sop;
    if (!kept || lb_defer(ctx, put_object, kept) < 0)
        return lb_out_of_memory(err);
    struct json_object *chain = list_in(kept, "chain"), *writers = is_deadlock ? list_in(kept, "writers") : NULL;
    if (!chain || (is_deadlock && !writers))
        return lb_out_of_memory(err);
    int r = keep_chain(ctx, deed, chain, &longest, err);
    if (r >= 0 && is_deadlock)
        r = keep_writers(ctx, deed, writers, err);
    deed->status = deed->count ? "recorded" : "nothing_to_do";
    deed->reason = deed->count   ? NULL
                   : is_deadlock ? "nobody waits for a lock now, and no transaction that has written is open"
                                 : "nobody waits for a lock now";
    const health_figure figure = {.name = health_alert_rules[HEALTH_LOCK_WAIT].metric,
                                  .value = longest,
                                  .interval_s = NAN,
                                  .detail_json = json_object_to_json_string_ext(kept, JSON_C_TO_STRING_PLAIN)};
    return r < 0 || !deed->count ? r : health_record(ctx, &figure, lb_now(ctx), err);
}

int health_advise_size(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    health_memory_settings_row m;
    lb_rows *rows = NULL;
    (void)what;
    deed->action = "size_advice";
    deed->status = "advised";
    int r = health_memory_settings(ctx, &rows, err);
    if (r < 0 || !health_memory_settings_next(ctx, rows, &m))
        return r;
    bool fits = m.database_bytes <= m.shared_buffers_bytes;
    deed->reason = fits ? "the database fits into shared_buffers: look for a cold cache after a start, not for memory"
                        : "more memory (a larger compute) would hold more of the database";
    return lb_report(ctx,
                     LB_FINDING(.object = lb_run_target(ctx)->branch, .kind = "cache_size", .reason = deed->reason,
                                .evidence = LB_ARGS(lb_i64("shared_buffers_bytes", m.shared_buffers_bytes),
                                                    lb_i64("effective_cache_bytes", m.effective_cache_bytes),
                                                    lb_i64("database_bytes", m.database_bytes),
                                                    lb_i64("max_connections", m.max_connections)),
                                .terms = LB_TERMS({"sizes_read", 0.4}, {"database_is_larger", fits ? 0.0 : 0.2})),
                     err);
}

int health_keep_lag(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    lb_rows *rows = NULL;
    const lb_value *cells;
    deed->action = health_alert_rules[what->id].sop;
    int r = health_replication(ctx, &rows, err);
    while (r >= 0 && (cells = lb_next(ctx, rows))) {
        deed->count++;
        r = lb_append(ctx, "replication",
                      LB_ARGS(lb_text("metric", text_of(&cells[0])), lb_numeric("value", text_of(&cells[1])),
                              lb_text("object", text_of(&cells[2])), lb_text("position", text_of(&cells[3])),
                              lb_json("detail", text_of(&cells[4]))),
                      err);
    }
    deed->status = deed->count ? "recorded" : "nothing_to_do";
    deed->reason = deed->count ? "a person decides: a slot that nobody reads keeps WAL until it is dropped"
                               : "there is neither a standby nor a slot";
    return r;
}
