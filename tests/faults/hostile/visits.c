/* A well-behaved tool of a target: says in which process it ran, or fails if told to. */
#include "hostile.h"

struct args {
    int64_t ms;
    bool fails;
};

static const lb_param params[] = {
    LB_PARAM(struct args, ms, LB_I64, "0", "how long to stay", .min = "0"),
    LB_PARAM(struct args, fails, LB_BOOL, "false", "come back with nothing"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    hostile_sleep_ms((long)args->ms);
    if (args->fails)
        return lb_fail(err, LB_ERR_TOOL, "do not ask it to", "saw nothing, as it was asked to");
    return lb_result(ctx, LB_ARGS(lb_i64("pid", getpid()), lb_text("branch", lb_run_target(ctx)->branch)), err);
}

LB_TOOL(visits, "goes to a target and says where it was", .agent = "hostile", .risk = LB_RISK_LOW, .timeout_s = 20,
        LB_TOOL_ARGS(struct args, params), .run = run);
