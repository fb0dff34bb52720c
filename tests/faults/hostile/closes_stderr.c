/* Closes the standard descriptors but not the channel, and stays for a while. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    hostile_sleep_ms(700);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(closes_stderr, "closes what it would complain on", .timeout_s = 5);
