/* A default that is outside of its bounds. */
#include <lbops/lbops.h>

struct args {
    int64_t days;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_I64, "100", "how far back", .max = "90"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(bad_default, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
