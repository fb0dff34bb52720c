/* An event whose name no event can have. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(bad_event, "one of the bad ones", .risk = LB_RISK_LOW, .emits = LB_NAMES("Branch created"), .run = run);
