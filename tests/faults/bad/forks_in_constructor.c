/* Leaves a process behind that holds every channel, and is sound otherwise. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    if (fork() == 0)
        for (;;)
            (void)pause(); /* until it is killed */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(forks_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
