/* Has another tool look at a branch, its own where none is named, and looks at nothing itself. */
#include "hostile.h"

struct args {
    const char *whereto;
};

static const lb_param params[] = {
    LB_PARAM(struct args, whereto, LB_TEXT, NULL, "the branch"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_target elsewhere = {.project = "shop", .branch = args->whereto};
    const char *answer = NULL;
    int r = lb_call(ctx, "example_tables", args->whereto ? &elsewhere : NULL, LB_NO_ARGS, &answer, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("answer", answer)), err);
}

LB_TOOL(sends, "has another tool look", .agent = "hostile", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params),
        .calls = LB_NAMES("example_tables"), .run = run);
