/* An event of the platform's own whose payload lacks what it needs. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_emit(ctx, "branch.created", LB_ARGS(lb_text("project_id", "shop")), err);
}

HOSTILE(wrong_payload, "a branch without a name", .emits = LB_NAMES("branch.created"));
