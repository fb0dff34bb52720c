/* The ledger of observations. Three metrics: index_observation says that the counters were read which run since its
 * value (seconds since 1970), index_floor that no indexes were noted that are smaller than so many bytes, index_scans
 * that an index was there, and used if it is above 0. */
#include "index_history.h"

#include "index_writes.h"

#include <sql/index/observed.h>
#include <stdlib.h>
#include <time.h>

#define SECOND    ((double)1000000)
#define DAY       (86400 * SECOND)
#define LOOK_BACK INT64_C(90) /* days that metrics are kept */
#define AGAIN     INT64_C(30) /* days after which what is still there is noted again */

/* ---- reading ---- */

static int by_object(const void *a, const void *b)
{
    return strcmp(((const index_sight *)a)->object, ((const index_sight *)b)->object);
}

static int by_start(const void *a, const void *b)
{
    int64_t x = ((const index_epoch *)a)->from, y = ((const index_epoch *)b)->from;
    return (x > y) - (x < y);
}

static void add_epoch(index_history *h, const index_observed_row *row)
{
    h->epochs[h->epoch_count++] = (index_epoch){(int64_t)(row->counted_since * SECOND), row->last_seen};
}

static int collect(lb_ctx *ctx, lb_rows *rows, index_history *h, lb_error *err)
{
    size_t count = (size_t)lb_row_count(ctx, rows) + 1;
    index_observed_row row;
    h->epochs = lb_alloc(ctx, count * sizeof *h->epochs);
    h->sights = lb_alloc(ctx, count * sizeof *h->sights);
    h->floors = lb_alloc(ctx, count * sizeof *h->floors);
    if (!h->epochs || !h->sights || !h->floors)
        return lb_out_of_memory(err);
    while (index_observed_next(ctx, rows, &row)) {
        if (row.object_name)
            h->sights[h->sight_count++] =
                (index_sight){row.object_name, row.first_seen, row.last_seen, row.last_used, row.uses};
        else if (!row.floor_bytes_is_null)
            h->floors[h->floor_count++] = (index_floor){row.floor_bytes, row.first_seen, row.last_seen};
        else if (!row.counted_since_is_null)
            add_epoch(h, &row);
    }
    qsort(h->sights, h->sight_count, sizeof *h->sights, by_object);
    qsort(h->epochs, h->epoch_count, sizeof *h->epochs, by_start);
    return 0;
}

int index_read_history(lb_ctx *ctx, const char *database, const index_history **ret_history, const char **ret_why,
                       lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    lb_rows *rows = NULL;
    index_history *h = lb_alloc(ctx, sizeof *h);
    const index_observed_args args = {.project = target->project,
                                      .branch = target->branch,
                                      .database = database,
                                      .since = lb_now(ctx) - LOOK_BACK * (int64_t)DAY};
    *ret_history = NULL;
    if (!h)
        return lb_out_of_memory(err);
    int r = lb_history_or_skip(ctx, index_observed(ctx, &args, &rows, err), NULL, ret_why, err);
    if (r <= 0)
        return r;
    r = collect(ctx, rows, h, err);
    if (r >= 0)
        r = index_read_writes(ctx, database, h, err);
    *ret_history = h;
    return r;
}

/* ---- proof ---- */

static const index_sight *find_sight(const index_history *h, const char *object)
{
    const index_sight key = {.object = object};
    return h && h->sight_count ? bsearch(&key, h->sights, h->sight_count, sizeof *h->sights, by_object) : NULL;
}

/* The first and the last look that would have noted an index of this size; 0: there was none. */
static index_floor looks_at(const index_history *h, int64_t bytes)
{
    index_floor all = {0};
    for (size_t i = 0; h && i < h->floor_count; i++) {
        const index_floor *f = &h->floors[i];
        if (f->bytes > (double)bytes)
            continue;
        all.first = all.first && all.first < f->first ? all.first : f->first;
        all.last = all.last > f->last ? all.last : f->last;
    }
    return all;
}

/* When it was made at the earliest: after the last look at those of its size that did not see it; 0: nobody knows. */
static int64_t made_after(const index_history *h, const index_sight *sight, int64_t bytes)
{
    index_floor looks = looks_at(h, bytes);
    if (sight)
        return sight->first_seen > looks.first ? sight->first_seen : 0;
    return looks.last;
}

double index_seen_days(const index_history *h, const index_window *w, const char *object)
{
    const index_sight *sight = find_sight(h, object);
    return sight && w->r.now > sight->first_seen ? (double)(w->r.now - sight->first_seen) / DAY : 0;
}

/* Midnights with which a month begins. A job of a month's end runs about then, and some only at that of a quarter. */
static void add_ends_between(int64_t from, int64_t until, index_idle *idle)
{
    time_t begin = (time_t)(from / (int64_t)SECOND), end = (time_t)(until / (int64_t)SECOND);
    struct tm parts;
    if (until <= from || !gmtime_r(&begin, &parts))
        return;
    parts.tm_mday = 1;
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    for (parts.tm_mon++; timegm(&parts) <= end; parts.tm_mon++) { /* timegm makes a year of twelve */
        idle->month_ends++;
        idle->quarter_ends += parts.tm_mon % 3 == 0;
    }
}

/* In this epoch, from when it was there, and in earlier ones after its last use. */
static index_idle idle_from(const index_history *h, const index_window *w, const index_sight *sight, int64_t there)
{
    int64_t since = there > w->since ? there : w->since;
    index_idle idle = {.days = w->r.now > since ? (double)(w->r.now - since) / DAY : 0};
    add_ends_between(since, w->r.now, &idle);
    int64_t cut = !sight ? 0 : sight->last_used > sight->first_seen ? sight->last_used : sight->first_seen;
    for (size_t i = 0; sight && i < h->epoch_count; i++) {
        int64_t from = h->epochs[i].from > cut ? h->epochs[i].from : cut;
        int64_t until = h->epochs[i].until < w->since ? h->epochs[i].until : w->since;
        if (until <= from)
            continue;
        idle.earlier_days += (double)(until - from) / DAY;
        add_ends_between(from, until, &idle);
        cut = until; /* with a compute that came and went, epochs lie over each other */
    }
    idle.days += idle.earlier_days;
    return idle;
}

index_idle index_proven_idle(const index_history *h, const index_window *w, const char *object)
{
    const index_sight *sight = find_sight(h, object);
    return sight ? idle_from(h, w, sight, sight->first_seen) : (index_idle){0};
}

index_idle index_likely_idle(const index_history *h, const index_window *w, const char *object, int64_t bytes)
{
    const index_sight *sight = find_sight(h, object);
    return idle_from(h, w, sight, made_after(h, sight, bytes));
}

int64_t index_last_use(const index_history *h, const char *object, int64_t *ret_uses)
{
    const index_sight *sight = find_sight(h, object);
    *ret_uses = sight ? sight->uses : 0;
    return sight ? sight->last_used : 0;
}

/* ---- noting ---- */

/* All of one look have one time: what comes later was not there then. */
static int note(lb_ctx *ctx, const char *database, int64_t at, const char *metric, const char *object, double value,
                const char *unit, lb_error *err)
{
    return lb_record(ctx, "lakebase_metrics",
                     LB_ARGS(lb_text("metric_name", metric), lb_f64("metric_value", value), lb_text("unit", unit),
                             lb_text("kind", "gauge"), lb_text("object_name", object),
                             lb_text("database_name", database), lb_time("snapshot_timestamp", at)),
                     err);
}

int index_note_history(lb_ctx *ctx, const index_history *h, const index_set *set, int64_t min_bytes, lb_error *err)
{
    const char *database = set->window.r.database;
    int64_t now = lb_now(ctx);
    int r = 0;
    if (set->window.elsewhere != INDEX_ELSEWHERE_UNREAD) /* what some have counted proves nothing of the others */
        r = note(ctx, database, now, "index_observation", NULL, (double)set->window.since / SECOND, "s", err);
    if (r >= 0)
        r = note(ctx, database, now, "index_floor", NULL, (double)min_bytes, "bytes", err);
    for (size_t i = 0; i < set->index_count && r >= 0; i++) {
        const index_info *x = &set->indexes[i];
        if (x->parent || x->r.is_unique || x->r.is_exclusion)
            continue;
        const char *object = index_label(ctx, x->r.schema, x->r.name);
        if (!object)
            return lb_out_of_memory(err);
        const index_sight *sight = find_sight(h, object);
        if (!sight && x->tree_bytes < min_bytes)
            continue; /* one that was noted is followed, or its next use would be missed */
        bool is_news = !sight || (x->tree_scans > 0 && sight->last_used < set->window.since) ||
                       now - sight->last_seen > AGAIN * (int64_t)DAY;
        if (is_news)
            r = note(ctx, database, now, "index_scans", object, (double)x->tree_scans, "count", err);
    }
    return r < 0 ? r : index_note_writes(ctx, h, set, now, err);
}
