/* execute_on_branch: executes a statement that only reads, once, on the branch that it runs on, and tells the plan that
 * it took. Who explains a statement makes the branch for it; on any other it refuses. */
#include "index_trial.h"
#include "query_fill.h"

struct args {
    const char *query;
    lb_texts values;
    int64_t timeout_ms;
};

static const lb_param params[] = {
    LB_PARAM(struct args, query, LB_TEXT, NULL, "a statement that only reads", .required = true),
    LB_PARAM(struct args, values, LB_LIST_OF(LB_TEXT), "[]",
             "values for its $1 ..., in their order; the others are taken of statistics, or of rows"),
    LB_PARAM(struct args, timeout_ms, LB_I64, "5000", "patience with it", .min = "1", .max = "600000"),
    LB_PARAMS_END,
};

/* Which value each parameter had is not told where nobody gave it: it is one of the table's. */
static int tell(lb_ctx *ctx, const query_filled *filled, const char *plan, lb_error *err)
{
    int r = lb_result(ctx, LB_ARGS(lb_json("plan", plan), lb_bool("has_made_up_values", filled->is_made_up)), err);
    for (size_t i = 0; i < filled->count && r >= 0; i++) {
        const query_value *v = &filled->values[i];
        r = lb_append(ctx, "values",
                      LB_ARGS(lb_i64("parameter", v->number), lb_text("source", v->source),
                              lb_text("column", v->column), lb_bool("is_made_up", strcmp(v->source, "given") != 0)),
                      err);
    }
    return r;
}

static bool ends(const lb_ctx *ctx, int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY ||
           (r == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    query_filled filled;
    const char *plan = NULL;
    lb_error why;
    int r = index_trial_is_here(ctx, "executed", err);
    if (r < 0)
        return r;
    r = query_fill(ctx, args->query, &args->values, &filled, &why);
    if (r >= 0)
        r = lb_explain(ctx, LB_EXPLAIN(.text = filled.text, .analyze = true, .timeout_ms = args->timeout_ms), &plan,
                       &why);
    if (r < 0 && ends(ctx, r)) {
        *err = why;
        return r;
    }
    return r < 0 ? lb_result(ctx, LB_ARGS(lb_text("error", why.message)), err) : tell(ctx, &filled, plan, err);
}

LB_TOOL(execute_on_branch, "the plan that a statement takes when it is executed, on a throwaway branch",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params), .run = run);
