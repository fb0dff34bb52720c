/* run_full_sync_validation: completeness, and integrity, of all pairs in one run. Rows are counted each time; which of
 * them are compared is as with validate_sync_integrity. */
#include "sync_tell.h"

/* Nothing was compared now: what is known is what the last comparison of all rows said. */
static int say_waits(lb_ctx *ctx, const sync_pair *pair, const char *status, const char *why, lb_error *err)
{
    int r = lb_append(ctx, "integrity",
                      LB_ARGS(lb_text("source", pair->wish->source), lb_text("target", pair->wish->target),
                              lb_text("status", status)),
                      err);
    return r < 0 ? r : lb_skipped(ctx, pair->wish->source, why, err);
}

static int tell(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, const sync_counts *counts,
                const sync_integrity *found, sync_tally *tally, lb_error *err)
{
    const char *complete = NULL, *intact = found->scope.stands ? "mismatch" : SYNC_NOT_COMPARED;
    int r = sync_tell_completeness(ctx, args, pair, tally, counts, &complete, err);
    if (r >= 0 && found->why)
        r = say_waits(ctx, pair, intact, found->why, err);
    else if (r >= 0)
        r = sync_tell_integrity(ctx, pair, tally, counts, found, &intact, err);
    const char *status = r >= 0 && strcmp(complete, "healthy") != 0 ? complete : intact;
    if (r >= 0)
        r = sync_tell_pipelines(ctx, tally, pair->wish, pair, counts, &status, err);
    if (r >= 0)
        sync_note(tally, status);
    return r;
}

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts;
    sync_integrity found;
    int r = sync_count_pair(ctx, args, pair, tally->book, &counts, err);
    if (r < 0)
        sync_take_turn(ctx, tally->book, pair->wish); /* else comparing it does */
    tally->book->is_new = true;
    if (r >= 0)
        r = sync_check_integrity(ctx, args, pair, tally, &counts, &found, err);
    return r < 0 ? r : tell(ctx, args, pair, &counts, &found, tally, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const kinds[] = {"completeness", "integrity", NULL};
    return sync_each_by_book(ctx, "run_full_sync_validation", check, kinds, true, err);
}

LB_TOOL(run_full_sync_validation, "completeness and integrity of all tables that have a copy in the lakehouse",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .remembers = true,
        .timeout_s = 3600, LB_TOOL_ARGS(sync_args, sync_digest_params), .writes = LB_NAMES(SYNC_WRITES),
        .emits = LB_NAMES(SYNC_EMITS), .run = run);
