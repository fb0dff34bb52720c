/* Appends a line to a file through a program that the door runs: a change whose every execution can be counted. */
#include "hostile.h"

struct args {
    const char *file, *line;
    bool slowly;
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *script = args->slowly ? "sleep 0.05; printf '%s\\n' \"$1\" >>\"$0\"" : "printf '%s\\n' \"$1\" >>\"$0\"";
    lb_group *group = NULL;
    lb_outcome outcome;
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "append %s", args->line), .reason = "the test counts the lines",
                               .evidence = LB_ARGS(lb_text("line", args->line))),
                      &group, err);
    if (r >= 0)
        r = lb_change_exec(ctx, group, LB_NAMES("/bin/sh", "-c", script, args->file, args->line), err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

static const lb_param params[] = {
    LB_PARAM(struct args, file, LB_TEXT, NULL, "the file", .required = true),
    LB_PARAM(struct args, line, LB_TEXT, NULL, "the line", .required = true),
    LB_PARAM(struct args, slowly, LB_BOOL, "false", "takes its time, so that it can be killed in the middle"),
    LB_PARAMS_END,
};

LB_TOOL(appends, "appends a line to a file", .workspace = true, .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params),
        .run = run);
