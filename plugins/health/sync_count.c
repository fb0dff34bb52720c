/* How many rows a table and its copy have, and until when the copy must have them. */
#include "sync_book.h"
#include "sync_compare.h"

#include <sql/sync/lake_believable.h>
#include <sql/sync/lake_count.h>
#include <sql/sync/lake_marks.h>
#include <sql/sync/source_clock.h>
#include <sql/sync/source_count.h>
#include <sql/sync/source_marks.h>
#include <sql/sync/until.h>

#define SECOND  INT64_C(1000000)
#define AHEAD_S 300 /* that clocks may be apart */
/* That an open transaction has rows compared again for; beyond that all of them are, once a day. */
#define BEHIND_S 86400

static int count_copy(lb_ctx *ctx, const sync_pair *pair, const lb_sql *condition, int64_t *ret_rows, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_count_row copy;
    const sync_lake_count_args args = {
        .catalog = lake->catalog, .schema = lake->schema, .name = lake->name, .condition = condition};
    int r = sync_lake_count(ctx, &args, &rows, err);
    if (r >= 0 && sync_lake_count_next(ctx, rows, &copy))
        *ret_rows = copy.rows;
    return r;
}

/* Rows of the copy that are as old as those that it must have. */
static int count_settled(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, lb_error *err)
{
    const lb_sql *condition = NULL;
    counts->target_settled = counts->target_rows;
    if (counts->mark == SYNC_NO_TIME || (counts->mark == counts->target_latest && !counts->target_ahead))
        return 0;
    int r = lb_compose(ctx, &sync_until_sql, LB_ARGS(lb_ident("column", pair->mark), lb_time("mark", counts->mark)),
                       &condition, err);
    return r < 0 ? r : count_copy(ctx, pair, condition, &counts->target_settled, err);
}

/* A row that a client with a wrong clock has stamped must not make all others look old. */
static int64_t believable(const sync_counts *counts)
{
    return counts->now + AHEAD_S * SECOND;
}

static int read_clock(lb_ctx *ctx, sync_counts *counts, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_clock_row clock;
    int r = sync_source_clock(ctx, &rows, err);
    if (r < 0 || !sync_source_clock_next(ctx, rows, &clock))
        return r;
    counts->now = clock.now;
    counts->position = clock.wal_position;
    counts->writes_since = clock.writes_since_is_null ? SYNC_NO_TIME : clock.writes_since;
    counts->open_since = clock.open_since_is_null ? SYNC_NO_TIME : clock.open_since;
    counts->unseen_writers = clock.unseen;
    return 0;
}

static int mark_believable(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_believable_row copy;
    const sync_lake_believable_args args = {.catalog = lake->catalog,
                                            .schema = lake->schema,
                                            .name = lake->name,
                                            .column = pair->mark,
                                            .believable = believable(counts)};
    int r = sync_lake_believable(ctx, &args, &rows, err);
    if (r < 0 || !sync_lake_believable_next(ctx, rows, &copy))
        return r;
    counts->target_ahead = copy.ahead;
    counts->target_latest = copy.latest_is_null ? SYNC_NO_TIME : copy.latest;
    return 0;
}

/* One that has only read yet has no part in what differs now, but its first write is stamped with when it began. */
static int64_t lasting(const sync_counts *counts)
{
    int64_t least = counts->mark - BEHIND_S * SECOND, open = counts->open_since;
    if (open == SYNC_NO_TIME || open > counts->mark)
        return counts->mark;
    return open - 1 > least ? open - 1 : least;
}

/* Of a table that was loaded at once, and rests since, each row is as young as the copy's latest: all of them are
 * compared when they have had as long as a change may wait. */
static int64_t until_it_had_time(const sync_wish *wish, const sync_counts *counts)
{
    int64_t latest = counts->mark < counts->now ? counts->mark : counts->now;
    int64_t settled = latest - wish->grace_s * SECOND, due = counts->now - wish->limit_s * SECOND;
    if (due <= settled)
        return settled;
    return due < latest ? due : latest;
}

/* What a transaction that is still open commits later is stamped with when it began, or after that. */
static void set_mark(const sync_wish *wish, sync_entry *e, sync_counts *counts)
{
    int64_t ended = e ? sync_note_writers(wish, counts, e) : SYNC_NO_TIME;
    counts->mark = counts->target_latest;
    if (counts->mark == SYNC_NO_TIME)
        return;
    counts->mark = until_it_had_time(wish, counts);
    if (e)
        e->reader = counts->open_since <= counts->mark ? counts->open_since : SYNC_NO_TIME;
    counts->is_held = counts->writes_since != SYNC_NO_TIME && counts->writes_since <= counts->mark;
    if (counts->is_held)
        counts->mark = counts->writes_since - 1;
    if (ended == SYNC_NO_TIME || ended > counts->mark)
        return;
    counts->is_held = false;
    counts->ended_since = ended;
    counts->mark = ended - 1;
}

static int mark_copy(lb_ctx *ctx, const sync_pair *pair, sync_entry *e, sync_counts *counts, lb_error *err)
{
    const sync_wish *w = pair->wish;
    lb_rows *rows = NULL;
    sync_lake_marks_row copy;
    int r = sync_lake_marks(
        ctx,
        &(sync_lake_marks_args){
            .catalog = w->lake.catalog, .schema = w->lake.schema, .name = w->lake.name, .column = pair->mark},
        &rows, err);
    if (r < 0 || !sync_lake_marks_next(ctx, rows, &copy))
        return r;
    counts->target_rows = copy.rows;
    counts->target_latest = copy.latest_is_null ? SYNC_NO_TIME : copy.latest;
    if (counts->target_latest > believable(counts))
        r = mark_believable(ctx, pair, counts, err);
    if (r < 0)
        return r;
    set_mark(w, e, counts);
    counts->lasting = counts->mark == SYNC_NO_TIME ? SYNC_NO_TIME : lasting(counts);
    return 0;
}

int sync_mark(lb_ctx *ctx, const sync_pair *pair, sync_entry *e, sync_counts *ret_counts, lb_error *err)
{
    *ret_counts = (sync_counts){.mark = SYNC_NO_TIME,
                                .lasting = SYNC_NO_TIME,
                                .since = SYNC_NO_TIME,
                                .now = lb_now(ctx),
                                .copy_at = pair->has_versions ? pair->copy->committed_at : 0,
                                .writes_since = SYNC_NO_TIME,
                                .open_since = SYNC_NO_TIME,
                                .ended_since = SYNC_NO_TIME,
                                .is_first = pair->mark && e && !e->looked_at,
                                .source_latest = SYNC_NO_TIME,
                                .target_latest = SYNC_NO_TIME,
                                .oldest_waiting = SYNC_NO_TIME};
    int r = read_clock(ctx, ret_counts, err); /* before the copy: it may have what is committed meanwhile */
    if (r >= 0 && pair->mark)
        return mark_copy(ctx, pair, e, ret_counts, err);
    ret_counts->unseen_writers = 0; /* nothing waits for them */
    return r;
}

static int count_marked(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, lb_error *err)
{
    const sync_wish *w = pair->wish;
    bool none = counts->target_latest == SYNC_NO_TIME;
    lb_rows *rows = NULL;
    sync_source_marks_row source;
    int r = count_settled(ctx, pair, counts, err);
    if (r < 0)
        return r;
    r = sync_source_marks(ctx,
                          &(sync_source_marks_args){.schema = w->schema,
                                                    .name = w->name,
                                                    .column = pair->mark,
                                                    .mark = counts->target_latest,
                                                    .mark_is_null = none,
                                                    .settled_until = counts->mark,
                                                    .settled_until_is_null = none,
                                                    .believable = believable(counts)},
                          &rows, err);
    if (r < 0 || !sync_source_marks_next(ctx, rows, &source))
        return r;
    counts->source_rows = source.rows;
    counts->settled = source.settled;
    counts->source_ahead = source.ahead;
    counts->source_latest = source.latest_is_null ? SYNC_NO_TIME : source.latest;
    counts->oldest_waiting = source.oldest_waiting_is_null ? SYNC_NO_TIME : source.oldest_waiting;
    return 0;
}

int sync_count(lb_ctx *ctx, const sync_pair *pair, sync_entry *e, sync_counts *ret_counts, lb_error *err)
{
    const sync_wish *w = pair->wish;
    lb_rows *rows = NULL;
    sync_source_count_row source;
    int r = sync_mark(ctx, pair, e, ret_counts, err);
    if (r < 0)
        return r;
    ret_counts->is_counted = true;
    if (pair->mark)
        return count_marked(ctx, pair, ret_counts, err);
    r = count_copy(ctx, pair, NULL, &ret_counts->target_rows, err);
    ret_counts->target_settled = ret_counts->target_rows;
    if (r >= 0)
        r = sync_source_count(ctx, &(sync_source_count_args){.schema = w->schema, .name = w->name}, &rows, err);
    if (r >= 0 && sync_source_count_next(ctx, rows, &source))
        ret_counts->source_rows = ret_counts->settled = source.rows;
    return r;
}

/* Between the rows that the copy must have and those that it may have, all is well. One that has changed since is in
 * the copy as it was, so that it may have more old rows than the source. */
int64_t sync_missing(const sync_counts *counts)
{
    if (counts->target_settled < counts->settled)
        return counts->settled - counts->target_settled;
    return counts->target_rows > counts->source_rows && !counts->extra_waits ? counts->source_rows - counts->target_rows
                                                                             : 0;
}

double sync_lag(const sync_counts *counts)
{
    int64_t lag = counts->oldest_waiting == SYNC_NO_TIME ? 0 : counts->now - counts->oldest_waiting;
    return lag > 0 ? (double)lag / 1e6 : 0;
}
