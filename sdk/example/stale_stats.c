/* stale_stats: finds tables that the planner knows from old statistics, and takes them anew when asked to. */
#include <lbops/lbops.h>
#include <sql/stats/analyze_table.h>
#include <sql/stats/modified_tables.h>

struct args {
    int64_t min_rows;
    double share;
    bool analyze;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_rows, LB_I64, "1000", "leave smaller tables out", .min = "0"),
    LB_PARAM(struct args, share, LB_F64, "0.2", "changed rows, as a share of all, that make a finding", .min = "0"),
    LB_PARAM(struct args, analyze, LB_BOOL, "false", "also run ANALYZE on what was found"),
    LB_PARAMS_END,
};

typedef stats_modified_tables_row table_row;

static double changed_share(const table_row *row)
{
    return row->live_rows > 0 ? (double)row->modified_rows / (double)row->live_rows : 0;
}

/* What was found, with the figures to check it by and the statement that would help. */
static int report(lb_ctx *ctx, const table_row *row, const stats_analyze_table_args *table, lb_error *err)
{
    const lb_sql *fix = NULL;
    bool never = row->last_analyze_is_null;
    int r = stats_analyze_table_compose(ctx, table, &fix, err);
    if (r < 0)
        return r;
    const lb_value *evidence = LB_ARGS(lb_i64("live_rows", row->live_rows), lb_i64("modified_rows", row->modified_rows),
                                       never ? lb_null("last_analyze") : lb_time("last_analyze", row->last_analyze));
    return lb_report(
        ctx,
        LB_FINDING(.object = lb_printf(ctx, "%s.%s", row->schema, row->name), .kind = "stale_statistics",
                   .reason =
                       lb_printf(ctx, "%.0f %% of its rows changed since the last ANALYZE", 100 * changed_share(row)),
                   .evidence = evidence, .terms = LB_TERMS({"rows_counted", 0.5}, {"date_known", never ? 0.0 : 0.4}),
                   .fix = fix),
        err);
}

/* The one door: a plan records the statement, an execution asks the gate, runs it and audits it. */
static int analyze(lb_ctx *ctx, const stats_analyze_table_args *table, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "analyze %s.%s", table->schema, table->table),
                                   .reason = "its statistics no longer describe its rows"),
                          &group, err);
    if (r >= 0)
        r = stats_analyze_table(ctx, group, table, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0 || outcome != LB_APPLIED)
        return r;
    return lb_emit(ctx, "table.analyzed", LB_ARGS(lb_text("schema", table->schema), lb_text("table", table->table)),
                   err);
}

static int look_at(lb_ctx *ctx, const table_row *row, lb_error *err)
{
    const struct args *args = ctx->args;
    const stats_analyze_table_args table = {.schema = row->schema, .table = row->name};
    if (changed_share(row) < args->share)
        return 0;
    int r = report(ctx, row, &table, err);
    return r < 0 || !args->analyze ? r : analyze(ctx, &table, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const stats_modified_tables_args wanted = {.min_rows = args->min_rows};
    table_row row;
    lb_rows *rows = NULL;
    double worst = 0;
    int64_t examined = 0;
    int r = stats_modified_tables(ctx, &wanted, &rows, err);
    if (r < 0)
        return lb_wrap(err, "table statistics");
    while (r >= 0 && stats_modified_tables_next(ctx, rows, &row)) {
        worst = changed_share(&row) > worst ? changed_share(&row) : worst;
        examined++;
        r = look_at(ctx, &row, err);
    }
    if (r >= 0)
        r = lb_examined(ctx, "tables", examined, err);
    if (r >= 0)
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", "stale_statistics_share"), lb_f64("metric_value", worst),
                              lb_time("snapshot_timestamp", lb_now(ctx))),
                      err);
    return r;
}

LB_TOOL(stale_stats, "tables whose statistics are out of date", .agent = "performance", .risk = LB_RISK_LOW,
        .schedule = "15 3 * * *", .detector = true, .timeout_s = 120, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics"), .emits = LB_NAMES("table.analyzed"), .run = run);
