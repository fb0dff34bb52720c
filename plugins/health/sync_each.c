/* The pairs of a run, one after the other. */
#include "sync_tell.h"

#include <stdlib.h>

#define TRIES   3 /* of a pair whose columns change while it is looked at */
#define RESERVE 2 /* seconds that keeping the book may take */

bool sync_is_issue(const char *status)
{
    return strcmp(status, "healthy") != 0 && strcmp(status, SYNC_WAITING) != 0 &&
           strcmp(status, SYNC_NOT_COMPARED) != 0;
}

void sync_note(sync_tally *tally, const char *status)
{
    tally->healthy += strcmp(status, "healthy") == 0;
    tally->waiting += strcmp(status, SYNC_WAITING) == 0;
    tally->not_compared += strcmp(status, SYNC_NOT_COMPARED) == 0;
    tally->issues += sync_is_issue(status);
}

int sync_keeps_shape(lb_ctx *ctx, const sync_pair *pair, lb_error *err)
{
    const char *why = NULL;
    sync_pair now;
    int r = sync_open(ctx, pair->wish, &now, &why, err);
    if (r < 0 || (!why && strcmp(now.shape, pair->shape) == 0))
        return r;
    return lb_fail(err, LB_ERR_CONFLICT, "run it again once nobody alters the table",
                   "the columns of %s or of its copy have changed while they were compared", pair->wish->source);
}

/* ---- one pair ---- */

/* What failed may have failed because of that. */
static bool has_moved(lb_ctx *ctx, const sync_pair *pair)
{
    lb_error ignored;
    return sync_keeps_shape(ctx, pair, &ignored) == LB_ERR_CONFLICT;
}

/* What concerns one pair is said of that pair; the others are compared all the same. */
static bool ends_the_run(int r)
{
    return r != LB_ERR_SQL && r != LB_ERR_DENIED && r != LB_ERR_CONFLICT && r != LB_ERR_NOT_FOUND &&
           r != LB_ERR_INVALID;
}

/* Once that has been so for as long as the copy may be behind, nobody knows any more that it is in order. */
static int judge_comparing(lb_ctx *ctx, const sync_wish *wish, sync_tally *tally, const char *why, lb_error *err)
{
    const char *check = tally->kinds[0];
    int64_t since = LB_TIME_NONE;
    int r = why ? sync_failing_since(ctx, wish, check, &since, err) : 0;
    bool is_long = since != LB_TIME_NONE && lb_now(ctx) - since >= wish->limit_s * INT64_C(1000000);
    const sync_alarm alarm = {
        .matter = lb_printf(ctx, SYNC_NOT_COMPARED_ "%s", check),
        .reason = lb_printf(ctx, "the check of %s has failed each time since: %s", check, why ? why : ""),
        .since = since,
        .is_fine = !why};
    if (r < 0 || (why && !is_long))
        return r;
    r = sync_alarm_tell(ctx, &tally->alarms, wish, &alarm, err);
    for (size_t i = 0; r >= 0 && why && tally->kinds[i]; i++)
        r = sync_alarm_pass_on(ctx, &tally->alarms, wish, tally->kinds[i], err);
    return r;
}

static int record_not_compared(lb_ctx *ctx, const sync_wish *wish, sync_tally *tally, const char *why, lb_error *err)
{
    tally->not_compared++;
    int r = sync_record_not_compared(ctx, wish, tally->kinds, why, err);
    return r < 0 ? r : lb_skipped(ctx, lb_printf(ctx, "%s and %s", wish->source, wish->target), why, err);
}

static int say_not_compared(lb_ctx *ctx, const sync_wish *wish, sync_tally *tally, const char *why, lb_error *err)
{
    const char *status = "healthy"; /* it is not counted among those */
    int r = tally->asks_platform ? sync_tell_pipelines(ctx, tally, wish, NULL, NULL, &status, err) : 0;
    if (r >= 0)
        r = judge_comparing(ctx, wish, tally, why, err);
    return r < 0 ? r : record_not_compared(ctx, wish, tally, why, err);
}

static int check_pair(lb_ctx *ctx, const sync_wish *wish, sync_check check, sync_tally *tally, lb_error *err)
{
    int r = 0;
    for (int i = 0; i < TRIES; i++) {
        sync_pair pair;
        const char *why = NULL;
        r = sync_open(ctx, wish, &pair, &why, err);
        if (r >= 0 && why)
            return say_not_compared(ctx, wish, tally, why, err);
        if (r >= 0)
            r = check(ctx, ctx->args, &pair, tally, err);
        else
            break;
        if (r >= 0 || ends_the_run(r) || !has_moved(ctx, &pair))
            break;
    }
    if (r >= 0)
        return judge_comparing(ctx, wish, tally, NULL, err);
    if (ends_the_run(r))
        return lb_wrap(err, wish->source);
    return say_not_compared(ctx, wish, tally, lb_printf(ctx, "%s", err->message), err);
}

/* ---- all of them ---- */

/* A run that fails loses what its book has learned, so that the next would begin the same comparisons again. */
static bool may_end_well(const lb_ctx *ctx, const sync_tally *tally, int r)
{
    return tally->book && tally->book->is_new && r != LB_ERR_NO_MEMORY &&
           (r != LB_ERR_CANCELLED || lb_time_left(ctx) <= 0);
}

/* In what is left of the time nobody is asked anything, neither history nor the platform. */
static int skip_the_rest(lb_ctx *ctx, const sync_wishes *wishes, size_t from, sync_tally *tally, const char *why,
                         lb_error *err)
{
    int r = why ? 0 : lb_out_of_memory(err);
    for (size_t i = from; r >= 0 && i < wishes->count; i++)
        r = record_not_compared(ctx, &wishes->items[i], tally, why, err);
    return r;
}

static int check_pairs(lb_ctx *ctx, const sync_wishes *wishes, sync_check check, sync_tally *tally, lb_error *err)
{
    for (size_t i = 0; i < wishes->count; i++) {
        lb_progress(ctx, (int64_t)i, (int64_t)wishes->count, "pairs");
        if (tally->book && i && lb_time_left(ctx) < RESERVE * INT64_C(1000000))
            return skip_the_rest(ctx, wishes, i, tally, "the run's time is over; the next one begins with others", err);
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled after %zu of %zu pairs", i, wishes->count);
        int r = check_pair(ctx, &wishes->items[i], check, tally, err);
        if (r < 0 && may_end_well(ctx, tally, r))
            return skip_the_rest(ctx, wishes, i, tally, lb_printf(ctx, "this ended the run: %s", err->message), err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_all(lb_ctx *ctx, const sync_wishes *wishes, sync_check check, sync_tally *tally, lb_error *err)
{
    const sync_args *args = ctx->args;
    int r = check_pairs(ctx, wishes, check, tally, err);
    if (r >= 0)
        r = lb_examined(ctx, "pairs", (int64_t)wishes->count - tally->not_compared, err);
    if (r >= 0)
        r = sync_tell_platform(ctx, tally, err);
    bool are_all = args->pairs || (args->catalog && !args->source_table && !args->target_delta_table);
    if (r >= 0 && are_all && lb_time_left(ctx) >= RESERVE * INT64_C(1000000))
        r = sync_alarms_end_others(ctx, &tally->alarms, wishes, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("total_pairs", (int64_t)wishes->count), lb_i64("healthy", tally->healthy),
                                     lb_i64("waiting", tally->waiting), lb_i64("issues", tally->issues),
                                     lb_i64("not_compared", tally->not_compared)),
                             err);
}

int sync_each_pair(lb_ctx *ctx, const char *tool, sync_check check, const char *const *kinds, lb_error *err)
{
    sync_wishes wishes;
    sync_tally tally = {.kinds = kinds, .asks_platform = true, .alarms.tool = tool};
    int r = sync_find_wishes(ctx, ctx->args, &wishes, err);
    return r < 0 ? r : check_all(ctx, &wishes, check, &tally, err);
}

typedef struct turn {
    sync_wish wish;
    int64_t full_at; /* or tried: one that takes too long does not keep the others from their turn */
    size_t place;
} turn;

static int by_wait(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    if (x->full_at != y->full_at)
        return x->full_at < y->full_at ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static int put_in_order(lb_ctx *ctx, sync_book *book, const sync_wishes *wishes, lb_error *err)
{
    turn *turns = lb_alloc(ctx, (wishes->count + 1) * sizeof *turns);
    int r = turns ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; turns && r >= 0 && i < wishes->count; i++) {
        sync_entry *e = NULL;
        r = sync_find_entry(book, &wishes->items[i], &e, err);
        turns[i] = (turn){wishes->items[i], !e ? 0 : e->full_at > e->tried_at ? e->full_at : e->tried_at, i};
    }
    if (r < 0 || !turns)
        return r;
    qsort(turns, wishes->count, sizeof *turns, by_wait);
    for (size_t i = 0; i < wishes->count; i++)
        wishes->items[i] = turns[i].wish;
    return 0;
}

void sync_take_turn(lb_ctx *ctx, sync_book *book, const sync_wish *wish)
{
    lb_error ignored;
    sync_entry *e = NULL;
    if (sync_find_entry(book, wish, &e, &ignored) < 0 || !e)
        return; /* it has been put in order, and is there */
    e->tried_at = e->seen_at = lb_now(ctx);
    book->is_new = true;
}

int sync_each_by_book(lb_ctx *ctx, const char *tool, sync_check check, const char *const *kinds, bool asks_platform,
                      lb_error *err)
{
    sync_wishes wishes;
    sync_book book;
    sync_tally tally = {.kinds = kinds, .book = &book, .asks_platform = asks_platform, .alarms.tool = tool};
    int r = sync_find_wishes(ctx, ctx->args, &wishes, err);
    if (r >= 0)
        r = sync_open_book(ctx, wishes.count, &book, err);
    if (r >= 0)
        r = put_in_order(ctx, &book, &wishes, err);
    if (r >= 0)
        r = check_all(ctx, &wishes, check, &tally, err);
    return r < 0 ? r : sync_keep_book(&book, err);
}
