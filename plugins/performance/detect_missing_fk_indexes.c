/* detect_missing_fk_indexes: foreign keys whose look-ups read the whole referencing table. */
#include "index_rules.h"

struct args {
    int64_t min_rows, min_bytes;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_rows, LB_I64, "10000", "rows of the referencing table from which it matters", .min = "0"),
    LB_PARAM(struct args, min_bytes, LB_I64, "9437184", "or its size", .min = "0"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const index_missing_key_limits limits = {args->min_rows, args->min_bytes};
    index_work work = {.ctx = ctx, .tell = index_report};
    int r = index_read(ctx, true, &work.set, err);
    return r < 0 ? r : index_find_missing_keys(&work, &limits, err);
}

LB_TOOL(detect_missing_fk_indexes, "foreign keys that no index serves", .agent = "performance", .risk = LB_RISK_LOW,
        .schedule = "0 * * * *", .detector = true, .timeout_s = 120, LB_TOOL_ARGS(struct args, params), .run = run);
