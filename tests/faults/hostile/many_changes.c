/* As many changes as a run may make, each with much to say. */
#include "hostile.h"

struct args {
    int64_t count, bytes;
};

static const lb_param params[] = {
    LB_PARAM(struct args, count, LB_I64, "9000", "how many"),
    LB_PARAM(struct args, bytes, LB_I64, "0", "how long each argument is"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    char *text = lb_alloc(ctx, (size_t)args->bytes + 1);
    int r = text ? lb_group_open(ctx, LB_GROUP(.title = "many", .reason = "to see how many"), &group, err)
                 : lb_out_of_memory(err);
    if (r < 0)
        return r;
    memset(text, 'x', (size_t)args->bytes);
    const char *const words[] = {"/bin/echo", text, NULL};
    for (int64_t i = 0; i < args->count && r >= 0; i++)
        r = lb_change_exec(ctx, group, words, err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

HOSTILE(many_changes, "a great many changes", .timeout_s = 30, LB_TOOL_ARGS(struct args, params));
