#include "statement_plan.h"

static bool ends_run(const lb_ctx *ctx, int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_UNREACHABLE || code == LB_ERR_NO_MEMORY ||
           code == LB_ERR_SUSPENDED || (code == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0);
}

int statement_plan(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_plan, const char **ret_why, lb_error *err)
{
    *ret_why = NULL;
    int r = lb_explain(ctx, wish, ret_plan, err);
    if (r >= 0)
        return 0;
    *ret_plan = NULL;
    if (ends_run(ctx, r))
        return r;
    *ret_why = lb_printf(ctx, "%s", err->message);
    return *ret_why ? 0 : lb_out_of_memory(err);
}
