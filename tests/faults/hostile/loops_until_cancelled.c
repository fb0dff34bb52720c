/* Loops without end, but asks whether it should stop. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    while (!lb_cancelled(ctx))
        hostile_sleep_ms(5);
    return lb_fail(err, LB_ERR_CANCELLED, NULL, "stopped when it was asked to");
}

HOSTILE(loops_until_cancelled, "goes on until somebody says stop", .timeout_s = 1);
