/* detect_duplicate_indexes: indexes and foreign keys that others make superfluous. */
#include "index_rules.h"
#include "index_trial.h"

struct args {
    const char *prove;
};

static const lb_param params[] = {INDEX_PROVE_PARAM(struct args), LB_PARAMS_END};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    index_trial trial = {.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    index_work work = {.ctx = ctx, .tell = index_report, .trial = &trial};
    int r = index_read(ctx, false, &work.set, err);
    if (r >= 0)
        r = index_trial_end(&trial, index_find_duplicates(&work, err), err);
    if (r >= 0)
        r = index_find_duplicate_keys(&work, err);
    if (r >= 0)
        r = lb_examined(ctx, "foreign_keys", (int64_t)work.set->key_count, err);
    return r < 0 ? r : lb_examined(ctx, "indexes", (int64_t)work.set->index_count, err);
}

LB_TOOL(detect_duplicate_indexes,
        "indexes that are there twice, or in another one, and foreign keys that are there twice",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 600,
        LB_TOOL_ARGS(struct args, params), .calls = INDEX_TRIAL_CALLS, .run = run);
