/* An integer parameter in an int. */
#include <lbops/lbops.h>

struct args {
    int days;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_I64, "7", "how far back"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(bad_width, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
