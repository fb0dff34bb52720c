/* run_full_sync_validation: completeness, and integrity, of all pairs in one run. */
#include "sync_tell.h"

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts;
    sync_difference difference;
    const char *complete = NULL, *intact = NULL;
    int r = sync_count(ctx, pair, &counts, err);
    if (r >= 0)
        r = sync_tell_completeness(ctx, args, pair, &counts, &complete, err);
    if (r >= 0)
        r = sync_compare_settled(ctx, pair, &counts, &difference, err);
    if (r >= 0)
        r = sync_tell_integrity(ctx, pair, &counts, &difference, &intact, err);
    if (r >= 0)
        sync_note(tally, strcmp(complete, "healthy") != 0 ? complete : intact);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return sync_each_pair(ctx, check, err);
}

LB_TOOL(run_full_sync_validation, "completeness and integrity of all tables that have a copy in the lakehouse",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .timeout_s = 3600,
        LB_TOOL_ARGS(sync_args, sync_params), .writes = LB_NAMES(SYNC_WRITES), .emits = LB_NAMES(SYNC_EMITS),
        .run = run);
