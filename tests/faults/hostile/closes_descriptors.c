/* Closes every descriptor, the channel to the host among them, and goes on as if nothing had happened. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    for (int fd = 0; fd < 1024; fd++)
        (void)close(fd);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(closes_descriptors, "closes descriptors that it did not open", .timeout_s = 5);
