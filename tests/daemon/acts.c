/* A tool of medium risk that writes a file: executed when a person or a schedule asks for it by name, and asked about
 * when an event has chosen it. */
#include <lbops/lbops.h>

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
    int r = lb_group_open(ctx, LB_GROUP(.title = "write a note", .reason = "something happened"), &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, args->path, "a note\n", err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

LB_TOOL(acts, "writes a file", .agent = "tests", .risk = LB_RISK_MEDIUM, .workspace = true,
        LB_TOOL_ARGS(struct args, params), .run = run);
