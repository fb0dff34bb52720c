/* A tool of many: the bench builds 47 of these, named by BENCH_TOOL, to fill a manifest the size of the real one. */
#include <lbops/lbops.h>

struct args {
    const char *schema;
    int64_t days;
    double threshold;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schema, LB_IDENT, "public", "schema to look at"),
    LB_PARAM(struct args, days, LB_I64, "7", "days to look back", .min = "1"),
    LB_PARAM(struct args, threshold, LB_F64, "2.0", "above this it is a finding"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    return lb_examined(ctx, args->schema, args->days, err);
}

#define BENCH_PLUGIN(name)                                                                                             \
    LB_TOOL(name, "one of many", .agent = "bench", .risk = LB_RISK_LOW, .schedule = "*/5 * * * *",                     \
            LB_TOOL_ARGS(struct args, params), .workspace = true, .run = run)
BENCH_PLUGIN(BENCH_TOOL);
