/* Never ends and takes no notice of a signal that can be ignored. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    volatile unsigned long turns = 0;
    (void)ctx, (void)err; /* that is its fault */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    for (;;)
        turns++;
    return 0;
}

HOSTILE(loops_forever, "spins and will not be told", .timeout_s = 1);
