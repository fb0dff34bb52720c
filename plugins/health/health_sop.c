#include "health_sop.h"

#include "health_sessions.h"

#include <sql/health/dead_tuples.h>
#include <sql/health/freeze_table.h>
#include <sql/health/lock_waits.h>
#include <sql/health/oldest_tables.h>
#include <sql/health/vacuum_table.h>

#include <stdlib.h>

static const char *text_of(const lb_value *cell)
{
    return cell->type == LB_NULL ? NULL : cell->v.text;
}

static void note_outcome(health_deed *deed, lb_outcome outcome)
{
    deed->outcome = outcome;
    deed->changes = true;
    deed->status = outcome == LB_APPLIED   ? "executed"
                   : outcome == LB_PLANNED ? "planned"
                   : outcome == LB_WAITING ? "pending_approval"
                                           : "refused";
}

/* ---- sessions ---- */

static int end_idle_sessions(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    const char *answer = NULL;
    (void)what;
    deed->action = "terminate_idle_connections";
    int r = lb_call(ctx, "terminate_idle_connections", NULL, LB_NO_ARGS, &answer, err);
    if (r < 0)
        return r;
    struct json_object *document = json_tokener_parse(answer), *count = NULL;
    if (json_object_object_get_ex(document, "sessions_terminated", &count))
        deed->count = json_object_get_int64(count);
    json_object_put(document);
    note_outcome(deed, lb_plans(ctx) ? LB_PLANNED : LB_APPLIED);
    if (!deed->count && !lb_plans(ctx)) {
        deed->status = "nothing_to_do";
        deed->reason = "no session has idled for long enough, or those that have are protected";
    }
    return lb_result(ctx, LB_ARGS(lb_json("terminate_idle_connections", answer)), err);
}

/* ---- vacuum ---- */

static int keep_operation(lb_ctx *ctx, const char *schema, const char *table, const char *operation, int64_t began,
                          lb_error *err)
{
    return lb_record(
        ctx, "vacuum_history",
        LB_ARGS(lb_text("operation_id", lb_printf(ctx, "%s.%s-%lld", schema, table, (long long)began)),
                lb_time("executed_at", began), lb_text("schema_name", schema), lb_text("table_name", table),
                lb_text("operation_type", operation), lb_text("reason", "procedure of an alert"),
                lb_f64("duration_seconds", (double)(lb_now(ctx) - began) / 1e6), lb_text("status", "success")),
        err);
}

static int vacuum(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    const health_vacuum_table_args wanted = {.schema = what->schema, .table = what->table};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int64_t began = lb_now(ctx);
    deed->action = "vacuum";
    deed->count = 1;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "vacuum %s.%s", what->schema, what->table),
                                   .reason = "its dead rows are past their limit", .undo = "nothing is to be undone"),
                          &group, err);
    if (r >= 0)
        r = health_vacuum_table(ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0)
        return r;
    note_outcome(deed, outcome);
    if (outcome != LB_APPLIED)
        return 0;
    r = lb_emit(ctx, "vacuum.completed",
                LB_ARGS(lb_i64("tables_vacuumed", 1), lb_text("schema", what->schema), lb_text("table", what->table)),
                err);
    return r < 0 ? r : keep_operation(ctx, what->schema, what->table, "vacuum_analyze", began, err);
}

static int freeze_one(lb_ctx *ctx, const health_oldest_tables_row *t, health_deed *deed, lb_error *err)
{
    const health_freeze_table_args wanted = {.schema = t->schema, .table = t->table_name};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int64_t began = lb_now(ctx);
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "freeze %s.%s", t->schema, t->table_name),
                                   .reason = "its transaction IDs are among the oldest",
                                   .evidence = LB_ARGS(lb_i64("age", t->age), lb_i64("bytes", t->bytes)),
                                   .undo = "nothing is to be undone"),
                          &group, err);
    if (r >= 0)
        r = health_freeze_table(ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0)
        return strcmp(err->sqlstate, "42501") == 0
                   ? lb_skipped(ctx, lb_printf(ctx, "%s.%s", t->schema, t->table_name), err->message, err)
                   : r;
    note_outcome(deed, outcome);
    deed->count++;
    r = outcome == LB_APPLIED ? keep_operation(ctx, t->schema, t->table_name, "vacuum_freeze", began, err) : 0;
    return r < 0 ? r
                 : lb_append(
                       ctx, "tables",
                       LB_ARGS(lb_text("schema", t->schema), lb_text("table", t->table_name), lb_i64("age", t->age)),
                       err);
}

static int freeze(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    const health_oldest_tables_args wanted = {.most = what->most_tables};
    health_oldest_tables_row row;
    lb_rows *rows = NULL;
    deed->action = "vacuum_freeze";
    deed->status = "nothing_to_do";
    deed->reason = "no table of this database can be frozen by this role";
    int r = health_oldest_tables(ctx, &wanted, &rows, err);
    while (r >= 0 && health_oldest_tables_next(ctx, rows, &row) && !lb_cancelled(ctx))
        r = freeze_one(ctx, &row, deed, err);
    if (r >= 0 && deed->count)
        deed->reason = NULL;
    return r;
}

/* ---- the table of them ---- */

static int (*const acts[HEALTH_ALERTS])(lb_ctx *, const health_case *, health_deed *, lb_error *) = {
    [HEALTH_CACHE_HIT] = health_advise_size,
    [HEALTH_CONNECTIONS] = end_idle_sessions,
    [HEALTH_DEAD_TUPLES] = vacuum,
    [HEALTH_LOCK_WAIT] = health_log_chain,
    [HEALTH_DEADLOCKS] = health_log_chain,
    [HEALTH_SLOW_QUERY] = health_queue_statements,
    [HEALTH_TXID_AGE] = freeze,
    [HEALTH_REPLICATION_LAG] = health_keep_lag,
};

int health_act(lb_ctx *ctx, const health_case *what, health_deed *ret_deed, lb_error *err)
{
    *ret_deed = (health_deed){.outcome = LB_APPLIED, .action = health_alert_rules[what->id].sop};
    return acts[what->id](ctx, what, ret_deed, err);
}

/* ---- looking ---- */

static int dead_rows(lb_ctx *ctx, const char *only, lb_rows **ret_rows, lb_error *err)
{
    const health_dead_tuples_args wanted = {.min_dead_rows = 1, .min_bytes = 0, .only = only};
    return health_dead_tuples(ctx, &wanted, ret_rows, err);
}

int health_worst_table(lb_ctx *ctx, health_case *what, bool *ret_found, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = dead_rows(ctx, NULL, &rows, err);
    const lb_value *cells = r < 0 ? NULL : lb_next(ctx, rows);
    *ret_found = cells != NULL;
    if (!cells)
        return r;
    struct json_object *detail = json_tokener_parse(text_of(&cells[4])), *schema = NULL, *table = NULL;
    if (json_object_object_get_ex(detail, "schema", &schema) && json_object_object_get_ex(detail, "table", &table)) {
        what->schema = lb_printf(ctx, "%s", json_object_get_string(schema));
        what->table = lb_printf(ctx, "%s", json_object_get_string(table));
    }
    json_object_put(detail);
    return what->schema && what->table ? r : lb_out_of_memory(err);
}

/* 0 where it is not among them: tables without dead rows are not. */
static void look_at_rows(lb_ctx *ctx, lb_rows *rows, const char *metric, const char *object, double *ret_value)
{
    const lb_value *cells;
    while ((cells = lb_next(ctx, rows))) {
        const char *name = text_of(&cells[2]);
        if (strcmp(text_of(&cells[0]), metric) == 0 && (!object || (name && strcmp(name, object) == 0))) {
            *ret_value = text_of(&cells[1]) ? strtod(text_of(&cells[1]), NULL) : 0;
            return;
        }
    }
    *ret_value = 0;
}

/* Of this database: what the procedure can do something about. */
static int oldest_table(lb_ctx *ctx, double *ret_age, lb_error *err)
{
    const health_oldest_tables_args wanted = {.most = 1};
    health_oldest_tables_row row;
    lb_rows *rows = NULL;
    int r = health_oldest_tables(ctx, &wanted, &rows, err);
    *ret_age = r >= 0 && health_oldest_tables_next(ctx, rows, &row) ? (double)row.age : 0;
    return r;
}

int health_look(lb_ctx *ctx, const health_case *what, bool *ret_known, double *ret_value, lb_error *err)
{
    const char *metric = health_alert_rules[what->id].metric;
    const char *name = what->table ? lb_printf(ctx, "%s.%s", what->schema, what->table) : NULL;
    health_sessions sessions;
    int64_t clients = 0, limit = 0;
    lb_rows *rows = NULL;
    int r = 0;
    *ret_known = true;
    switch (what->id) {
    case HEALTH_CONNECTIONS:
        r = health_read_sessions(ctx, &sessions, err);
        if (r >= 0)
            *ret_value = health_utilization(&sessions, &clients, &limit);
        return r;
    case HEALTH_DEAD_TUPLES:
        r = dead_rows(ctx, name, &rows, err);
        if (r >= 0)
            look_at_rows(ctx, rows, metric, name, ret_value);
        return r;
    case HEALTH_LOCK_WAIT:
        r = health_lock_waits(ctx, &rows, err);
        if (r >= 0)
            look_at_rows(ctx, rows, metric, NULL, ret_value);
        return r;
    case HEALTH_TXID_AGE:
        return oldest_table(ctx, ret_value, err);
    default:
        *ret_known = false;
        return 0;
    }
}
