/* tune_autovacuum_parameters: gives tables that change faster than autovacuum comes settings of their own, from their
 * size, their churn and how autovacuum has behaved. Old values are kept, and are the undo. A fillfactor is advised. */
#include "amount.h"
#include "vacuum_log.h"
#include "vacuum_room.h"
#include "vacuum_trial.h"
#include "vacuum_tune.h"

#include <math.h>
#include <stdlib.h>

#define LOOKBACK_US (INT64_C(14) * 86400000000)

struct args {
    double min_hours, off_by, most_runs_per_hour, revert_hours, settle_hours, again_hours;
    int64_t min_rows, most_tables, settle_runs;
    lb_texts tables;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_hours, LB_F64, "24",
             "the changes of a table have to be known for so long, by the notes of watch_autovacuum or the server",
             .min = "0"),
    LB_PARAM(struct args, min_rows, LB_I64, "10000", "leave smaller tables alone", .min = "1"),
    LB_PARAM(struct args, off_by, LB_F64, "2", "change only what comes so many times too late", .min = "1"),
    LB_PARAM(struct args, most_runs_per_hour, LB_F64, "24",
             "leave tables alone that autovacuum visits more often, and take back what made it do so", .min = "0"),
    LB_PARAM(struct args, settle_runs, LB_I64, "3", "judge a tuning once autovacuum has come so often since",
             .min = "0"),
    LB_PARAM(struct args, revert_hours, LB_F64, "3", "and so long after it at the earliest", .min = "0"),
    LB_PARAM(struct args, settle_hours, LB_F64, "168", "after so long judge it however seldom autovacuum came",
             .min = "0"),
    LB_PARAM(struct args, again_hours, LB_F64, "24", "leave a table alone for so long after a change", .min = "0"),
    LB_PARAM(struct args, most_tables, LB_I64, "20", "most tables to change in one run, the worst first", .min = "1"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_TEXT), NULL, "only these, as schema.table; none given: all"),
    LB_PARAMS_END,
};

/* One table that is to be changed. */
typedef struct job {
    const vacuum_relation *relation;
    vacuum_tuning tuning;
    vacuum_observed seen;
    vacuum_options options;
    bool reverts; /* takes an earlier tuning back */
    vacuum_trial trial;
} job;

typedef struct work {
    vacuum_scan scan;
    double hours; /* that the server's counters cover */
    vacuum_counts counts;
    job *jobs;
    size_t count;
    vacuum_tunings_row *tunings; /* that history knows of */
    size_t tuning_count;
    int64_t examined, tuned, reverted, kept, failed;
} work;

/* ---- what ---- */

static void choose_options(lb_ctx *ctx, double off_by, job *j)
{
    const vacuum_tuning *t = &j->tuning;
    if (vacuum_tuning_off(t) >= off_by) {
        vacuum_options_add(&j->options, "autovacuum_vacuum_scale_factor", lb_printf(ctx, "%g", t->scale));
        vacuum_options_add(&j->options, "autovacuum_vacuum_threshold", lb_printf(ctx, "%lld", (long long)t->threshold));
    }
    if (t->analyze_scale >= 0 && j->relation->row.analyze_scale_is_null)
        vacuum_options_add(&j->options, "autovacuum_analyze_scale_factor", lb_printf(ctx, "%g", t->analyze_scale));
    if (vacuum_tuning_inserts_off(t) >= off_by) {
        vacuum_options_add(&j->options, "autovacuum_vacuum_insert_scale_factor", lb_printf(ctx, "%g", t->insert_scale));
        vacuum_options_add(&j->options, "autovacuum_vacuum_insert_threshold",
                           lb_printf(ctx, "%lld", (long long)t->insert_threshold));
    }
}

/* What a revert alters: all that the tuning had set. */
static void choose_reverted(job *j)
{
    for (size_t i = 0; i < j->trial.old.count; i++)
        vacuum_options_add(&j->options, j->trial.old.names[i], j->trial.old.values[i]);
    for (size_t i = 0; i < j->trial.fresh.count; i++)
        vacuum_options_add(&j->options, j->trial.fresh.names[i], "");
}

/* ---- change ---- */

static int apply(lb_ctx *ctx, const job *j, const vacuum_operation *o, lb_outcome *ret_outcome, lb_error *err)
{
    const vacuum_tuning *t = &j->tuning;
    const char *undo = NULL;
    lb_group *group = NULL;
    int r = vacuum_options_undo(ctx, &j->relation->row, &j->options, &undo, err);
    if (r >= 0)
        r = lb_group_open(
            ctx,
            LB_GROUP(.title = lb_printf(ctx, "tune autovacuum for %s", j->relation->label), .reason = o->reason,
                     .evidence = LB_ARGS(
                         lb_f64("rows", j->relation->need.rows), lb_f64("changed_rows_per_hour", t->churn_per_hour),
                         lb_f64("inserted_rows_per_hour", t->inserts_per_hour), lb_f64("counted_hours", j->seen.hours),
                         lb_text("counted_by", !j->seen.is_history ? "server"
                                               : j->seen.is_least  ? "history, at least"
                                                                   : "history"),
                         lb_f64("trigger_now", t->now_trigger), lb_f64("trigger_wanted", t->trigger),
                         lb_f64("analyze_trigger_now", t->now_analyze_trigger),
                         t->analyze_scale >= 0 ? lb_f64("analyze_trigger_wanted", t->analyze_trigger)
                                               : lb_null("analyze_trigger_wanted"),
                         lb_f64("cycle_hours", t->cycle_hours),
                         lb_f64("autovacuums_per_hour", j->reverts ? j->trial.runs_per_hour : t->runs_per_hour)),
                     .undo = undo),
            &group, err);
    if (r >= 0)
        r = j->reverts ? vacuum_options_restore(ctx, group, &j->relation->row, &j->trial.old, &j->trial.fresh, err)
                       : vacuum_options_set(ctx, group, &j->relation->row, &j->options, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static const char *least_text(bool is_least)
{
    return is_least ? "at least " : "";
}

static const char *revert_reason(lb_ctx *ctx, const vacuum_trial *trial)
{
    const char *least = least_text(trial->is_least);
    return trial->time_share < 0
               ? lb_printf(ctx, VACUUM_REVERT "autovacuum has come %s%.0f times an hour since", least,
                           trial->runs_per_hour)
               : lb_printf(ctx, VACUUM_REVERT "autovacuum has come %s%.0f times an hour since, %.0f %% of the time",
                           least, trial->runs_per_hour, 100 * trial->time_share);
}

/* What became of a tuning is one more row of its operation, as the tuning's own row stays what it was. */
static int settle_trial(lb_ctx *ctx, const work *w, const vacuum_relation *v, const vacuum_trial *trial,
                        const char *status, const char *reason, lb_error *err)
{
    int64_t now = lb_now(ctx);
    const vacuum_operation o = {.id = trial->id,
                                .type = "tune_autovacuum",
                                .reason = reason,
                                .status = status,
                                .database = w->scan.server.database,
                                .before = *v,
                                .began = now,
                                .ended = now};
    return reason ? vacuum_write(ctx, &o, err) : lb_out_of_memory(err);
}

static const char *tune_reason(lb_ctx *ctx, const job *j)
{
    const vacuum_tuning *t = &j->tuning;
    const char *least = least_text(j->seen.is_least);
    if (j->options.count == 1) /* vacuum's come in pairs */
        return lb_printf(ctx,
                         "autovacuum analyzes it after %.0f changed rows, and %s%.0f a day are changed or added: with "
                         "%.0f plans know sooner what it holds",
                         t->now_analyze_trigger, least, t->analyzed_per_day, t->analyze_trigger);
    if (vacuum_tuning_off(t) < vacuum_tuning_inserts_off(t))
        return lb_printf(ctx,
                         "autovacuum waits for %.0f inserted rows, and rows are only added, %s%.0f an hour: with %.0f "
                         "it freezes each page while it is new",
                         t->now_insert_trigger, least, t->inserts_per_hour, t->insert_trigger);
    return lb_printf(ctx,
                     "autovacuum waits for %.0f dead rows; %s%.0f rows change an hour, so %.0f would do every %.0f "
                     "hours",
                     t->now_trigger, least, t->churn_per_hour, t->trigger, t->cycle_hours);
}

static int do_table(lb_ctx *ctx, work *w, const job *j, lb_error *err)
{
    vacuum_operation o;
    lb_error failure;
    lb_outcome outcome = LB_REFUSED;
    const char *reason = j->reverts ? revert_reason(ctx, &j->trial) : tune_reason(ctx, j);
    int r = vacuum_begin(ctx, &w->scan, j->relation, "tune_autovacuum", reason, &o, err);
    if (r < 0)
        return r;
    const vacuum_options nothing = {0};
    o.settings = vacuum_options_json(ctx, &j->relation->row, j->reverts ? &nothing : &j->options);
    if (!o.settings)
        return lb_out_of_memory(err);
    r = apply(ctx, j, &o, &outcome, &failure);
    bool failed = r < 0;
    r = vacuum_settle(ctx, &o, r, outcome, &failure, err);
    if (r < 0)
        return r;
    w->tuned += outcome == LB_APPLIED && !j->reverts;
    w->reverted += outcome == LB_APPLIED && j->reverts;
    w->failed += failed;
    r = vacuum_write(ctx, &o, err);
    return r < 0 || !j->reverts || failed || outcome != LB_APPLIED
               ? r
               : settle_trial(ctx, w, j->relation, &j->trial, "reverted", reason, err);
}

/* ---- which ---- */

static bool is_wanted(lb_ctx *ctx, const lb_texts *tables, const vacuum_relation *v)
{
    const char *full = vacuum_name(ctx, v->row.schema, v->row.name);
    for (size_t i = 0; i < tables->count && full; i++)
        if (strcmp(tables->items[i], full) == 0 || strcmp(tables->items[i], v->row.name) == 0)
            return true;
    return tables->count == 0;
}

static const char *reason_against(lb_ctx *ctx, const vacuum_relation *v)
{
    if (v->row.persistence[0] == 't')
        return "autovacuum never comes to a temporary table";
    if (v->row.rows_known < 0)
        return "nobody has counted its rows yet: ANALYZE it first";
    if (!v->need.enabled)
        return "autovacuum is switched off for it, which no threshold changes";
    if (v->row.is_owned)
        return NULL;
    return lb_printf(ctx, "the role does not own %s", v->label);
}

static bool is_ripe(const struct args *args, const vacuum_trial *trial)
{
    return vacuum_tuning_is_ripe(trial->runs, (double)args->settle_runs, trial->hours, args->revert_hours,
                                 args->settle_hours);
}

/* It had its time, autovacuum behaves, and nobody has set anything else. */
static int keep_trial(lb_ctx *ctx, work *w, const job *j, lb_error *err)
{
    const vacuum_trial *trial = &j->trial;
    const struct args *args = ctx->args;
    if (!is_ripe(args, trial))
        return 0;
    w->kept++;
    return settle_trial(
        ctx, w, j->relation, trial, "kept",
        lb_printf(ctx,
                  "autovacuum has come %s%.3g times an hour since, and %lld dead rows wait of the %.0f it waits for",
                  least_text(trial->is_least), trial->runs_per_hour, (long long)j->relation->row.dead,
                  j->relation->need.vacuum_trigger),
        err);
}

/* An earlier tuning is a trial: it has time to show its effect, and is taken back where it made things worse. What
 * somebody else has set since is theirs. */
static int look_at_trial(lb_ctx *ctx, work *w, job *j, bool *ret_settled, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_trial *trial = &j->trial;
    bool found = false;
    int r = vacuum_find_trial(ctx, &w->scan, j->relation, w->tunings, w->tuning_count, &j->trial, &found, err);
    if (r < 0 || !found)
        return r;
    bool is_open = !trial->was_revert && !trial->is_settled && trial->is_in_place;
    j->reverts = is_open && is_ripe(args, trial) &&
                 vacuum_tuning_failed(trial->runs_per_hour, args->most_runs_per_hour, trial->time_share);
    w->count += j->reverts;
    *ret_settled = j->reverts || trial->hours < args->again_hours;
    if (j->reverts)
        choose_reverted(j);
    if (j->reverts || !*ret_settled)
        return j->reverts || !is_open ? 0 : keep_trial(ctx, w, j, err);
    return lb_skipped(ctx, j->relation->label,
                      lb_printf(ctx, "it was tuned %s ago: the effect has to show first",
                                amount_text(ctx, trial->hours, "hour", "hours")),
                      err);
}

/* What a table says itself of when to be analyzed somebody has chosen. */
static double off_of(const job *j)
{
    double analyze = j->relation->row.analyze_scale_is_null ? vacuum_tuning_analyze_off(&j->tuning) : 0;
    return fmax(fmax(vacuum_tuning_off(&j->tuning), vacuum_tuning_inserts_off(&j->tuning)), analyze);
}

/* Workers do not help where its vacuums are in time, and its statistics alone are late. */
static const char *why_often(lb_ctx *ctx, double off_by, const job *j)
{
    const vacuum_tuning *t = &j->tuning;
    if (fmax(vacuum_tuning_off(t), vacuum_tuning_inserts_off(t)) >= off_by)
        return "autovacuum comes often already: it needs more workers or a larger budget";
    return lb_printf(ctx,
                     "its vacuums are in time, and autovacuum comes %.3g times an hour for them, so it is left alone "
                     "(most_runs_per_hour); but it is analyzed late: an autovacuum_analyze_scale_factor of %.3g would "
                     "be better",
                     t->runs_per_hour, t->analyze_scale);
}

static int look_at(lb_ctx *ctx, work *w, const vacuum_relation *v, lb_error *err)
{
    const struct args *args = ctx->args;
    job *j = &w->jobs[w->count];
    if (v->row.kind[0] != 'r' || !is_wanted(ctx, &args->tables, v))
        return 0;
    const char *why = reason_against(ctx, v);
    if (why)
        return lb_skipped(ctx, v->label, why, err);
    w->examined++;
    if (v->row.rows_known < (double)args->min_rows)
        return 0;
    bool settled = false;
    *j = (job){.relation = v};
    int r = look_at_trial(ctx, w, j, &settled, err);
    if (r < 0 || settled)
        return r;
    j->seen = vacuum_counts_of(&w->scan, &w->counts, v, args->min_hours);
    if (j->seen.hours < args->min_hours)
        return lb_skipped(ctx, v->label,
                          lb_printf(ctx, "its counters cover %.1f hours, and %.1f are needed to know its churn",
                                    j->seen.hours, args->min_hours),
                          err);
    vacuum_tune(v, &j->seen, &j->tuning);
    if (off_of(j) < args->off_by)
        return 0;
    if (j->tuning.runs_per_hour >= args->most_runs_per_hour)
        return lb_skipped(ctx, v->label, why_often(ctx, args->off_by, j), err);
    choose_options(ctx, args->off_by, j);
    w->count++;
    return 0;
}

/* Beside autovacuum's settings, and as advice: whether a table may grow for it people decide. */
static int look_for_room(lb_ctx *ctx, const work *w, const vacuum_relation *v, lb_error *err)
{
    const struct args *args = ctx->args;
    if (v->row.kind[0] != 'r' || v->row.persistence[0] == 't' || v->row.rows_known < (double)args->min_rows ||
        !is_wanted(ctx, &args->tables, v))
        return 0;
    const vacuum_observed seen = vacuum_counts_of(&w->scan, &w->counts, v, args->min_hours);
    return vacuum_room_look(ctx, v, &seen, args->min_hours, err);
}

static int worse_first(const void *a, const void *b)
{
    const job *first = a, *second = b;
    double x = off_of(first), y = off_of(second);
    if (first->reverts != second->reverts)
        return first->reverts ? -1 : 1;
    return (x < y) - (x > y);
}

static int change_all(lb_ctx *ctx, work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    qsort(w->jobs, w->count, sizeof *w->jobs, worse_first);
    for (size_t i = 0; r >= 0 && i < w->count && (int64_t)i < args->most_tables; i++) {
        lb_progress(ctx, (int64_t)i, (int64_t)w->count, "tables");
        r = do_table(ctx, w, &w->jobs[i], err);
    }
    if (r >= 0)
        r = lb_examined(ctx, "tables", w->examined, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("tables_tuned", w->tuned), lb_i64("tables_reverted", w->reverted),
                                     lb_i64("tables_kept", w->kept), lb_i64("tables_failed", w->failed),
                                     lb_i64("tables_off", (int64_t)w->count), lb_f64("counted_hours", w->hours)),
                             err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    work w = {.count = 0};
    int r = vacuum_scan_read(ctx, &w.scan, err);
    if (r < 0)
        return r;
    w.hours = vacuum_hours(w.scan.server.counts_since, w.scan.now);
    w.jobs = lb_alloc(ctx, (w.scan.count + 1) * sizeof *w.jobs);
    if (!w.jobs)
        return lb_out_of_memory(err);
    r = vacuum_counts_read(ctx, &w.scan, w.scan.now - LOOKBACK_US, NULL, &w.counts, err);
    if (r < 0)
        return r;
    bool is_unknown = w.hours < args->min_hours && !w.counts.count;
    bool may_look = !w.scan.server.is_standby && !is_unknown;
    if (w.scan.server.is_standby)
        r = lb_skipped(ctx, "all tables", VACUUM_STANDBY, err);
    else if (is_unknown)
        r = lb_skipped(ctx, "all tables",
                       lb_printf(ctx, "their counters cover %.1f hours, and %.1f are needed to know their churn",
                                 w.hours, args->min_hours),
                       err);
    if (r >= 0)
        r = vacuum_read_tunings(ctx, &w.scan, &w.tunings, &w.tuning_count, err);
    for (size_t i = 0; r >= 0 && may_look && i < w.scan.count; i++)
        r = look_at(ctx, &w, &w.scan.relations[i], err);
    for (size_t i = 0; r >= 0 && may_look && i < w.scan.count; i++)
        r = look_for_room(ctx, &w, &w.scan.relations[i], err);
    return r < 0 ? r : change_all(ctx, &w, err);
}

LB_TOOL(tune_autovacuum_parameters, "gives tables the autovacuum settings that their size and churn ask for",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 3 * * *", .timeout_s = 300,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("vacuum_history"), .run = run);
