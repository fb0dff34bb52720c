/* schedule_vacuum_analyze: vacuums and analyzes what is due, worst first, one table at a time and under a budget that
 * leaves the disk to others. Stops when people come, in the middle of a table where they stay. */
#include "vacuum_aftermath.h"
#include "vacuum_ledger.h"
#include "vacuum_pace.h"
#include "vacuum_since.h"
#include "vacuum_targets.h"

#include <sql/vacuum/analyze.h>
#include <sql/vacuum/vacuum_analyze.h>

struct args {
    lb_texts tables;
    const char *window;
    double dead_ratio, stale_hours, min_changed_ratio, cost_delay_ms, load_growth, load_look_seconds;
    int64_t min_rows, cost_limit, most_tables, most_active, load_looks, holder_seconds;
};

static const lb_param params[] = {
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_TEXT), NULL,
             "only these, as schema.table, due or not; none given: all that are due"),
    LB_PARAM(
        struct args, window, LB_TEXT, NULL,
        "hours of the day to work in, UTC, in one pass: 22:00-05:30; auto: those of least traffic, or " VACUUM_NIGHT
        " until history knows them; none given: any time"),
    LB_PARAM(struct args, dead_ratio, LB_F64, "0.10", "dead part of a table's rows that is due", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, stale_hours, LB_F64, "24", "hours without a vacuum after which a changed table is due",
             .min = "0"),
    LB_PARAM(struct args, min_changed_ratio, LB_F64, "0.01", "changed part of the rows below which that does not count",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, min_rows, LB_I64, "1000", "fewer dead or changed rows than this are nothing", .min = "1"),
    LB_PARAM(struct args, cost_delay_ms, LB_F64, "2", "rest after each piece of work; 0: without rest", .min = "0",
             .max = "100"),
    LB_PARAM(struct args, cost_limit, LB_I64, "200", "size of a piece of work, as vacuum_cost_limit counts", .min = "1",
             .max = "10000"),
    LB_PARAM(struct args, most_tables, LB_I64, "50", "most tables in one run", .min = "1"),
    LB_PARAM(struct args, most_active, LB_I64, "20", "stop when more client sessions than this work", .min = "0"),
    LB_PARAM(struct args, load_growth, LB_F64, "2", "stop when so many times more of them work than at the start",
             .min = "1"),
    LB_PARAM(struct args, load_looks, LB_I64, "3",
             "a table that is worked on is broken off once they were so many in so many looks in a row", .min = "1"),
    LB_PARAM(struct args, load_look_seconds, LB_F64, "10", "from one of these looks to the next", .min = "0.1",
             .max = "3600"),
    LB_PARAM(struct args, holder_seconds, LB_I64, "300", "transactions younger than this are not waited for",
             .min = "0"),
    LB_PARAMS_END,
};

typedef struct work {
    vacuum_scan scan;
    vacuum_limits limits;
    vacuum_window window;
    vacuum_pace pace;
    const char *broken_off; /* the table that was worked on when too many came; NULL: none */
    bool was_done;          /* that table, before the server heard of it */
    int64_t failed, held, deferred, planned, removed;
    bool *is_held;   /* which of the targets: they are looked at once more in the end */
    lb_value *names; /* of what was vacuumed */
    size_t done;
} work;

/* ---- may it be now? ---- */

static bool was_visited(const vacuum_relation *before, const vacuum_relation *now)
{
    return before->need.last_vacuum != now->need.last_vacuum || before->need.last_analyze != now->need.last_analyze;
}

/* Between the scan and a table's turn lie the vacuums of all before it, hours perhaps: what it is judged and counted by
 * is read right before. A table that has gone is left as it was, and whoever measures it finds out. */
static int look_before(lb_ctx *ctx, work *w, vacuum_target *t, const char **ret_why, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_relation *now = lb_alloc(ctx, sizeof *now);
    bool found = false;
    if (!now)
        return lb_out_of_memory(err);
    int r = vacuum_scan_who(ctx, &w->scan, err);
    if (r >= 0)
        r = vacuum_date_holder(ctx, &w->scan, (double)args->holder_seconds, err);
    if (r >= 0 && t->relation->row.kind[0] != 'p')
        r = vacuum_scan_before(ctx, &w->scan, t->relation, now, &found, err);
    if (r < 0 || !found)
        return r;
    if (was_visited(t->relation, now) && !args->tables.count) {
        unsigned of_toast = t->due & ~vacuum_due(t->relation, &w->limits, w->scan.now);
        t->due = of_toast | vacuum_due(now, &w->limits, lb_now(ctx));
        *ret_why = t->due ? NULL : "somebody has vacuumed or analyzed it since this run began: nothing is due";
    }
    t->relation = now;
    return 0;
}

/* One that has met a holder in this run has to wait for whoever it is, however young. */
static bool is_futile(const work *w, const vacuum_target *t, bool again, const vacuum_horizon_row *holder)
{
    if (again)
        return vacuum_is_held(t->relation, vacuum_holder(&w->scan, 0, false));
    return t->due & VACUUM_DEAD && vacuum_is_futile(t->relation, holder);
}

/* Why this table is not vacuumed now, or NULL. */
static int find_obstacle(lb_ctx *ctx, const work *w, const vacuum_target *t, bool again, const char **ret_why,
                         lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_relation *v = t->relation;
    const vacuum_horizon_row *holder = vacuum_holder(&w->scan, (double)args->holder_seconds, false);
    double eta_s =
        vacuum_eta_s((double)v->row.pages, v->need.dead_ratio, args->cost_delay_ms, (double)args->cost_limit);
    double left_s = (double)lb_time_left(ctx) / 1e6;
    *ret_why = vacuum_refusal(&w->scan, v);
    if (*ret_why)
        return 0;
    if (is_futile(w, t, again, holder))
        *ret_why =
            again ? "it is held back still"
                  : lb_printf(ctx, "the last vacuum removed as little as this one would: %s holds the rows back: %s",
                              vacuum_holder_text(ctx, holder), vacuum_holder_advice(holder));
    else if (eta_s > left_s)
        *ret_why = lb_printf(ctx, "it may take %.0f s under this budget, and %.0f s are left", eta_s, left_s);
    return *ret_why ? 0 : vacuum_find_lock(ctx, v, false, ret_why, err);
}

/* ---- one table ---- */

static int fill_group(lb_ctx *ctx, const work *w, const vacuum_target *t, lb_group *group, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_relations_row *row = &t->relation->row;
    const vacuum_vacuum_analyze_args both = {.schema = row->schema, .table = row->name};
    const vacuum_analyze_args analyze = {.schema = row->schema, .table = row->name};
    if (t->due == VACUUM_ANALYZE)
        return vacuum_analyze(ctx, group, &analyze, err);
    int r = vacuum_set_budget(ctx, group, lb_printf(ctx, "%gms", args->cost_delay_ms),
                              lb_printf(ctx, "%lld", (long long)args->cost_limit), err);
    if (r >= 0)
        r = vacuum_vacuum_analyze(ctx, group, &both, err);
    return r < 0 ? r : vacuum_reset_budget(ctx, group, &w->scan, err);
}

static int apply(lb_ctx *ctx, work *w, const vacuum_target *t, const vacuum_operation *o, lb_outcome *ret_outcome,
                 lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_horizon_row *holder = vacuum_holder(&w->scan, (double)args->holder_seconds, false);
    lb_group *group = NULL;
    int r = lb_group_open(
        ctx,
        LB_GROUP(.title = lb_printf(ctx, "%s %s", t->due == VACUUM_ANALYZE ? "analyze" : "vacuum", t->relation->label),
                 .reason = o->reason,
                 .evidence = LB_ARGS(lb_i64("dead_rows", o->before.row.dead),
                                     lb_f64("dead_trigger", o->before.need.vacuum_trigger),
                                     lb_i64("inserted_since_vacuum", o->before.row.inserted_since_vacuum),
                                     lb_i64("modified_since_analyze", o->before.row.modified_since_analyze),
                                     vacuum_holder_value(ctx, "held_back_by", holder)),
                 .undo = "nothing has to be taken back: a vacuum changes no row that anybody sees"),
        &group, err);
    if (r >= 0)
        r = fill_group(ctx, w, t, group, err);
    if (r >= 0)
        r = vacuum_pace_watch(ctx, &w->pace, group, err);
    if (r < 0)
        return r;
    r = lb_apply(ctx, group, ret_outcome, err);
    if (r < 0 && lb_group_yielded(ctx, group))
        w->broken_off = t->relation->label;
    return r;
}

/* Who has kept it from removing rows is asked anew: it may have come since the run began, and be younger than whoever
 * is worth waiting for. */
static int judge_nothing_removed(lb_ctx *ctx, work *w, vacuum_operation *o, lb_error *err)
{
    int r = vacuum_scan_who(ctx, &w->scan, err);
    const vacuum_horizon_row *holder = vacuum_holder(&w->scan, 0, false);
    bool is_held = vacuum_is_held(&o->after, holder);
    if (r < 0)
        return r;
    o->status = is_held ? "held" : "failed";
    o->error = is_held ? lb_printf(ctx, "it removed nothing: %s holds the rows back: %s",
                                   vacuum_holder_text(ctx, holder), vacuum_holder_advice(holder))
               : w->scan.server.sees_sessions
                   ? "it has as many dead rows as before, and nobody is there now who would hold them back"
                   : "it has as many dead rows as before, and this role may not see who would hold them back";
    return o->error ? 0 : lb_out_of_memory(err);
}

/* SKIP_LOCKED passes a table over with a warning, and a vacuum that is held back removes nothing: the counters tell. */
static int judge(lb_ctx *ctx, work *w, const vacuum_target *t, vacuum_operation *o, lb_error *err)
{
    const vacuum_relations_row *a = &o->before.row, *b = &o->after.row;
    bool ran =
        t->due == VACUUM_ANALYZE ? o->after.need.last_analyze != o->before.need.last_analyze : b->vacuums != a->vacuums;
    o->status = "success";
    if (!o->has_after) {
        o->status = "failed";
        o->error = lb_printf(ctx, "%s is gone", o->before.label); /* as where it went before its turn */
    } else if (!ran) {
        o->status = "deferred";
        o->error = "somebody locked it in the same moment";
    } else if (t->due != VACUUM_ANALYZE && a->dead > 0 && b->dead >= a->dead) {
        return judge_nothing_removed(ctx, w, o, err);
    }
    return 0;
}

/* The server may have been done, or past its vacuum, when it was told to stop: its counters tell. What is left makes
 * the table due again. */
static int judge_broken_off(lb_ctx *ctx, work *w, const vacuum_target *t, vacuum_operation *o, lb_error *err)
{
    int r = vacuum_look_after(ctx, &w->scan, o, err);
    bool is_analyzed = o->has_after && o->after.need.last_analyze != o->before.need.last_analyze;
    bool is_vacuumed = o->has_after && o->after.row.vacuums != o->before.row.vacuums;
    if (r < 0)
        return r;
    w->was_done = is_analyzed && (is_vacuumed || t->due == VACUUM_ANALYZE);
    o->error = NULL;
    if (w->was_done)
        return judge(ctx, w, t, o, err);
    o->status = "deferred";
    o->error = is_vacuumed ? "it was vacuumed, and its ANALYZE stopped: the load rose" : "stopped: the load rose";
    return 0;
}

static void count_up(work *w, const vacuum_operation *o)
{
    if (strcmp(o->status, "success") == 0) {
        int64_t removed = o->before.row.dead - o->after.row.dead;
        w->names[w->done++] = lb_text(NULL, o->before.label);
        w->removed += removed > 0 ? removed : 0;
    }
    w->failed += strcmp(o->status, "failed") == 0;
    w->held += strcmp(o->status, "held") == 0;
    w->deferred += strcmp(o->status, "deferred") == 0;
    w->planned += strcmp(o->status, "planned") == 0 || strcmp(o->status, "waiting") == 0;
}

static int execute(lb_ctx *ctx, work *w, const vacuum_target *t, vacuum_operation *o, lb_error *err)
{
    lb_error failure;
    lb_outcome outcome = LB_REFUSED;
    vacuum_size_row size;
    int r = vacuum_measure(ctx, t->relation, &size, &failure);
    if (r >= 0) {
        o->bytes_before = size.total_bytes;
        r = apply(ctx, w, t, o, &outcome, &failure);
    }
    bool applied = r >= 0 && outcome == LB_APPLIED;
    r = vacuum_settle(ctx, o, r, outcome, &failure, err);
    if (r >= 0 && w->broken_off)
        return judge_broken_off(ctx, w, t, o, err);
    if (r < 0 || !applied)
        return r;
    r = vacuum_look_after(ctx, &w->scan, o, err);
    return r < 0 ? r : judge(ctx, w, t, o, err);
}

static int begin(lb_ctx *ctx, const work *w, const vacuum_target *t, vacuum_operation *ret_operation, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *type = t->due == VACUUM_ANALYZE ? "analyze" : "vacuum_analyze";
    const vacuum_horizon_row *holder = vacuum_holder(&w->scan, (double)args->holder_seconds, false);
    const char *reason = t->why ? t->why : vacuum_reason_text(ctx, t->relation, t->due, lb_now(ctx), holder);
    return vacuum_begin(ctx, &w->scan, t->relation, type, reason, ret_operation, err);
}

/* again: it was held back before, and what still stands in its way has been said. */
static int do_table(lb_ctx *ctx, work *w, const vacuum_target *target, bool again, bool *ret_held, lb_error *err)
{
    vacuum_target t = *target;
    vacuum_operation o;
    const char *why = NULL;
    int r = look_before(ctx, w, &t, &why, err);
    if (r >= 0)
        r = begin(ctx, w, &t, &o, err);
    if (r >= 0 && !why)
        r = find_obstacle(ctx, w, &t, again, &why, err);
    if (r < 0 || (why && again))
        return r < 0 ? lb_wrap(err, target->relation->label) : 0;
    o.error = why;
    r = why ? 0 : execute(ctx, w, &t, &o, err);
    if (r < 0)
        return lb_wrap(err, target->relation->label);
    count_up(w, &o);
    *ret_held = strcmp(o.status, "held") == 0;
    w->held -= again;
    return vacuum_write(ctx, &o, err);
}

static int conclude(lb_ctx *ctx, const work *w, const char *stopped, int64_t left, lb_error *err)
{
    int r = lb_result(ctx,
                      LB_ARGS(lb_i64("tables_vacuumed", (int64_t)w->done), lb_i64("tables_failed", w->failed),
                              lb_i64("tables_held", w->held), lb_i64("tables_deferred", w->deferred),
                              lb_i64("tables_planned", w->planned),
                              left < 0 ? lb_null("tables_left") : lb_i64("tables_left", left),
                              lb_i64("dead_rows_removed", w->removed), lb_text("stopped_because", stopped),
                              lb_text("window", w->window.hours), lb_text("window_from", w->window.from)),
                      err);
    if (r < 0 || !w->done)
        return r;
    return lb_emit(ctx, "vacuum.completed",
                   LB_ARGS(lb_i64("tables_vacuumed", (int64_t)w->done), lb_list("tables", LB_TEXT, w->names, w->done),
                           lb_i64("dead_tuples_removed", w->removed)),
                   err);
}

/* One after the other, as long as nobody minds; again: those that were held back before. *ret_done: how many were. */
static int do_each(lb_ctx *ctx, work *w, const vacuum_targets *targets, size_t most, bool again, size_t *ret_done,
                   const char **ret_stopped, lb_error *err)
{
    size_t i = 0;
    int r = 0;
    for (; r >= 0 && i < most && !w->broken_off; i++) {
        if (again && !w->is_held[i])
            continue;
        lb_progress(ctx, (int64_t)i, (int64_t)most, again ? "tables that were held back" : "tables");
        r = vacuum_pace_ask(ctx, &w->pace, ret_stopped, err);
        if (r >= 0 && *ret_stopped)
            break;
        if (r >= 0)
            r = do_table(ctx, w, &targets->items[i], again, &w->is_held[i], err);
    }
    *ret_done = w->broken_off && !w->was_done ? i - 1 : i;
    if (r < 0 || !w->broken_off)
        return r;
    *ret_stopped = lb_printf(ctx, "the load rose while %s was worked on", w->broken_off);
    return *ret_stopped ? 0 : lb_out_of_memory(err);
}

static int do_all(lb_ctx *ctx, work *w, const vacuum_targets *targets, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *stopped = NULL, *stopped_again = NULL;
    size_t i = 0, unused,
           most = (size_t)args->most_tables < targets->count ? (size_t)args->most_tables : targets->count;
    w->pace = (vacuum_pace){.most_active = args->most_active,
                            .growth = args->load_growth,
                            .window = w->window.hours,
                            .look_seconds = args->load_look_seconds,
                            .looks = args->load_looks};
    int r = vacuum_pace_begin(ctx, &w->pace, err);
    if (r >= 0)
        r = do_each(ctx, w, targets, most, false, &i, &stopped, err);
    if (r >= 0 && !stopped && w->held)
        r = do_each(ctx, w, targets, most, true, &unused, &stopped_again, err);
    if (r < 0)
        return r;
    if (w->broken_off && !stopped)
        stopped = stopped_again;
    lb_progress(ctx, (int64_t)i, (int64_t)most, "tables");
    if (!stopped && !args->tables.count)
        r = vacuum_window_note_pass(ctx, &w->window, w->scan.server.database, err);
    if (r < 0)
        return r;
    if (!stopped && most < targets->count)
        stopped = "most_tables are done";
    return conclude(ctx, w, stopped, (int64_t)(targets->count - i), err);
}

/* Before anybody is asked anything: a schedule that comes often may not keep a compute awake. Only whose a pass of this
 * opening was, the server has to say. */
static int find_reason_to_wait(lb_ctx *ctx, work *w, const char **ret_why, lb_error *err)
{
    const struct args *args = ctx->args;
    int64_t now = lb_now(ctx);
    *ret_why = NULL;
    if (!vacuum_in_window(w->window.hours, now)) {
        *ret_why = lb_printf(ctx, "it is not within %s", w->window.hours);
        return *ret_why ? 0 : lb_out_of_memory(err);
    }
    if (args->tables.count || !vacuum_window_passed(&w->window, now))
        return 0;
    int r = vacuum_window_ask(ctx, &w->window, err);
    if (r >= 0 && vacuum_window_passed(&w->window, now))
        *ret_why = "this window has had its pass";
    return r;
}

static int work_off(lb_ctx *ctx, work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_targets targets;
    w->limits = (vacuum_limits){.dead_ratio = args->dead_ratio,
                                .min_rows = args->min_rows,
                                .min_changed = args->min_changed_ratio,
                                .stale_hours = args->stale_hours};
    int r = vacuum_scan_read(ctx, &w->scan, err);
    r = r < 0 ? r : vacuum_settle_rewrites(ctx, &w->scan, err);
    if (r >= 0)
        r = vacuum_date_holder(ctx, &w->scan, (double)args->holder_seconds, err);
    if (r >= 0)
        r = vacuum_ledger_read(ctx, &w->scan, err);
    if (r >= 0)
        r = args->tables.count ? vacuum_targets_named(ctx, &w->scan, &args->tables, &w->limits, &targets, err)
                               : vacuum_targets_due(ctx, &w->scan, &w->limits, &targets, err);
    if (r < 0)
        return r;
    w->names = lb_alloc(ctx, (targets.count + 1) * sizeof *w->names);
    w->is_held = lb_alloc(ctx, (targets.count + 1) * sizeof *w->is_held);
    return w->names && w->is_held ? do_all(ctx, w, &targets, err) : lb_out_of_memory(err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    work w = {.done = 0};
    const char *stopped = NULL;
    int r = vacuum_check_window(args->window, err);
    if (r >= 0)
        r = vacuum_window_find(ctx, args->window, &w.window, err);
    if (r >= 0)
        r = find_reason_to_wait(ctx, &w, &stopped, err);
    if (r < 0)
        return r;
    return stopped ? conclude(ctx, &w, stopped, -1, err) : work_off(ctx, &w, err);
}

LB_TOOL(schedule_vacuum_analyze, "vacuums and analyzes what is due, worst first, under a budget",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 2 * * *", .timeout_s = 3600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("vacuum_history"), .emits = LB_NAMES("vacuum.completed"),
        .remembers = true, .run = run);
