/* Leaves a thread behind that crashes a little later, when another run may have the worker. */
#include "hostile.h"

static void *crash_later(void *arg)
{
    hostile_sleep_ms(150);
    hostile_crash();
    return arg;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, crash_later, NULL) != 0)
        return lb_fail(err, LB_ERR_TOOL, NULL, "cannot start a thread");
    (void)pthread_detach(thread);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(leaves_thread, "forgets a thread that is about to crash", .timeout_s = 5);
