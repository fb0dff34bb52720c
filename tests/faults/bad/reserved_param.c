/* A parameter with a name that the host uses itself. */
#include <lbops/lbops.h>

struct args {
    const char *project;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project, LB_TEXT, NULL, "which project"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(reserved_param, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
