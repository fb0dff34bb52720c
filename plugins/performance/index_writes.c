/* A counter since the last restart says little of today: a load of last spring is in it, and a night's sleep has
 * emptied it. So looks note it, and a rate is the sum of what it grew by from look to look. */
#include "index_writes.h"

#include "index_rules.h"

#include <stdlib.h>

#define DAY       INT64_C(86400000000)
#define LOOK_BACK (14 * DAY)
#define LEAST     DAY       /* of history: a rate of some hours is one of an hour of the day */
#define AGAIN     (DAY / 2) /* until what has moved is noted again */

int64_t index_rows_written(const index_table *t)
{
    return t->r.inserted + t->r.updated - t->r.updated_hot;
}

/* ---- reading ---- */

static int by_object(const void *a, const void *b)
{
    return strcmp(((const index_written_row *)a)->object_name, ((const index_written_row *)b)->object_name);
}

int index_read_writes(lb_ctx *ctx, const char *database, index_history *h, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const index_written_args args = {
        .project = target->project, .branch = target->branch, .database = database, .since = lb_now(ctx) - LOOK_BACK};
    lb_rows *rows = NULL;
    int r = lb_history_or_skip(ctx, index_written(ctx, &args, &rows, err), NULL, NULL, err);
    if (r <= 0)
        return r; /* the server's own counters are left */
    index_written_row *all = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (index_written_next(ctx, rows, &all[h->written_count]))
        h->written_count++;
    qsort(all, h->written_count, sizeof *all, by_object);
    h->written = all;
    return 0;
}

static const index_written_row *find(const index_history *h, const char *object)
{
    const index_written_row key = {.object_name = object};
    return h && object && h->written_count ? bsearch(&key, h->written, h->written_count, sizeof key, by_object) : NULL;
}

/* ---- rates ---- */

static double grown_since(const index_written_row *noted, int64_t now)
{
    return (double)now >= noted->last_value ? (double)now - noted->last_value : (double)now;
}

index_write_rate index_rate_of(const index_written_row *noted, int64_t written, const index_window *w)
{
    if (noted && w->r.now - noted->first_at >= LEAST) {
        double days = (double)(w->r.now - noted->first_at) / (double)DAY;
        bool is_least = noted->restarts > 0 || (double)written < noted->last_value || w->own_since > noted->last_at;
        return (index_write_rate){(noted->written + grown_since(noted, written)) / days, days, true, is_least};
    }
    return (index_write_rate){.per_day = w->own_days >= INDEX_RATE_DAYS ? (double)written / w->own_days : -1,
                              .days = w->own_days};
}

const char *index_writes_counted_by(const index_write_rate *rate)
{
    return !rate->is_history ? "server" : rate->is_least ? "history, at least" : "history";
}

static index_write_rate rate_of(const index_work *work, const index_table *t)
{
    const char *object = index_label(work->ctx, t->r.schema, t->r.name);
    return index_rate_of(find(work->history, object), index_rows_written(t), &work->set->window);
}

/* Of a partitioned one it is its partitions that are written. The least that is known of any is said of the whole. */
index_write_rate index_writes_per_day(const index_work *work, const index_table *table)
{
    index_write_rate all = {.per_day = 0, .is_history = true, .days = 0};
    int64_t leaves = 0;
    if (table->r.kind[0] != 'p')
        return rate_of(work, table);
    for (size_t i = 0; i < work->set->table_count; i++) {
        const index_table *t = &work->set->tables[i];
        if (t->r.kind[0] == 'p' || !index_is_below(t, table))
            continue;
        index_write_rate one = rate_of(work, t);
        all.per_day = one.per_day < 0 || all.per_day < 0 ? -1 : all.per_day + one.per_day;
        all.days = leaves++ && all.days < one.days ? all.days : one.days;
        all.is_history = all.is_history && one.is_history;
        all.is_least = all.is_least || one.is_least;
    }
    return leaves ? all : rate_of(work, table);
}

/* ---- noting ---- */

int index_note_writes(lb_ctx *ctx, const index_history *h, const index_set *set, int64_t at, lb_error *err)
{
    const char *epoch = lb_printf(ctx, "%lld", (long long)set->window.own_since);
    int r = epoch ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; i < set->table_count && r >= 0; i++) {
        const index_table *t = &set->tables[i];
        const char *object = index_label(ctx, t->r.schema, t->r.name);
        const index_written_row *noted = find(h, object);
        if (!object)
            return lb_out_of_memory(err);
        bool is_news = !noted || (double)index_rows_written(t) != noted->last_value;
        if (!t->index_count || t->r.kind[0] == 'p' || !is_news || (noted && at - noted->last_at < AGAIN))
            continue;
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", "table_index_writes"),
                              lb_f64("metric_value", (double)index_rows_written(t)), lb_text("unit", "count"),
                              lb_text("kind", "counter"), lb_text("object_name", object),
                              lb_text("database_name", set->window.r.database), lb_text("epoch", epoch),
                              lb_time("snapshot_timestamp", at)),
                      err);
    }
    return r;
}
