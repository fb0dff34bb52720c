/* A schedule that cron does not know. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(bad_schedule, "one of the bad ones", .risk = LB_RISK_LOW, .schedule = "61 * * * *", .run = run);
