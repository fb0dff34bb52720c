/* outlives: a run that goes on for a while and needs the workspace and its database all the time. */
#include <lbops/lbops.h>
#include <sql/example/largest_tables.h>

#include <time.h>

struct args {
    int64_t seconds;
};

static const lb_param params[] = {
    LB_PARAM(struct args, seconds, LB_I64, "5", "how long to go on", .min = "1", .max = "60"),
    LB_PARAMS_END,
};

static int step(lb_ctx *ctx, lb_error *err)
{
    const char *reply = NULL;
    lb_rows *rows = NULL;
    int r = lb_control(ctx, &(lb_request){.method = "GET", .path = "projects/shop"}, &reply, err);
    return r < 0 ? r : example_largest_tables(ctx, &(example_largest_tables_args){.min_bytes = 0}, &rows, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int64_t until = lb_now(ctx) + args->seconds * 1000000, steps = 0;
    for (; lb_now(ctx) < until; steps++) {
        int r = step(ctx, err);
        if (r < 0)
            return r;
        (void)nanosleep(&pause, NULL); /* not every instant: it is time that has to pass */
    }
    return lb_result(ctx, LB_ARGS(lb_i64("steps", steps)), err);
}

LB_TOOL(outlives, "goes on for a while, with the workspace and its database", .agent = "test", .risk = LB_RISK_LOW,
        LB_TOOL_ARGS(struct args, params), .run = run);
