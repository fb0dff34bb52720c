/* detect_duplicate_indexes: indexes that another one on the same table makes superfluous. */
#include "index_rules.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    index_work work = {.ctx = ctx, .tell = index_report};
    int r = index_read(ctx, false, &work.set, err);
    if (r >= 0)
        r = index_find_duplicates(&work, err);
    return r < 0 ? r : lb_examined(ctx, "indexes", (int64_t)work.set->index_count, err);
}

LB_TOOL(detect_duplicate_indexes, "indexes that are there twice, or as the beginning of a longer one",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 120,
        .run = run);
