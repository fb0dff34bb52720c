/* noop: does nothing. What a run costs is what this one takes; scripts/bench measures it. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err; /* there is nothing to do, and nothing can fail */
    return 0;
}

LB_TOOL(noop, "does nothing, quickly", .agent = "example", .risk = LB_RISK_LOW, .workspace = true, .run = run);
