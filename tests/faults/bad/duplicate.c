/* Sound, but put into two directories. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(duplicate, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
