/* Appends a gigabyte to its result, and hands on what the host says to that. */
#include "hostile.h"

struct args {
    bool stubborn;
};

static const lb_param params[] = {
    LB_PARAM(struct args, stubborn, LB_BOOL, "false", "does not hear the first refusal"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    char *text = lb_alloc(ctx, 1 << 20);
    int r = text ? 0 : lb_out_of_memory(err);
    if (r < 0)
        return r;
    memset(text, 'x', (1 << 20) - 1);
    for (int i = 0; i < 1024 && (r >= 0 || args->stubborn); i++)
        r = lb_append(ctx, "rows", LB_ARGS(lb_text("row", text)), err);
    return r;
}

HOSTILE(gigabyte_result, "answers with more than anybody can use", .timeout_s = 30, LB_TOOL_ARGS(struct args, params));
