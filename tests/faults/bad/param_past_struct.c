/* A parameter behind the end of its struct. */
#include <lbops/lbops.h>

struct args {
    int64_t days;
};

static const lb_param params[] = {
    {.name = "days", .type = LB_I64, .fallback = "7", .doc = "how far back", .offset = 8, .width = 8},
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(param_past_struct, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
