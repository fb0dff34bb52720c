/* A table that does not end within any sensible number of rows. */
#include <lbops/lbops.h>

struct args {
    bool deep;
};

#define ROW   LB_PARAM(struct args, deep, LB_BOOL, "false", "look deep")
#define ROWS4 ROW, ROW, ROW, ROW
#define ROWS  ROWS4, ROWS4, ROWS4, ROWS4

static const lb_param params[] = {ROWS, ROWS, ROWS, ROWS, ROW};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(no_params_end, "one of the bad ones", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
