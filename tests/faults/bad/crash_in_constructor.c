/* Reads from nowhere as soon as it is opened. */
#include <lbops/lbops.h>

__attribute__((constructor)) static void at_load(void)
{
    const volatile int *volatile nowhere = NULL;
    (void)*nowhere; /* the read is the point */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(crash_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
