/* validate_sync_integrity: are the rows of a table and of its copy the same, and which are not? */
#include "sync_tell.h"

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts;
    sync_difference difference;
    const char *status = NULL;
    (void)args; /* a checksum has no tolerance */
    int r = sync_count(ctx, pair, &counts, err);
    if (r >= 0)
        r = sync_compare_settled(ctx, pair, &counts, &difference, err);
    if (r >= 0)
        r = sync_tell_integrity(ctx, pair, &counts, &difference, &status, err);
    if (r >= 0)
        sync_note(tally, status);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return sync_each_pair(ctx, check, err);
}

LB_TOOL(validate_sync_integrity, "compares checksums of tables and their copies, and names the rows that differ",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .timeout_s = 1800,
        LB_TOOL_ARGS(sync_args, sync_params), .writes = LB_NAMES(SYNC_WRITES), .emits = LB_NAMES(SYNC_EMITS),
        .run = run);
