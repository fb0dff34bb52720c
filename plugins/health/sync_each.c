/* The pairs of a run, one after the other. */
#include "sync_tell.h"

void sync_note(sync_tally *tally, const char *status)
{
    tally->healthy += strcmp(status, "healthy") == 0;
    tally->issues += strcmp(status, "healthy") != 0;
}

int sync_compare_settled(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, sync_difference *difference,
                         lb_error *err)
{
    const lb_lake_table *now = NULL;
    int r = sync_compare(ctx, pair, counts, difference, err);
    if (r < 0 || difference->equal)
        return r;
    r = lb_lake_look(ctx, &pair->wish->lake, &now, err);
    if (r < 0 || !now || now->version == pair->copy->version)
        return r;
    r = sync_count(ctx, pair, counts, err); /* it was written to while we looked: what we saw may be half of that */
    return r < 0 ? r : sync_compare(ctx, pair, counts, difference, err);
}

static int check_pair(lb_ctx *ctx, const sync_wish *wish, sync_check check, sync_tally *tally, lb_error *err)
{
    sync_pair pair;
    const char *why = NULL;
    int r = sync_open(ctx, wish, &pair, &why, err);
    if (r < 0 || !why)
        return r < 0 ? lb_wrap(err, wish->source) : check(ctx, ctx->args, &pair, tally, err);
    tally->not_compared++;
    return lb_skipped(ctx, lb_printf(ctx, "%s and %s", wish->source, wish->target), why, err);
}

int sync_each_pair(lb_ctx *ctx, sync_check check, lb_error *err)
{
    sync_wishes wishes;
    sync_tally tally = {0};
    int r = sync_find_wishes(ctx, ctx->args, &wishes, err);
    for (size_t i = 0; r >= 0 && i < wishes.count; i++) {
        lb_progress(ctx, (int64_t)i, (int64_t)wishes.count, "pairs");
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled after %zu of %zu pairs", i, wishes.count);
        r = check_pair(ctx, &wishes.items[i], check, &tally, err);
    }
    if (r >= 0)
        r = lb_examined(ctx, "pairs", (int64_t)wishes.count - tally.not_compared, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("total_pairs", (int64_t)wishes.count), lb_i64("healthy", tally.healthy),
                                     lb_i64("issues", tally.issues), lb_i64("not_compared", tally.not_compared)),
                             err);
}
