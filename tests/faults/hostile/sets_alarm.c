/* Asks for a signal that comes when another run may have the worker, and has every signal ignored that the host sends.
 */
#include "hostile.h"

#include <sys/time.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 600000}};
    (void)setitimer(ITIMER_REAL, &soon, NULL);
    (void)signal(SIGTERM, SIG_IGN);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(sets_alarm, "leaves an alarm and deaf ears behind", .timeout_s = 5);
