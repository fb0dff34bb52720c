/* Asks for the plan of what it is given. */
#include "hostile.h"

struct args {
    const char *text;
    bool analyze;
};

static const lb_param params[] = {
    LB_PARAM(struct args, text, LB_TEXT, NULL, "the statement"),
    LB_PARAM(struct args, analyze, LB_BOOL, "false", "execute it too"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *plan = NULL;
    int r = lb_explain(ctx, LB_EXPLAIN(.text = args->text, .analyze = args->analyze, .timeout_ms = 5000), &plan, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("plan", plan)), err);
}

LB_TOOL(explains, "explains a statement", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
