/* The ledger of observations. Two metrics: index_observation says that the counters were read which run since its value
 * (seconds since 1970), index_scans that an index was there, and used if it is above 0. */
#include "index_history.h"

#include <sql/index/observed.h>
#include <stdlib.h>

#define SECOND    ((double)1000000)
#define DAY       (86400 * SECOND)
#define LOOK_BACK INT64_C(90) /* days that metrics are kept */

/* ---- reading ---- */

static int by_object(const void *a, const void *b)
{
    return strcmp(((const index_sight *)a)->object, ((const index_sight *)b)->object);
}

static int collect(lb_ctx *ctx, lb_rows *rows, index_history *h, lb_error *err)
{
    size_t count = (size_t)lb_row_count(ctx, rows) + 1;
    index_observed_row row;
    h->epochs = lb_alloc(ctx, count * sizeof *h->epochs);
    h->sights = lb_alloc(ctx, count * sizeof *h->sights);
    if (!h->epochs || !h->sights)
        return lb_out_of_memory(err);
    while (index_observed_next(ctx, rows, &row)) {
        if (row.object_name)
            h->sights[h->sight_count++] = (index_sight){row.object_name, row.first_seen, row.last_used};
        else if (!row.counted_since_is_null)
            h->epochs[h->epoch_count++] = (index_epoch){(int64_t)(row.counted_since * SECOND), row.last_seen};
    }
    qsort(h->sights, h->sight_count, sizeof *h->sights, by_object);
    return 0;
}

int index_read_history(lb_ctx *ctx, const index_history **ret_history, const char **ret_why, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    lb_rows *rows = NULL;
    index_history *h = lb_alloc(ctx, sizeof *h);
    const index_observed_args args = {
        .project = target->project, .branch = target->branch, .since = lb_now(ctx) - LOOK_BACK * (int64_t)DAY};
    *ret_history = NULL;
    if (!h)
        return lb_out_of_memory(err);
    int r = lb_history_or_skip(ctx, index_observed(ctx, &args, &rows, err), NULL, ret_why, err);
    if (r <= 0)
        return r;
    *ret_history = h;
    return collect(ctx, rows, h, err);
}

/* ---- proof ---- */

const index_sight *index_find_sight(const index_history *h, const char *object)
{
    const index_sight key = {.object = object};
    return h && h->sight_count ? bsearch(&key, h->sights, h->sight_count, sizeof *h->sights, by_object) : NULL;
}

double index_proven_days(const index_history *h, const index_window *w, const char *object)
{
    double days = w->r.now > w->since ? (double)(w->r.now - w->since) / DAY : 0;
    const index_sight *sight = index_find_sight(h, object);
    if (!sight)
        return days;
    int64_t cut = sight->last_used > sight->first_seen ? sight->last_used : sight->first_seen;
    for (size_t i = 0; i < h->epoch_count; i++) {
        int64_t from = h->epochs[i].from > cut ? h->epochs[i].from : cut;
        int64_t until = h->epochs[i].until < w->since ? h->epochs[i].until : w->since;
        days += until > from ? (double)(until - from) / DAY : 0;
    }
    return days;
}

/* ---- noting ---- */

static int note(lb_ctx *ctx, const char *metric, const char *object, double value, const char *unit, lb_error *err)
{
    return lb_record(ctx, "lakebase_metrics",
                     LB_ARGS(lb_text("metric_name", metric), lb_f64("metric_value", value), lb_text("unit", unit),
                             lb_text("kind", "gauge"), lb_text("object_name", object),
                             lb_time("snapshot_timestamp", lb_now(ctx))),
                     err);
}

int index_note_history(lb_ctx *ctx, const index_history *h, const index_set *set, int64_t min_bytes, lb_error *err)
{
    int r = note(ctx, "index_observation", NULL, (double)set->window.since / SECOND, "s", err);
    for (size_t i = 0; i < set->index_count && r >= 0; i++) {
        const index_info *x = &set->indexes[i];
        if (x->parent || x->r.is_unique || x->r.is_exclusion || x->tree_bytes < min_bytes)
            continue;
        const char *object = index_label(ctx, x->r.schema, x->r.name);
        if (!object)
            return lb_out_of_memory(err);
        const index_sight *sight = index_find_sight(h, object);
        bool is_news = !sight || (x->tree_scans > 0 && sight->last_used < set->window.since);
        if (is_news)
            r = note(ctx, "index_scans", object, (double)x->tree_scans, "count", err);
    }
    return r;
}
