/* tune_autovacuum_parameters: gives tables that change faster than autovacuum comes settings of their own, from their
 * size, their churn and how autovacuum has behaved. Old values are kept, and are the undo. */
#include "vacuum_log.h"
#include "vacuum_options.h"
#include "vacuum_tune.h"

#include <stdlib.h>

struct args {
    double min_hours, off_by, most_runs_per_hour;
    int64_t min_rows, most_tables;
    lb_texts tables;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_hours, LB_F64, "24", "the counters have to cover so much time", .min = "0"),
    LB_PARAM(struct args, min_rows, LB_I64, "10000", "leave smaller tables alone", .min = "1"),
    LB_PARAM(struct args, off_by, LB_F64, "2", "change only what comes so many times too late", .min = "1"),
    LB_PARAM(struct args, most_runs_per_hour, LB_F64, "24", "leave tables alone that autovacuum visits more often",
             .min = "0"),
    LB_PARAM(struct args, most_tables, LB_I64, "20", "most tables to change in one run, the worst first", .min = "1"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_TEXT), NULL, "only these, as schema.table; none given: all"),
    LB_PARAMS_END,
};

/* One table that is to be changed. */
typedef struct job {
    const vacuum_relation *relation;
    vacuum_tuning tuning;
    vacuum_options options;
} job;

typedef struct work {
    vacuum_scan scan;
    double hours;
    job *jobs;
    size_t count;
    int64_t examined, tuned, failed;
} work;

/* ---- what ---- */

static void choose_options(lb_ctx *ctx, job *j)
{
    const vacuum_tuning *t = &j->tuning;
    vacuum_options_add(&j->options, "autovacuum_vacuum_scale_factor", lb_printf(ctx, "%g", t->scale));
    vacuum_options_add(&j->options, "autovacuum_vacuum_threshold", lb_printf(ctx, "%lld", (long long)t->threshold));
    if (t->analyze_scale >= 0 && j->relation->row.analyze_scale_is_null)
        vacuum_options_add(&j->options, "autovacuum_analyze_scale_factor", lb_printf(ctx, "%g", t->analyze_scale));
    if (t->insert_scale >= 0 && j->relation->row.insert_scale_is_null)
        vacuum_options_add(&j->options, "autovacuum_vacuum_insert_scale_factor", lb_printf(ctx, "%g", t->insert_scale));
}

/* {"old": {...}, "new": {...}, "autovacuums": 7}: what a later run compares with. */
static const char *settings_json(lb_ctx *ctx, const job *j)
{
    const vacuum_relations_row *row = &j->relation->row;
    const char *fresh = "";
    for (size_t i = 0; i < j->options.count && fresh; i++)
        fresh = lb_printf(ctx, "%s%s\"%s\":\"%s\"", fresh, i ? "," : "", j->options.names[i], j->options.values[i]);
    return fresh ? lb_printf(ctx, "{\"old\":%s,\"new\":{%s},\"autovacuums\":%lld,\"vacuum_ms\":%.0f}",
                             row->own_settings ? row->own_settings : "{}", fresh, (long long)row->autovacuums,
                             row->vacuum_ms_is_null ? -1 : row->vacuum_ms)
                 : NULL;
}

/* ---- change ---- */

static int apply(lb_ctx *ctx, const job *j, const vacuum_operation *o, double hours, lb_outcome *ret_outcome,
                 lb_error *err)
{
    const vacuum_tuning *t = &j->tuning;
    const char *undo = NULL;
    lb_group *group = NULL;
    int r = vacuum_options_undo(ctx, &j->relation->row, &j->options, &undo, err);
    if (r >= 0)
        r = lb_group_open(
            ctx,
            LB_GROUP(.title = lb_printf(ctx, "tune autovacuum for %s", j->relation->label), .reason = o->reason,
                     .evidence = LB_ARGS(lb_f64("rows", j->relation->need.rows),
                                         lb_f64("changed_rows_per_hour", t->churn_per_hour),
                                         lb_f64("counted_hours", hours), lb_f64("trigger_now", t->now_trigger),
                                         lb_f64("trigger_wanted", t->trigger), lb_f64("cycle_hours", t->cycle_hours),
                                         lb_f64("autovacuums_per_hour", t->runs_per_hour)),
                     .undo = undo),
            &group, err);
    if (r >= 0)
        r = vacuum_options_set(ctx, group, &j->relation->row, &j->options, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int do_table(lb_ctx *ctx, work *w, const job *j, lb_error *err)
{
    vacuum_operation o;
    lb_error failure;
    lb_outcome outcome = LB_REFUSED;
    const char *reason = lb_printf(
        ctx, "autovacuum waits for %.0f dead rows; %.0f rows change an hour, so %.0f would do every %.0f hours",
        j->tuning.now_trigger, j->tuning.churn_per_hour, j->tuning.trigger, j->tuning.cycle_hours);
    int r = vacuum_begin(ctx, j->relation, "tune_autovacuum", reason, &o, err);
    if (r < 0)
        return r;
    o.settings = settings_json(ctx, j);
    if (!o.settings)
        return lb_out_of_memory(err);
    r = apply(ctx, j, &o, w->hours, &outcome, &failure);
    o.ended = lb_now(ctx);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE) {
        *err = failure;
        return r;
    }
    o.status = r < 0                   ? "failed"
               : outcome == LB_APPLIED ? "success"
               : outcome == LB_PLANNED ? "planned"
               : outcome == LB_WAITING ? "waiting"
                                       : "deferred";
    o.error = r < 0 ? lb_printf(ctx, "%s", failure.message) : outcome == LB_REFUSED ? "the gate refused" : NULL;
    w->tuned += outcome == LB_APPLIED;
    w->failed += r < 0;
    return vacuum_write(ctx, &o, err);
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
    if (v->row.may_maintain)
        return NULL;
    return lb_printf(ctx, "the role does not own %s", v->label);
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
    *j = (job){.relation = v};
    vacuum_tune(v, w->hours, &j->tuning);
    if (vacuum_tuning_off(&j->tuning) < args->off_by)
        return 0;
    if (j->tuning.runs_per_hour >= args->most_runs_per_hour)
        return lb_skipped(ctx, v->label, "autovacuum comes often already: it needs more workers or a larger budget",
                          err);
    choose_options(ctx, j);
    w->count++;
    return 0;
}

static int worse_first(const void *a, const void *b)
{
    double x = vacuum_tuning_off(&((const job *)a)->tuning), y = vacuum_tuning_off(&((const job *)b)->tuning);
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
                             LB_ARGS(lb_i64("tables_tuned", w->tuned), lb_i64("tables_failed", w->failed),
                                     lb_i64("tables_off", (int64_t)w->count), lb_f64("counted_hours", w->hours)),
                             err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    work w = {.count = 0};
    int r = vacuum_scan_read(ctx, false, &w.scan, err);
    if (r < 0)
        return r;
    w.hours = vacuum_hours(w.scan.server.counts_since, w.scan.now);
    w.jobs = lb_alloc(ctx, (w.scan.count + 1) * sizeof *w.jobs);
    if (!w.jobs)
        return lb_out_of_memory(err);
    if (w.hours < args->min_hours)
        r = lb_skipped(ctx, "all tables",
                       lb_printf(ctx, "their counters cover %.1f hours, and %.1f are needed to know their churn",
                                 w.hours, args->min_hours),
                       err);
    for (size_t i = 0; r >= 0 && w.hours >= args->min_hours && i < w.scan.count; i++)
        r = look_at(ctx, &w, &w.scan.relations[i], err);
    return r < 0 ? r : change_all(ctx, &w, err);
}

LB_TOOL(tune_autovacuum_parameters, "gives tables the autovacuum settings that their size and churn ask for",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 3 * * *", .timeout_s = 300,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("vacuum_history"), .run = run);
