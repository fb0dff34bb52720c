/* A million log lines, long ones among them, and progress as fast as it can. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    char longest[8000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (int64_t i = 0; i < 1000000; i++) {
        lb_log(ctx, LB_LOG_ERROR, "line %lld %s", (long long)i, i % 100 ? "" : longest);
        lb_progress(ctx, i, 1000000, longest);
    }
    return lb_result(ctx, LB_ARGS(lb_i64("lines", 1000000)), err);
}

HOSTILE(floods_log, "a million lines", .timeout_s = 30);
