/* Ends well, and its clean-up crashes. */
#include "hostile.h"

static void crash(void *arg)
{
    (void)arg; /* there is none */
    hostile_crash();
}

static int run(lb_ctx *ctx, lb_error *err)
{
    if (lb_defer(ctx, crash, NULL) < 0)
        return lb_out_of_memory(err);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(crash_in_cleanup, "crashes once nobody looks any more", .timeout_s = 5);
