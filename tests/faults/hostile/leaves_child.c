/* Leaves one process behind and says that all is well. */
#include "hostile.h"

struct args {
    const char *how;
};

static const lb_param params[] = {
    LB_PARAM(struct args, how, LB_TEXT, "plain", "how it leaves it", .choices = "plain|session|daemon"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    pid_t pid = fork();
    if (pid == 0) {
        if (strcmp(args->how, "plain") != 0)
            (void)setsid();
        if (strcmp(args->how, "daemon") == 0 && fork() != 0)
            _exit(0);
        hostile_stay();
    }
    if (pid < 0)
        return lb_fail(err, LB_ERR_TOOL, NULL, "cannot fork: %s", strerror(errno));
    if (strcmp(args->how, "daemon") == 0)
        (void)waitpid(pid, NULL, 0);
    return lb_result(ctx, LB_ARGS(lb_text("how", args->how)), err);
}

HOSTILE(leaves_child, "forgets a process", .timeout_s = 5, LB_TOOL_ARGS(struct args, params));
