/* Parameters without the size of their rows. */
#include <lbops/lbops.h>

struct args {
    bool deep;
};

static const lb_param params[] = {LB_PARAM(struct args, deep, LB_BOOL, "false", "look deep"), LB_PARAMS_END};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(no_param_size, "one of the bad ones", .risk = LB_RISK_LOW, .params = params, .args_size = sizeof(struct args),
        .run = run);
