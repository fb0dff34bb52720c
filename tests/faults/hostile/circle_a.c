/* One half of a circle of calls. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    const char *document = NULL;
    return lb_call(ctx, "circle_b", NULL, LB_NO_ARGS, &document, err);
}

HOSTILE(circle_a, "calls the one that calls it", .calls = LB_NAMES("circle_b"));
