/* A comparison of all rows that would take longer than what it may: a range of keys in each run, and the next one goes
 * on behind it. Keys that are no whole numbers, or several columns, are ordered in another way by each side: ranges are
 * of the numbers that their digests begin with, for which all keys are read, and only the rows of the range compared.
 * Rows that change behind its back are found by the comparisons of what has moved since it was begun. */
#include "sync_tell.h"

#include <sql/sync/source_span.h>

#define SECOND   INT64_C(1000000)
#define RATE     20000 /* rows a second on both sides, until it is measured */
#define RESERVE  (10 * SECOND)
#define LEAST    64.0 /* of the numbers of digests: each slice reads all keys */
#define SHARE_OF 2    /* of what is left: the measure is one of other rows */

static double rate_of(const sync_entry *e)
{
    return e->rate > 0 ? (double)e->rate : RATE;
}

/* Microseconds. */
static double may_take(const lb_ctx *ctx, const sync_args *args, const sync_book *book)
{
    int64_t of_day = args->full_budget_s * SECOND - book->spent, of_run = lb_time_left(ctx) - RESERVE;
    int64_t left = of_day < of_run ? of_day : of_run;
    return left > SECOND / 10 ? (double)left / SHARE_OF : (double)SECOND / 10;
}

static int read_span(lb_ctx *ctx, const sync_pair *pair, sync_source_span_row *ret_span, lb_error *err)
{
    lb_rows *rows = NULL;
    *ret_span = (sync_source_span_row){.low_is_null = true, .high_is_null = true};
    int r = sync_source_span(
        ctx, &(sync_source_span_args){.schema = pair->wish->schema, .name = pair->wish->name, .key = pair->whole_key},
        &rows, err);
    if (r >= 0 && !sync_source_span_next(ctx, rows, ret_span))
        ret_span->low_is_null = true;
    return r;
}

bool sync_has_slices(const sync_pair *pair)
{
    return pair->key_count > 0;
}

int sync_cut_slice(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, const sync_book *book,
                   const sync_entry *e, const sync_counts *counts, sync_span *ret_keys, lb_error *err)
{
    sync_source_span_row span = {.low = 0, .high = SYNC_HASHES - 1};
    double needs = (double)counts->source_rows / rate_of(e) * (double)SECOND, may = may_take(ctx, args, book);
    bool goes_on = sync_is_begun(pair, e);
    *ret_keys = (sync_span){.has_from = false};
    if (!sync_has_slices(pair) || (!goes_on && needs <= may))
        return 0;
    int r = pair->whole_key ? read_span(ctx, pair, &span, err) : 0;
    if (r < 0 || span.low_is_null)
        return r;
    double low = goes_on ? (double)e->at : (double)span.low, whole = (double)span.high - (double)span.low + 1;
    double step = whole * may / needs, to = low + (!pair->whole_key && step < LEAST ? LEAST : step);
    *ret_keys = (sync_span){.has_from = goes_on, .from = e->at, .has_to = to < (double)span.high};
    if (ret_keys->has_to)
        ret_keys->to = (int64_t)to > (int64_t)low ? (int64_t)to : (int64_t)low + 1;
    return 0;
}

/* Of these columns. */
bool sync_is_begun(const sync_pair *pair, const sync_entry *e)
{
    return sync_has_slices(pair) && e->at != SYNC_NO_TIME && e->at_shape && strcmp(e->at_shape, pair->shape) == 0;
}

void sync_note_slice(const sync_pair *pair, const sync_span *keys, const sync_counts *counts, const sync_difference *d,
                     int64_t took, sync_entry *e)
{
    if (!keys->has_from) {
        e->at_until = pair->mark ? counts->lasting : SYNC_NO_TIME;
        e->at_took = 0;
        e->at_differs = false;
        e->at_unsure = false;
        e->at_shape = pair->shape;
    }
    e->at = keys->to;
    e->at_took += took;
    e->at_differs = e->at_differs || !d->equal;
    e->at_unsure = e->at_unsure || d->is_unsure;
    e->rate = took > 0 ? (int64_t)((double)d->compared / (double)took * (double)SECOND) + 1 : e->rate;
}

void sync_end_slices(const sync_span *keys, sync_entry *e)
{
    if (keys->has_from) {
        e->full_took += e->at_took;
        e->until = e->at_until;
        e->differs = e->differs || e->at_differs;
        e->is_unsure = e->is_unsure || e->at_unsure;
    }
    e->at = SYNC_NO_TIME;
}

/* One that came to no end in a time that says something was too large. */
void sync_fail_slice(int64_t took, sync_entry *e)
{
    if (took > RESERVE)
        e->rate = (int64_t)rate_of(e) / 4 + 1;
}
