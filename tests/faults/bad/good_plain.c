/* The smallest tool. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(good_plain, "nothing but a run", .risk = LB_RISK_LOW, .run = run);
