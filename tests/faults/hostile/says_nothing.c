/* A detector that looks at nothing and finds nothing, and says neither. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_result(ctx, LB_ARGS(lb_text("verdict", "all is well")), err);
}

HOSTILE(says_nothing, "finds nothing since it does not look", .detector = true);
