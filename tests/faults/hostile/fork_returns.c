/* Forks, and both halves go on as if they were the run. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return lb_fail(err, LB_ERR_TOOL, NULL, "cannot fork: %s", strerror(errno));
    if (pid > 0)
        hostile_sleep_ms(200); /* the child is first to say that the run is over */
    return lb_result(ctx, LB_ARGS(lb_text("half", pid == 0 ? "child" : "parent")), err);
}

HOSTILE(fork_returns, "is two processes from some point on", .timeout_s = 5);
