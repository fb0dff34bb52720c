/* Never comes back from being opened. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    for (;;)
        (void)pause(); /* until it is killed */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(loop_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
