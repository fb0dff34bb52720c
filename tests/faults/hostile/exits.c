/* Calls exit() with a code of the caller's choice. */
#include "hostile.h"

struct args {
    int64_t code;
};

static const lb_param params[] = {
    LB_PARAM(struct args, code, LB_I64, "0", "what to exit with"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    (void)err; /* nobody will read it */
    exit((int)args->code);
}

HOSTILE(exits, "ends the process as if it were its own", LB_TOOL_ARGS(struct args, params));
