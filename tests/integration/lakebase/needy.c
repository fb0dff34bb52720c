/* needy: a tool that needs more of a server than most have. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_result(ctx, LB_ARGS(lb_bool("ran", true)), err);
}

LB_TOOL(needy, "needs more of a server than most have", .agent = "test", .risk = LB_RISK_LOW, .run = run,
        .needs = LB_NAMES("extension pg_trgm", "extension no_such_extension", "role pg_monitor",
                          "role pg_signal_backend", "version 16", "version 99"));
