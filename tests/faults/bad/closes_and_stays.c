/* Closes the channels and never comes back. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    for (int fd = 0; fd < 64; fd++)
        (void)close(fd); /* most are not open */
    for (;;)
        (void)pause(); /* until it is killed */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(closes_and_stays, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
