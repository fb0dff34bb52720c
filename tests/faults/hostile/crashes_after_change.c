/* Makes a change, hears that it was made, and crashes. */
#include "hostile.h"

struct args {
    const char *path;
};

static const lb_param params[] = {
    LB_PARAM(struct args, path, LB_TEXT, NULL, "the file to write", .required = true),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(ctx, LB_GROUP(.title = "write a file", .reason = "asked for by name"), &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, args->path, "made before the crash\n", err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r >= 0 && outcome == LB_APPLIED)
        abort();
    return r;
}

HOSTILE(crashes_after_change, "changes something and does not live to tell", LB_TOOL_ARGS(struct args, params));
