/* Two hundred children that each try to escape in their own way, and an end as if nothing had happened. */
#include "hostile.h"

#define CHILDREN 200

struct args {
    const char *mark;
};

static const lb_param params[] = {
    LB_PARAM(struct args, mark, LB_TEXT, "mark", "name that some of the children go by"),
    LB_PARAMS_END,
};

static _Noreturn void be_child(int kind, const char *mark)
{
    if (kind >= 1)
        (void)setsid();
    if (kind >= 2 && fork() != 0) /* its child belongs to nobody now */
        _exit(0);
    if (kind >= 3) {
        (void)signal(SIGTERM, SIG_IGN);
        (void)execl("/bin/sleep", mark, "1000", (char *)NULL);
    }
    hostile_stay();
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    int64_t born = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0)
            be_child(i % 4, args->mark);
        born += pid > 0;
    }
    hostile_sleep_ms(300); /* so that they get where they want */
    return lb_result(ctx, LB_ARGS(lb_i64("born", born)), err);
}

HOSTILE(fork_bomb, "leaves two hundred processes behind", .timeout_s = 20, LB_TOOL_ARGS(struct args, params));
