/* track_sync_freshness: how long the oldest change of a table has been waiting for its copy. A table that nobody
 * changes is as fresh as it can be. */
#include "sync_tell.h"

#include <math.h>

static int say_no_mark(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    const sync_alarm alarm = {
        .matter = "freshness", .lag = INFINITY, .since = LB_TIME_NONE, .is_fine = true, .over = SYNC_NO_MARK};
    const char *status = "healthy"; /* it is not counted among those */
    tally->not_compared++;
    int r = sync_alarm_tell(ctx, &tally->alarms, pair->wish, &alarm, err);
    if (r >= 0)
        r = sync_tell_pipelines(ctx, tally, pair->wish, pair, NULL, &status, err);
    return r < 0 ? r
                 : lb_skipped(ctx, pair->wish->source,
                              lb_printf(ctx, "no timestamp column %s on both sides: give timestamp_column",
                                        pair->wish->mark ? pair->wish->mark : ""),
                              err);
}

static int check(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err)
{
    sync_counts counts;
    const char *status = NULL;
    (void)args; /* the pair has its limit */
    if (!pair->mark)
        return say_no_mark(ctx, pair, tally, err);
    int r = sync_count(ctx, pair, NULL, &counts, err);
    if (r >= 0)
        r = sync_tell_freshness(ctx, pair, tally, &counts, &status, err);
    if (r >= 0)
        r = sync_tell_pipelines(ctx, tally, pair->wish, pair, &counts, &status, err);
    if (r >= 0)
        sync_note(tally, status);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const kinds[] = {"freshness", NULL};
    return sync_each_pair(ctx, "track_sync_freshness", check, kinds, err);
}

LB_TOOL(track_sync_freshness, "how long changes have been waiting for the copies of their tables", .agent = "health",
        .risk = LB_RISK_LOW, .schedule = "*/15 * * * *", .detector = true, .timeout_s = 300,
        LB_TOOL_ARGS(sync_args, sync_params), .writes = LB_NAMES(SYNC_WRITES), .emits = LB_NAMES(SYNC_EMITS),
        .run = run);
