/* Leaves a process behind that holds every channel, and goes. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    if (fork() == 0)
        for (;;)
            (void)pause(); /* until it is killed */
    _exit(4);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(forks_and_exits, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
