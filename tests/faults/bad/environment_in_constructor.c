/* Leaves when it can see what was meant for the host alone, and is sound otherwise. */
#include <lbops/lbops.h>

#include <stdlib.h>
__attribute__((constructor)) static void at_load(void)
{
    if (getenv("LBOPS_TEST_SECRET"))
        exit(9);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(environment_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
