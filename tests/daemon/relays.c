/* A tool that has another one read the history for it. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    const char *json = NULL;
    int r = lb_call(ctx, "remembers", NULL, LB_ARGS(lb_text("act", "read")), &json, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("answer", json)), err);
}

LB_TOOL(relays, "has another tool read the history", .agent = "tests", .risk = LB_RISK_LOW, .workspace = true,
        .calls = LB_NAMES("remembers"), .run = run);
