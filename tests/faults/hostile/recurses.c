/* Calls itself until the stack is used up. */
#include "hostile.h"

static int64_t deeper(volatile char *above, int64_t depth)
{
    volatile char frame[4096];
    frame[0] = above[0];
    int64_t below = deeper(frame, depth + 1);
    return below + frame[0];
}

static int run(lb_ctx *ctx, lb_error *err)
{
    volatile char bottom[1] = {0};
    return lb_result(ctx, LB_ARGS(lb_i64("depth", deeper(bottom, 0))), err);
}

HOSTILE(recurses, "goes too deep", .timeout_s = 20);
