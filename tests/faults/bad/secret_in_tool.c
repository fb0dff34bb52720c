/* A secret, which only services may take. */
#include <lbops/lbops.h>

struct args {
    const char *password;
};

static const lb_param params[] = {
    LB_PARAM(struct args, password, LB_SECRET, NULL, "of the server"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(secret_in_tool, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
