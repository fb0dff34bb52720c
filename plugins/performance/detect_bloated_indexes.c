/* detect_bloated_indexes: B-trees that are much larger than a new one would be. */
#include "index_rules.h"
#include "index_trial.h"

struct args {
    double threshold;
    int64_t min_bytes, wasted_bytes, max_rebuilds;
    const char *prove;
};

static const lb_param params[] = {
    LB_PARAM(struct args, threshold, LB_F64, "2.0", "times the size of a new index that make a finding", .min = "1"),
    LB_PARAM(struct args, min_bytes, LB_I64, "10485760", "leave smaller indexes out", .min = "0"),
    LB_PARAM(struct args, wasted_bytes, LB_I64, "1073741824", "reclaimable bytes that make a finding from 1.5 times on",
             .min = "1"),
    INDEX_REBUILDS_PARAM(struct args),
    LB_PARAM(struct args, prove, LB_TEXT, "estimate",
             "where sizes of new ones come from: statistics alone, or for the worst a branch too, made for an hour",
             .choices = "estimate|branch"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const index_bloat_limits limits = {args->threshold, args->min_bytes, args->wasted_bytes, args->max_rebuilds};
    index_trial trial = {.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    index_work work = {.ctx = ctx, .tell = index_report, .trial = &trial};
    int r = index_read(ctx, true, &work.set, err);
    if (r >= 0)
        r = index_find_bloated(&work, &limits, err);
    if (r >= 0)
        r = lb_examined(ctx, "indexes", (int64_t)work.set->index_count, err);
    return index_trial_end(&trial, r, err);
}

LB_TOOL(detect_bloated_indexes, "B-tree indexes that have grown far beyond what their rows need",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 600,
        LB_TOOL_ARGS(struct args, params), .calls = INDEX_TRIAL_CALLS, .run = run);
