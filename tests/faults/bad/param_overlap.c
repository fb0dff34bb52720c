/* Two parameters in one place. */
#include <lbops/lbops.h>

struct args {
    int64_t days, weeks;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_I64, "7", "how far back"),
    {.name = "weeks", .type = LB_I64, .fallback = "1", .doc = "the same", .offset = 0, .width = 8},
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(param_overlap, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
