/* Sound, but its file can be written by everybody. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(world_writable, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
