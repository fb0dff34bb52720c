/* A result that is small in each of its lists and enormous in all of them. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    char *text = lb_alloc(ctx, 1 << 18);
    int r = text ? 0 : lb_out_of_memory(err);
    if (r >= 0)
        memset(text, 'x', (1 << 18) - 1);
    for (int i = 0; i < 400 && r >= 0; i++)
        r = lb_append(ctx, lb_printf(ctx, "list_%d", i), LB_ARGS(lb_text("row", text)), err);
    return r;
}

HOSTILE(many_lists, "answers with a hundred megabytes in four hundred parts", .timeout_s = 30);
