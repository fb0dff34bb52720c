/* last_analyzed: which tables of a branch were taken anew by us, as the history has it. */
#include <lbops/lbops.h>
#include <sql/stats/last_analyzed.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const operations[] = {"analyze", "vacuum_analyze"};
    const lb_target *target = lb_run_target(ctx);
    const stats_last_analyzed_args wanted = {
        .project = target->project, .branch = target->branch, .operations = {operations, 2}};
    stats_last_analyzed_row row;
    lb_rows *rows = NULL;
    int r = stats_last_analyzed(ctx, &wanted, &rows, err);
    while (r >= 0 && stats_last_analyzed_next(ctx, rows, &row))
        r = lb_append(ctx, "tables", LB_ARGS(lb_text("name", row.table_name), lb_time("at", row.executed_at)), err);
    return r < 0 ? lb_wrap(err, "last analyzed") : 0;
}

LB_TOOL(last_analyzed, "tables whose statistics were taken anew", .agent = "performance", .risk = LB_RISK_LOW,
        .run = run);
