/* validate_sync_integrity: are the rows of a table and of its copy the same, and which are not? All rows are compared
 * once a day, and in between those that have changed since. */
#include "sync_tell.h"

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts = {.is_counted = false};
    sync_integrity found;
    const char *status = NULL;
    int r = sync_check_integrity(ctx, args, pair, tally, &counts, &found, err);
    if (r >= 0 && found.why) {
        tally->not_compared++;
        return lb_skipped(ctx, pair->wish->source, found.why, err);
    }
    if (r >= 0)
        r = sync_tell_integrity(ctx, pair, tally, &counts, &found, &status, err);
    if (r >= 0)
        r = sync_tell_clock(ctx, pair, &counts, err);
    if (r >= 0)
        sync_note(tally, status);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const kinds[] = {"integrity", NULL};
    return sync_each_by_book(ctx, "validate_sync_integrity", check, kinds, false, err);
}

LB_TOOL(validate_sync_integrity, "compares checksums of tables and their copies, and names the rows that differ",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .remembers = true,
        .timeout_s = 1800, LB_TOOL_ARGS(sync_args, sync_digest_params), .writes = LB_NAMES(SYNC_WRITES),
        .emits = LB_NAMES(SYNC_EMITS), .run = run);
