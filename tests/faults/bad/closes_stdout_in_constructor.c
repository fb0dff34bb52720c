/* Closes standard output, so that the next file opened would get its number. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    (void)close(1); /* that is the fault */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(closes_stdout_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
