/* Events that are few and large: more in all than the host keeps for one run. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    char *text = lb_alloc(ctx, 1 << 19);
    int r = text ? 0 : lb_out_of_memory(err);
    if (r >= 0)
        memset(text, 'x', (1 << 19) - 1);
    for (int i = 0; i < 100 && r >= 0; i++)
        r = lb_emit(ctx, "large.event", LB_ARGS(lb_text("text", text)), err);
    return r;
}

HOSTILE(large_events, "fifty megabytes of events", .timeout_s = 20, .emits = LB_NAMES("large.event"));
