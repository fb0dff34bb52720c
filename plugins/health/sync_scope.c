/* Which rows of a pair are compared in this run: all of them once a day, within the day's budget, and in between those
 * that have changed since then, or since a comparison of such rows last agreed. */
#include "sync_tell.h"

#define SECOND     INT64_C(1000000)
#define STANDING_S 3600 /* a pair that differs is compared anew in full, though not each quarter of an hour */

static bool asked_for(const sync_args *args, const char *scope)
{
    return strcmp(args->scope, scope) == 0;
}

static bool is_due(const sync_args *args, const sync_entry *e, int64_t now)
{
    bool again = e->differs || e->is_unsure;
    int64_t every = again && args->full_every_s > STANDING_S ? STANDING_S : args->full_every_s;
    return !e->full_at || now - e->full_at >= every * SECOND;
}

/* Text columns may have come since, and what has changed need not be in the rows that have. */
static bool is_of_shape(const sync_pair *pair, const sync_entry *e)
{
    return e->full_at && e->shape && strcmp(e->shape, pair->shape) == 0;
}

static bool is_known(const sync_pair *pair, const sync_entry *e)
{
    return pair->mark && e->until != SYNC_NO_TIME && is_of_shape(pair, e);
}

/* Differences that were found, and are not mended as far as anybody has looked. */
static bool stands(const sync_pair *pair, const sync_entry *e)
{
    return e->differs || (sync_is_begun(pair, e) && e->at_differs);
}

/* What can be compared in slices waits for nothing but the next day. Of the others a day's first comparison may take
 * longer than the budget: otherwise there would never be one. */
static const char *why_it_waits(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, const sync_book *book,
                                const sync_entry *e)
{
    int64_t budget = args->full_budget_s * SECOND, left = lb_time_left(ctx);
    bool in_slices = sync_has_slices(pair) && (e->full_took > budget || e->full_took > left || sync_is_begun(pair, e));
    if (book->spent >= budget)
        return lb_printf(ctx, "comparisons of all rows have taken the %lld s that they may take in a day",
                         (long long)args->full_budget_s);
    if (in_slices)
        return NULL;
    if (book->spent && book->spent + e->full_took > budget)
        return lb_printf(ctx, "comparing all of it takes %lld s, and %lld s are left of the day's %lld",
                         (long long)(e->full_took / SECOND), (long long)((budget - book->spent) / SECOND),
                         (long long)args->full_budget_s);
    if (e->full_took > left)
        return lb_printf(ctx, "comparing all of it takes %lld s, and this run has %lld s left",
                         (long long)(e->full_took / SECOND), (long long)(left / SECOND));
    return NULL;
}

/* *ret_why: nothing is compared now, and why. */
static int choose(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, const sync_book *book, const sync_entry *e,
                  sync_scope *ret_scope, const char **ret_why, lb_error *err)
{
    bool known = is_known(pair, e), due = is_due(args, e, lb_now(ctx));
    const char *waits = why_it_waits(ctx, args, pair, book, e);
    *ret_why = NULL;
    *ret_scope = (sync_scope){.since = SYNC_NO_TIME, .is_charged = due || !asked_for(args, "full")};
    if (asked_for(args, "full"))
        return 0;
    if (known && (asked_for(args, "moved") || !due || waits)) {
        ret_scope->since = e->until - pair->wish->grace_s * SECOND;
        ret_scope->stands = stands(pair, e);
        ret_scope->is_unsure = e->is_unsure || (sync_is_begun(pair, e) && e->at_unsure);
        ret_scope->waits = due && waits;
        return 0;
    }
    if (asked_for(args, "moved"))
        *ret_why = pair->mark ? "all of it has to be compared once before what has moved since can be"
                              : "what has moved cannot be told without a timestamp column on both sides";
    else if (!due && !pair->mark)
        *ret_why =
            lb_printf(ctx, "without a timestamp column only all of it can be compared, which is done every %lld s%s",
                      (long long)args->full_every_s, e->differs ? "; the last time it differed" : "");
    else if (!due && e->until == SYNC_NO_TIME && is_of_shape(pair, e))
        *ret_why = lb_printf(ctx,
                             "no time in the copy tells what has moved since all of it was compared, which is done "
                             "every %lld s%s",
                             (long long)args->full_every_s, e->differs ? "; the last time it differed" : "");
    else if (waits)
        *ret_why = waits;
    else
        return 0;
    ret_scope->stands = stands(pair, e);
    return *ret_why ? 0 : lb_out_of_memory(err);
}

/* Each statement reads the version that is the latest then. Versions only grow: the same one afterwards was read by
 * all. */
static int compare_once(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_difference *difference,
                        lb_error *err)
{
    const lb_lake_table *now = NULL;
    int r = sync_compare(ctx, pair, counts, difference, err);
    if (r >= 0)
        r = lb_lake_look(ctx, &pair->wish->lake, &now, err);
    difference->version_after = r < 0 || !now ? -1 : now->version;
    return r;
}

/* Compares, and once more where the copy has moved meanwhile and more differed than could be looked at again. */
static int compare(lb_ctx *ctx, const sync_pair *pair, const sync_scope *scope, sync_entry *e, sync_counts *counts,
                   sync_difference *difference, lb_error *err)
{
    counts->since = scope->since;
    int r = compare_once(ctx, pair, counts, difference, err);
    if (r < 0 || difference->equal || !(difference->cut || difference->unseen) ||
        difference->version_after == pair->copy->version)
        return r;
    const sync_counts before = *counts;
    r = counts->is_counted ? sync_count(ctx, pair, e, counts, err) : sync_mark(ctx, pair, e, counts, err);
    counts->is_first = before.is_first;
    counts->keys = before.keys;
    counts->extra_waits = before.extra_waits;
    counts->since = scope->since; /* it was written to while we looked: what we saw may be half of that */
    return r < 0 ? r : compare_once(ctx, pair, counts, difference, err);
}

/* Of a slice the other keys count as well. The last one is the end of a comparison that takes the place of the one
 * before. */
static bool stands_elsewhere(const sync_span *keys, const sync_entry *e)
{
    return (keys->has_to && e->differs) || (keys->has_from && e->at_differs);
}

static bool is_unsure_elsewhere(const sync_span *keys, const sync_entry *e)
{
    return (keys->has_to && e->is_unsure) || (keys->has_from && e->at_unsure);
}

/* All that there is may be on its way: that nothing differs is no verdict then. */
static bool has_compared_nothing(const sync_scope *scope, const sync_counts *counts, const sync_difference *d)
{
    bool is_all = scope->since == SYNC_NO_TIME && !counts->keys.has_from && !counts->keys.has_to;
    return is_all && !d->compared && counts->mark != SYNC_NO_TIME && counts->source_rows;
}

typedef struct moments {
    int64_t begun, cut; /* cut: when it was known which rows are compared, and all were counted; 0: never */
} moments;

static void note(lb_ctx *ctx, const sync_pair *pair, const sync_scope *scope, const sync_counts *counts,
                 const sync_difference *d, const moments *m, sync_book *book, sync_entry *e)
{
    int64_t now = lb_now(ctx);
    e->seen_at = now;
    book->is_new = true;
    if (scope->since == SYNC_NO_TIME)
        book->spent += scope->is_charged ? now - m->begun : 0;
    if (counts->keys.has_to) {
        sync_note_slice(pair, &counts->keys, counts, d, now - m->cut, e);
        e->tried_at = now; /* it is another's turn */
    } else if (scope->since == SYNC_NO_TIME) {
        e->full_at = now;
        e->full_took = now - m->begun;
        e->shape = pair->shape;
        e->until = pair->mark ? counts->lasting : SYNC_NO_TIME;
        e->differs = !d->equal;
        e->is_unsure = d->is_unsure;
        sync_end_slices(&counts->keys, e);
    } else if (d->equal && !d->moving && !d->is_unsure && counts->lasting > e->until) {
        e->until = counts->lasting;
    }
}

/* It took its time all the same, and has had its turn. */
static void note_failure(lb_ctx *ctx, const sync_scope *scope, const moments *m, sync_book *book, sync_entry *e)
{
    int64_t now = lb_now(ctx), took = now - m->begun;
    if (scope->since != SYNC_NO_TIME)
        return;
    book->is_new = true;
    book->spent += scope->is_charged ? took : 0;
    if (!e->full_at && took > e->full_took)
        e->full_took = took; /* as long at least */
    sync_fail_slice(m->cut ? now - m->cut : 0, e);
    e->seen_at = e->tried_at = now;
}

int sync_check_integrity(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally,
                         sync_counts *counts, sync_integrity *ret_found, lb_error *err)
{
    sync_entry *e = NULL;
    moments m = {.begun = lb_now(ctx)};
    *ret_found = (sync_integrity){.why = NULL};
    int r = sync_find_entry(tally->book, pair->wish, &e, err);
    if (r >= 0)
        r = choose(ctx, args, pair, tally->book, e, &ret_found->scope, &ret_found->why, err);
    if (r >= 0)
        ret_found->scope.in_part = sync_is_begun(pair, e) && e->at_differs;
    if (r < 0 || ret_found->why)
        return r;
    if (!counts->is_counted)
        r = ret_found->scope.since == SYNC_NO_TIME ? sync_count(ctx, pair, e, counts, err)
                                                   : sync_mark(ctx, pair, e, counts, err);
    if (r >= 0 && ret_found->scope.since == SYNC_NO_TIME && !asked_for(args, "full"))
        r = sync_cut_slice(ctx, args, pair, tally->book, e, counts, &counts->keys, err);
    m.cut = r < 0 ? 0 : lb_now(ctx);
    if (r >= 0 && (counts->keys.has_from || counts->keys.has_to)) {
        ret_found->scope.stands = stands_elsewhere(&counts->keys, e);
        ret_found->scope.is_unsure = is_unsure_elsewhere(&counts->keys, e);
    }
    if (r >= 0)
        r = compare(ctx, pair, &ret_found->scope, e, counts, &ret_found->difference, err);
    if (r >= 0)
        r = sync_await(ctx, pair, counts, &ret_found->difference, e, err);
    if (r >= 0 && has_compared_nothing(&ret_found->scope, counts, &ret_found->difference))
        ret_found->difference.is_unsure = ret_found->difference.is_empty = true;
    if (r >= 0 && !ret_found->difference.equal)
        r = sync_keeps_shape(ctx, pair, err);
    if (r >= 0)
        note(ctx, pair, &ret_found->scope, counts, &ret_found->difference, &m, tally->book, e);
    else
        note_failure(ctx, &ret_found->scope, &m, tally->book, e);
    return r;
}
