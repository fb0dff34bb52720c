/* detect_bloated_indexes: B-trees that are much larger than a new one would be. */
#include "index_rules.h"

struct args {
    double threshold;
    int64_t min_bytes, wasted_bytes;
};

static const lb_param params[] = {
    LB_PARAM(struct args, threshold, LB_F64, "2.0", "times the size of a new index that make a finding", .min = "1"),
    LB_PARAM(struct args, min_bytes, LB_I64, "10485760", "leave smaller indexes out", .min = "0"),
    LB_PARAM(struct args, wasted_bytes, LB_I64, "1073741824", "reclaimable bytes that make a finding at any ratio",
             .min = "1"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const index_bloat_limits limits = {args->threshold, args->min_bytes, args->wasted_bytes};
    index_work work = {.ctx = ctx, .tell = index_report};
    int r = index_read(ctx, true, &work.set, err);
    if (r >= 0)
        r = index_find_bloated(&work, &limits, err);
    return r < 0 ? r : lb_examined(ctx, "indexes", (int64_t)work.set->index_count, err);
}

LB_TOOL(detect_bloated_indexes, "B-tree indexes that have grown far beyond what their rows need",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .run = run);
