#include "health_sop.h"

#include "health_sessions.h"

#include <sql/health/dead_tuples.h>
#include <sql/health/freeze_table.h>
#include <sql/health/oldest_tables.h>
#include <sql/health/table_state.h>
#include <sql/health/transaction_ages.h>
#include <sql/health/vacuum_table.h>
#include <sql/vacuum/horizon.h>
#include <sql/vacuum/may_vacuum.h>

#include <stdlib.h>

static const char *text_of(const lb_value *cell)
{
    return cell->type == LB_NULL ? NULL : cell->v.text;
}

/* Anything else is a look that failed: what was done is told all the same. */
static bool ends_run(lb_ctx *ctx, int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_NO_MEMORY || code == LB_ERR_SUSPENDED || lb_time_left(ctx) <= 0;
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

#define FREEZE "vacuum_freeze"
#define MAY_NOT                                                                                                        \
    "the role may not vacuum %s: it has to own it or its database, or have MAINTAIN on it (servers from 17 on)"

typedef struct operation {
    const char *schema, *table, *type;
    const char *status, *error; /* as vacuum_history has them */
    health_table_state_row before, after;
    bool is_there, is_there_after, ran;
    int64_t began;
} operation;

static int read_state(lb_ctx *ctx, const char *schema, const char *table, health_table_state_row *ret, bool *ret_found,
                      lb_error *err)
{
    health_table_state_args wanted = {.schema = schema, .table = table};
    lb_rows *rows = NULL;
    int r = vacuum_may_vacuum_compose(ctx, &(vacuum_may_vacuum_args){.relation = "c"}, &wanted.may_vacuum, err);
    if (r >= 0)
        r = health_table_state(ctx, &wanted, &rows, err);
    *ret_found = r >= 0 && health_table_state_next(ctx, rows, ret);
    return r;
}

/* Who has been there for longer than the vacuum; sessions of other databases hold back nothing here. */
static int find_holder(lb_ctx *ctx, const operation *o, const char **ret_holder, lb_error *err)
{
    double seconds = (double)(lb_now(ctx) - o->began) / 1e6;
    vacuum_horizon_row h;
    lb_rows *rows = NULL;
    *ret_holder = NULL;
    int r = vacuum_horizon(ctx, &rows, err);
    while (r >= 0 && !*ret_holder && vacuum_horizon_next(ctx, rows, &h)) {
        bool is_older = h.held_seconds_is_null || h.held_seconds > seconds;
        if (h.is_here && is_older && h.horizon_age > 0 && strcmp(h.scope, "rows") == 0)
            *ret_holder =
                lb_printf(ctx, "%s %s", strcmp(h.kind, "prepared") == 0 ? "prepared transaction" : h.kind, h.holder);
    }
    return r == LB_ERR_SQL || r == LB_ERR_DENIED ? 0 : r;
}

static int judge_nothing_removed(lb_ctx *ctx, operation *o, lb_error *err)
{
    const char *holder = NULL;
    int r = find_holder(ctx, o, &holder, err);
    o->status = holder ? "held" : "failed";
    o->error = holder ? lb_printf(ctx, "it removed nothing: %s holds the rows back", holder)
                      : "it has as many dead rows as before, and nobody is seen who would hold them back";
    return r;
}

/* A vacuum passes a table over with a warning where it is locked, or not ours: only the counters tell. What a freeze
 * has removed says nothing of it: rows die beside it, and it is for their age. */
static int judge(lb_ctx *ctx, operation *o, lb_error *err)
{
    const health_table_state_row *a = &o->before, *b = &o->after;
    bool is_for_age = strcmp(o->type, FREEZE) == 0;
    o->status = "success";
    o->ran = o->is_there && o->is_there_after && b->vacuums != a->vacuums;
    if (!o->is_there || !o->is_there_after) {
        o->status = "failed";
        o->error = "it is gone";
    } else if (!o->ran) {
        o->status = "deferred";
        o->error = !b->may_vacuum ? lb_printf(ctx, MAY_NOT, "it")
                   : b->locked_by ? lb_printf(ctx, "%s locks it", b->locked_by)
                   : a->locked_by ? lb_printf(ctx, "%s locked it", a->locked_by)
                                  : "somebody locked it in the same moment";
    } else if (!is_for_age && a->dead_rows > 0 && b->dead_rows >= a->dead_rows) {
        return judge_nothing_removed(ctx, o, err);
    }
    return 0;
}

static int keep_operation(lb_ctx *ctx, const operation *o, lb_error *err)
{
    bool is_done = strcmp(o->status, "success") == 0;
    int r = lb_record(
        ctx, "vacuum_history",
        LB_ARGS(lb_text("operation_id", lb_printf(ctx, "%s.%s-%lld", o->schema, o->table, (long long)o->began)),
                lb_time("executed_at", o->began), lb_text("schema_name", o->schema), lb_text("table_name", o->table),
                lb_text("operation_type", o->type), lb_text("reason", "procedure of an alert"),
                o->is_there ? lb_i64("dead_tuples_before", o->before.dead_rows) : lb_null("dead_tuples_before"),
                o->is_there_after ? lb_i64("dead_tuples_after", o->after.dead_rows) : lb_null("dead_tuples_after"),
                lb_f64("duration_seconds", (double)(lb_now(ctx) - o->began) / 1e6), lb_text("status", o->status),
                lb_text("error_message", o->error)),
        err);
    if (r >= 0)
        r = lb_append(ctx, "tables",
                      LB_ARGS(lb_text("schema", o->schema), lb_text("table", o->table), lb_text("status", o->status),
                              lb_text("reason", o->error)),
                      err);
    return r < 0 || !is_done ? r
                             : lb_emit(ctx, "vacuum.completed",
                                       LB_ARGS(lb_i64("tables_vacuumed", 1), lb_text("schema", o->schema),
                                               lb_text("table", o->table)),
                                       err);
}

/* What was applied, as the table shows it. */
static int conclude(lb_ctx *ctx, operation *o, health_deed *deed, lb_error *err)
{
    int r = read_state(ctx, o->schema, o->table, &o->after, &o->is_there_after, err);
    if (r >= 0)
        r = judge(ctx, o, err);
    if (r < 0 && ends_run(ctx, r))
        return r;
    if (r < 0) {
        o->ran = true; /* as far as anybody knows */
        o->status = "failed";
        o->error = lb_printf(ctx, "what it did could not be seen: %s", err->message);
    }
    deed->count += o->ran;
    if (!deed->reason)
        deed->reason = o->error;
    return keep_operation(ctx, o, err);
}

/* The server would pass it over with a warning, and call that done. */
static int cannot(lb_ctx *ctx, health_deed *deed, const char *what, lb_error *err)
{
    deed->status = "not_possible";
    deed->reason = what ? lb_printf(ctx, MAY_NOT, what) : NULL;
    return deed->reason ? 0 : lb_out_of_memory(err);
}

static int vacuum(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    const health_vacuum_table_args wanted = {.schema = what->schema, .table = what->table};
    operation o = {.schema = what->schema, .table = what->table, .type = "vacuum_analyze", .began = lb_now(ctx)};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    deed->action = "vacuum";
    int r = read_state(ctx, o.schema, o.table, &o.before, &o.is_there, err);
    if (r >= 0 && !o.is_there)
        return lb_fail(err, LB_ERR_NOT_FOUND, "give table and schema as they are there; without a schema it is public",
                       "there is no table %s.%s", o.schema, o.table);
    if (r >= 0 && !o.before.may_vacuum)
        return cannot(ctx, deed, lb_printf(ctx, "%s.%s", o.schema, o.table), err);
    if (r >= 0)
        r = lb_group_open(ctx,
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
    r = conclude(ctx, &o, deed, err);
    if (!deed->count)
        deed->status = "passed_over";
    return r;
}

static int freeze_one(lb_ctx *ctx, const health_oldest_tables_row *t, health_deed *deed, lb_error *err)
{
    const health_freeze_table_args wanted = {.schema = t->schema, .table = t->table_name};
    operation o = {.schema = t->schema, .table = t->table_name, .type = FREEZE, .began = lb_now(ctx)};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = read_state(ctx, o.schema, o.table, &o.before, &o.is_there, err);
    if (r >= 0)
        r = lb_group_open(ctx,
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
    return outcome == LB_APPLIED ? conclude(ctx, &o, deed, err) : 0;
}

static int read_oldest(lb_ctx *ctx, int64_t most, lb_rows **ret_rows, lb_error *err)
{
    health_oldest_tables_args wanted = {.most = most};
    int r = vacuum_may_vacuum_compose(ctx, &(vacuum_may_vacuum_args){.relation = "c"}, &wanted.may_vacuum, err);
    return r < 0 ? r : health_oldest_tables(ctx, &wanted, ret_rows, err);
}

static int freeze(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    health_oldest_tables_row row;
    lb_rows *rows = NULL;
    int64_t forbidden = 0;
    deed->action = FREEZE;
    deed->status = "nothing_to_do";
    int r = read_oldest(ctx, what->most_tables, &rows, err);
    while (r >= 0 && health_oldest_tables_next(ctx, rows, &row) && !lb_cancelled(ctx)) {
        forbidden += !row.may_vacuum;
        if (row.may_vacuum)
            r = freeze_one(ctx, &row, deed, err);
    }
    bool is_in_vain = deed->changes && deed->outcome == LB_APPLIED && !deed->count;
    if (is_in_vain)
        deed->status = "passed_over";
    else if (deed->changes)
        deed->reason = NULL;
    else if (r >= 0 && forbidden)
        return cannot(ctx, deed, "any table of this database", err);
    else
        deed->reason = "no table of this database can be read by this role";
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

bool health_alters(health_alert_id id)
{
    return id == HEALTH_CONNECTIONS || id == HEALTH_DEAD_TUPLES || id == HEALTH_TXID_AGE;
}

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

static void see(health_now *now, double value)
{
    *now = (health_now){.is_known = true, .value = value, .metric = value};
}

static void see_nothing(health_now *now, const char *why)
{
    *now = (health_now){.why = why};
}

/* false: it is not among them, or has no figure. */
static bool find_figure(lb_ctx *ctx, lb_rows *rows, const char *metric, double *ret_value)
{
    const lb_value *cells;
    while ((cells = lb_next(ctx, rows)))
        if (strcmp(text_of(&cells[0]), metric) == 0 && text_of(&cells[1])) {
            *ret_value = strtod(text_of(&cells[1]), NULL);
            return true;
        }
    return false;
}

/* A table without dead rows is not among those that have some, and neither is one that is gone. */
static int look_at_table(lb_ctx *ctx, const health_case *what, health_now *now, lb_error *err)
{
    health_table_state_row state;
    lb_rows *rows = NULL;
    double value = 0;
    bool is_there = false;
    int r = dead_rows(ctx, lb_printf(ctx, "%s.%s", what->schema, what->table), &rows, err);
    if (r < 0)
        return r;
    if (find_figure(ctx, rows, health_alert_rules[HEALTH_DEAD_TUPLES].metric, &value)) {
        see(now, value);
        return 0;
    }
    r = read_state(ctx, what->schema, what->table, &state, &is_there, err);
    if (r >= 0 && is_there && state.dead_rows == 0)
        see(now, 0);
    else if (r >= 0)
        *now = (health_now){.is_gone = !is_there, .why = is_there ? "it is not counted" : "there is no such table"};
    return r;
}

/* The table is of this database: what the procedure can do something about. The limits are of all. */
static int look_at_ages(lb_ctx *ctx, health_now *now, lb_error *err)
{
    health_oldest_tables_row row;
    lb_rows *rows = NULL;
    double metric = 0;
    int r = read_oldest(ctx, 1, &rows, err);
    bool is_known = r >= 0 && health_oldest_tables_next(ctx, rows, &row);
    if (r >= 0)
        r = health_transaction_ages(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!find_figure(ctx, rows, health_alert_rules[HEALTH_TXID_AGE].metric, &metric) || !is_known)
        see_nothing(now, "no age could be read");
    else
        *now = (health_now){.is_known = true, .value = (double)row.age, .metric = metric};
    return 0;
}

static int look_at_sessions(lb_ctx *ctx, health_now *now, lb_error *err)
{
    health_sessions sessions;
    int64_t clients = 0, limit = 0;
    int r = health_read_sessions(ctx, &sessions, err);
    if (r >= 0)
        see(now, health_utilization(&sessions, &clients, &limit));
    return r;
}

static int look(lb_ctx *ctx, const health_case *what, health_now *now, lb_error *err)
{
    switch (what->id) {
    case HEALTH_CONNECTIONS:
        return look_at_sessions(ctx, now, err);
    case HEALTH_DEAD_TUPLES:
        return look_at_table(ctx, what, now, err);
    case HEALTH_TXID_AGE:
        return look_at_ages(ctx, now, err);
    default: /* nothing is altered: nothing can have helped */
        *now = (health_now){.takes_two = true, .why = "the next evaluation tells"};
        return 0;
    }
}

int health_look(lb_ctx *ctx, const health_case *what, health_now *ret_now, lb_error *err)
{
    int r = look(ctx, what, ret_now, err);
    if (r >= 0)
        return r;
    see_nothing(ret_now, lb_printf(ctx, "%s", err->message));
    return ends_run(ctx, r) ? r : 0;
}
