/* identify_tables_needing_vacuum: tables that autovacuum has left behind, by its own rules and by the product's, and
 * who keeps a vacuum from helping. */
#include "amount.h"
#include "vacuum_ledger.h"
#include "vacuum_parent.h"
#include "vacuum_since.h"

#include <sql/vacuum/analyze.h>
#include <sql/vacuum/vacuum_analyze.h>
#include <sql/vacuum/vacuum_only.h>

struct args {
    double dead_ratio, critical_ratio, full_ratio, stale_hours, min_changed_ratio;
    int64_t min_rows, min_gain_bytes, holder_seconds;
    lb_texts schemas;
};

static const lb_param params[] = {
    LB_PARAM(struct args, dead_ratio, LB_F64, "0.10", "dead part of a table's rows that makes a finding", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, critical_ratio, LB_F64, "0.25", "dead part of the rows that is critical", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, full_ratio, LB_F64, "0.30", "dead part of the rows above which VACUUM FULL is weighed",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, min_gain_bytes, LB_I64, "1073741824",
             "bytes that dead rows have to take before it is weighed, on a table that was vacuumed before", .min = "0"),
    LB_PARAM(struct args, stale_hours, LB_F64, "24", "hours without a vacuum after which a changed table is one",
             .min = "0"),
    LB_PARAM(struct args, min_changed_ratio, LB_F64, "0.01", "changed part of the rows below which that does not count",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, min_rows, LB_I64, "1000", "fewer dead or changed rows than this are nothing", .min = "1"),
    LB_PARAM(struct args, holder_seconds, LB_I64, "300", "transactions younger than this are not told of as holders",
             .min = "0"),
    LB_PARAM(struct args, schemas, LB_LIST_OF(LB_TEXT), NULL, "only these schemas; none given: all"),
    LB_PARAMS_END,
};

typedef struct tally {
    int64_t examined, unwanted, vacuum, full;
} tally;

static bool is_wanted(const lb_texts *schemas, const char *schema)
{
    for (size_t i = 0; i < schemas->count; i++)
        if (strcmp(schemas->items[i], schema) == 0)
            return true;
    return schemas->count == 0;
}

static const char *kind_of(const vacuum_relation *v, unsigned due)
{
    bool is_toast = v->row.kind[0] == 't';
    if (due & VACUUM_DEAD)
        return is_toast ? "dead_rows_in_toast" : "dead_rows";
    if (due & VACUUM_INSERTS)
        return is_toast ? "inserts_in_toast" : "inserts";
    return due & VACUUM_STALE ? "vacuum_overdue" : "statistics_overdue";
}

static const lb_value *evidence_of(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v,
                                   const vacuum_horizon_row *holder)
{
    const vacuum_relations_row *t = &v->row;
    const lb_value values[] = {
        lb_i64("dead_rows", t->dead),
        lb_f64("dead_ratio", v->need.dead_ratio),
        lb_f64("dead_trigger", v->need.vacuum_trigger),
        lb_f64("dead_share_of_trigger", vacuum_share((double)t->dead, v->need.vacuum_trigger)),
        lb_i64("forgotten_dead_rows", v->carried_dead),
        lb_i64("inserted_since_vacuum", t->inserted_since_vacuum),
        lb_f64("insert_trigger", v->need.insert_trigger),
        lb_i64("modified_since_analyze", t->modified_since_analyze),
        lb_f64("analyze_trigger", v->need.analyze_trigger),
        lb_f64("rows", v->need.rows),
        lb_i64("bytes", t->pages * scan->server.block_bytes),
        vacuum_time("last_vacuum", v->need.last_vacuum),
        vacuum_time("last_analyze", v->need.last_analyze),
        lb_bool("autovacuum_enabled", v->need.enabled),
        lb_json("own_settings", t->own_settings),
        lb_time("counters_since", scan->server.counts_since),
        vacuum_holder_value(ctx, "held_back_by", holder),
        {.type = LB_END},
    };
    lb_value *copy = lb_alloc(ctx, sizeof values);
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

static int compose_fix(lb_ctx *ctx, const vacuum_relation *v, unsigned due, const lb_sql **ret_fix, lb_error *err)
{
    const vacuum_vacuum_analyze_args both = {.schema = v->row.schema, .table = v->row.name};
    const vacuum_vacuum_only_args only = {.schema = v->row.schema, .table = v->row.name};
    const vacuum_analyze_args analyze = {.schema = v->row.schema, .table = v->row.name};
    if (due == VACUUM_ANALYZE)
        return vacuum_analyze_compose(ctx, &analyze, ret_fix, err);
    return v->row.kind[0] == 't' ? vacuum_vacuum_only_compose(ctx, &only, ret_fix, err)
                                 : vacuum_vacuum_analyze_compose(ctx, &both, ret_fix, err);
}

static double reusable_bytes(const vacuum_scan *scan, const vacuum_relation *v)
{
    return v->need.dead_ratio * (double)v->row.pages * (double)scan->server.block_bytes;
}

static int report(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, unsigned due, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_horizon_row *holder = vacuum_holder(scan, (double)args->holder_seconds, false);
    const lb_sql *fix = NULL;
    double share = vacuum_share((double)v->row.dead, v->need.vacuum_trigger);
    bool is_past = share >= 1 || due & VACUUM_INSERTS, comes_soon = v->need.enabled && is_past && share < 1.5;
    const lb_value *evidence = evidence_of(ctx, scan, v, holder);
    const char *reason = vacuum_reason_text(ctx, v, due, scan->now, holder);
    if (!evidence || !reason)
        return lb_out_of_memory(err);
    int r = compose_fix(ctx, v, due, &fix, err);
    if (r < 0)
        return r;
    bool is_critical = due & VACUUM_DEAD && v->need.dead_ratio > args->critical_ratio;
    return lb_report(
        ctx,
        LB_FINDING(.object = vacuum_name(ctx, v->row.schema, v->row.name), .kind = kind_of(v, due), .reason = reason,
                   .evidence = evidence,
                   .terms = LB_TERMS({"counted_by_the_server", 0.5}, {"past_its_own_trigger", is_past ? 0.3 : 0.1},
                                     {"rows_known", v->row.rows_known >= 0 ? 0.2 : 0.0},
                                     {"autovacuum_may_come_by_itself", comes_soon ? -0.2 : 0.0},
                                     {"an_earlier_vacuum_was_held_back", vacuum_is_futile(v, holder) ? -0.4 : 0.0}),
                   .impact = LB_ARGS(lb_text("level", is_critical ? "critical" : "warning"),
                                     lb_f64("reusable_bytes", reusable_bytes(scan, v))),
                   .fix = fix),
        err);
}

/* A rewrite locks everybody out: it has to be worth that, and a plain vacuum comes first. */
static bool is_worth_a_rewrite(const vacuum_scan *scan, const vacuum_relation *v, unsigned due, const struct args *args)
{
    return due & VACUUM_DEAD && v->need.dead_ratio > args->full_ratio && v->need.last_vacuum != LB_TIME_NONE &&
           reusable_bytes(scan, v) >= (double)args->min_gain_bytes;
}

static const lb_value *target_of(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const char *action)
{
    const lb_value values[] = {lb_text("schema", v->row.schema),
                               lb_text("table", v->row.name),
                               lb_i64("dead_rows", v->row.dead),
                               lb_f64("dead_ratio", v->need.dead_ratio),
                               lb_f64("urgency", vacuum_urgency(v)),
                               lb_i64("bytes", v->row.pages * scan->server.block_bytes),
                               lb_text("action", action),
                               {.type = LB_END}};
    lb_value *copy = lb_alloc(ctx, sizeof values);
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

/* The lists that schedule_vacuum_analyze and schedule_vacuum_full take up. */
static int list(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, unsigned due, tally *count,
                lb_error *err)
{
    bool is_full = is_worth_a_rewrite(scan, v, due, ctx->args);
    const lb_value *row = target_of(ctx, scan, v, due == VACUUM_ANALYZE ? "analyze" : "vacuum_analyze");
    const lb_value *full = is_full ? target_of(ctx, scan, v, "vacuum_full") : row;
    count->vacuum++;
    count->full += is_full;
    if (!row || !full)
        return lb_out_of_memory(err);
    int r = lb_append(ctx, "vacuum_targets", row, err);
    return r < 0 || !is_full ? r : lb_append(ctx, "vacuum_full_targets", full, err);
}

static int report_switched_off(lb_ctx *ctx, const vacuum_relation *v, lb_error *err)
{
    return lb_report(
        ctx,
        LB_FINDING(.object = vacuum_name(ctx, v->row.schema, v->row.name), .kind = "autovacuum_switched_off",
                   .reason = "autovacuum leaves this table alone until a wraparound threatens, and its rows change",
                   .evidence = LB_ARGS(lb_i64("dead_rows", v->row.dead), lb_json("own_settings", v->row.own_settings),
                                       lb_i64("changed_since_analyze", v->row.modified_since_analyze),
                                       vacuum_time("last_vacuum", v->need.last_vacuum)),
                   .terms = LB_TERMS({"set_on_the_table", 0.7}, {"its_rows_change", 0.2})),
        err);
}

static int look_at(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, tally *count, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_limits limits = {.dead_ratio = args->dead_ratio,
                                  .min_rows = args->min_rows,
                                  .min_changed = args->min_changed_ratio,
                                  .stale_hours = args->stale_hours};
    if (!is_wanted(&args->schemas, v->row.schema)) {
        count->unwanted++;
        return 0;
    }
    if (v->row.persistence[0] == 't')
        return lb_skipped(ctx, v->label, "only the session that made a temporary table can vacuum it", err);
    count->examined++;
    unsigned due = vacuum_due(v, &limits, scan->now);
    bool is_off = !v->row.enabled_is_null && !v->row.enabled && v->row.kind[0] != 't' && scan->server.enabled;
    int r =
        is_off && v->row.modified_since_analyze + v->row.dead >= args->min_rows ? report_switched_off(ctx, v, err) : 0;
    if (r >= 0 && due)
        r = report(ctx, scan, v, due, err);
    return r < 0 || !due ? r : list(ctx, scan, v, due, count, err);
}

/* ---- what vacuum passes over ---- */

static int look_at_others(lb_ctx *ctx, const vacuum_scan *scan, tally *count, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_others_row row;
    lb_rows *rows = NULL;
    int r = vacuum_scan_others(ctx, &rows, err);
    while (r >= 0 && vacuum_others_next(ctx, rows, &row)) {
        if (!is_wanted(&args->schemas, row.schema)) {
            count->unwanted++;
        } else if (row.kind[0] == 'f') {
            r = lb_skipped(ctx, vacuum_name(ctx, row.schema, row.name), "a foreign table holds no rows here", err);
        } else {
            count->examined++;
            r = vacuum_report_parent(ctx, scan, &row, args->min_rows, err);
        }
    }
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_scan scan;
    tally count = {0};
    int r = vacuum_scan_read(ctx, &scan, err);
    if (r >= 0)
        r = vacuum_date_holder(ctx, &scan, (double)args->holder_seconds, err);
    if (r >= 0)
        r = vacuum_ledger_read(ctx, &scan, err);
    for (size_t i = 0; r >= 0 && !scan.server.is_standby && i < scan.count; i++)
        r = look_at(ctx, &scan, &scan.relations[i], &count, err);
    if (r >= 0)
        r = look_at_others(ctx, &scan, &count, err);
    if (r >= 0 && count.unwanted)
        r = lb_skipped(ctx, amount_text(ctx, (double)count.unwanted, "relation", "relations"),
                       "of schemas that were not asked for", err);
    if (r >= 0)
        r = lb_examined(ctx, "relations", count.examined, err);
    if (r < 0)
        return r;
    return lb_result(
        ctx,
        LB_ARGS(lb_i64("tables_needing_vacuum", count.vacuum), lb_i64("tables_needing_vacuum_full", count.full),
                lb_bool("autovacuum_enabled", scan.server.enabled), lb_time("counters_since", scan.server.counts_since),
                lb_f64("counted_hours", vacuum_hours(scan.server.counts_since, scan.now)),
                vacuum_holder_value(ctx, "held_back_by", vacuum_holder(&scan, 0, false))),
        err);
}

LB_TOOL(identify_tables_needing_vacuum, "tables that vacuum has left behind, and what keeps it from helping",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 2 * * *", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .run = run);
