/* validate_sync_completeness: are all rows of a table in its copy, and how far is that behind? */
#include "sync_tell.h"

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts;
    const char *status = NULL;
    sync_take_turn(ctx, tally->book, pair->wish);
    int r = sync_count_pair(ctx, args, pair, tally->book, &counts, err);
    if (r >= 0)
        r = sync_tell_completeness(ctx, args, pair, tally, &counts, &status, err);
    if (r >= 0)
        r = sync_tell_pipelines(ctx, tally, pair->wish, pair, &counts, &status, err);
    if (r >= 0)
        sync_note(tally, status);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const kinds[] = {"completeness", NULL};
    return sync_each_by_book(ctx, "validate_sync_completeness", check, kinds, true, err);
}

LB_TOOL(validate_sync_completeness, "counts rows and latest changes of tables and their copies in the lakehouse",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .remembers = true,
        .timeout_s = 300, LB_TOOL_ARGS(sync_args, sync_params), .writes = LB_NAMES(SYNC_WRITES),
        .emits = LB_NAMES(SYNC_EMITS), .run = run);
