/* Emits as long as the host lets it, and past that as often as it likes. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    int r = 0;
    for (int64_t i = 0; i < 1000000; i++) {
        int one = lb_emit(ctx, "flood.drop", LB_ARGS(lb_i64("number", i)), err);
        r = one < 0 ? one : r;
    }
    return r;
}

HOSTILE(floods_events, "a million events", .timeout_s = 30, .emits = LB_NAMES("flood.drop"));
