/* Leaves as soon as it is opened. */
#include <lbops/lbops.h>

#include <stdlib.h>
__attribute__((constructor)) static void at_load(void)
{
    exit(3);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(exit_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
