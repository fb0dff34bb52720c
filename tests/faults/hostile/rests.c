/* A well-behaved tool that takes its time, says how far it is and in which process, and can be made to crash. */
#include "hostile.h"

struct args {
    int64_t ms;
    bool crash;
};

static const lb_param params[] = {
    LB_PARAM(struct args, ms, LB_I64, "0", "how long to rest", .min = "0"),
    LB_PARAM(struct args, crash, LB_BOOL, "false", "crashes at the end"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    for (int64_t rested = 0; rested < args->ms; rested += 10) {
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "woken up after %lld ms", (long long)rested);
        lb_progress(ctx, rested, args->ms, "milliseconds of rest");
        hostile_sleep_ms(10);
    }
    if (args->crash)
        abort();
    return lb_result(ctx, LB_ARGS(lb_i64("pid", getpid())), err);
}

HOSTILE(rests, "rests for a while", .timeout_s = 20, LB_TOOL_ARGS(struct args, params));
