/* branch_workload: what a branch is asked most of the time, for those who want to repeat it on another one. */
#include <lbops/lbops.h>
#include <sql/rehearsal/statements.h>
#include <sql/rehearsal/statistics.h>

struct args {
    int64_t most;
};

static const lb_param params[] = {
    LB_PARAM(struct args, most, LB_I64, "20", "statements, the costliest first", .min = "1", .max = "100"),
    LB_PARAMS_END,
};

static int tell(lb_ctx *ctx, lb_rows *rows, lb_error *err)
{
    rehearsal_statements_row row;
    int64_t listed = 0, all = 0;
    int r = 0;
    while (r >= 0 && rehearsal_statements_next(ctx, rows, &row)) {
        if (!listed++)
            r = lb_result(
                ctx, LB_ARGS(lb_i64("calls", row.all_calls), lb_f64("ms", row.all_ms), lb_time("since", row.since)),
                err);
        all = row.statements;
        if (r >= 0)
            r = lb_append(ctx, "statements",
                          LB_ARGS(lb_text("query", row.query), lb_i64("calls", row.calls), lb_f64("ms", row.total_ms)),
                          err);
    }
    if (r >= 0 && listed < all)
        r = lb_skipped(ctx, "statements", lb_printf(ctx, "%lld of %lld are listed", (long long)listed, (long long)all),
                       err);
    return r < 0 ? r : lb_examined(ctx, "statements", all, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    rehearsal_statistics_row where = {0};
    lb_rows *rows = NULL;
    int r = rehearsal_statistics(ctx, &rows, err);
    if (r < 0 || !rehearsal_statistics_next(ctx, rows, &where))
        return r < 0 ? r : lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say which extensions it has");
    if (!where.schema || !where.is_loaded)
        return lb_skipped(ctx, where.database,
                          where.schema ? "pg_stat_statements is not in shared_preload_libraries: it counts nothing"
                                       : "pg_stat_statements is not installed: CREATE EXTENSION pg_stat_statements",
                          err);
    r = rehearsal_statements(ctx, &(rehearsal_statements_args){.schema = where.schema, .most = args->most}, &rows, err);
    return r < 0 ? r : tell(ctx, rows, err);
}

LB_TOOL(branch_workload, "what a branch is asked most of the time", .agent = "provisioning", .risk = LB_RISK_LOW,
        .timeout_s = 60, LB_TOOL_ARGS(struct args, params), .run = run);
