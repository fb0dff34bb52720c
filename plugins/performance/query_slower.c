/* Statements that are quick, and take much longer than they did: by what snapshots have added, of late and before. */
#include "query_review.h"

#include <sql/query/compared.h>
#include <stdlib.h>

#define MOST 5000 /* statements that are compared */

static bool has_one(const lb_texts *ids, const char *id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (strcmp(ids->items[i], id) == 0)
            return true;
    return false;
}

static double added_ms(const query_slower *s)
{
    return (s->recent_ms - s->before_ms) * (double)s->recent_calls;
}

static int by_added_time(const void *left, const void *right)
{
    const query_slower *a = left, *b = right;
    double x = added_ms(a), y = added_ms(b);
    return x != y ? (x < y) - (x > y) : strcmp(a->query_id, b->query_id);
}

static query_slower slower_of(const char *id, const query_compared_row *row)
{
    return (query_slower){.query_id = id,
                          .before_ms = row->ms / (double)row->calls, /* the question leaves out those without calls */
                          .recent_ms = row->recent_ms / (double)row->recent_calls,
                          .share = row->all_recent_ms > 0 ? row->recent_ms / row->all_recent_ms : 0,
                          .recent_calls = row->recent_calls};
}

static int keep(lb_ctx *ctx, lb_rows *rows, const query_regression *limits, query_recent *recent, lb_error *err)
{
    query_slower *list = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *list);
    query_compared_row row;
    size_t count = 0;
    if (!list)
        return lb_out_of_memory(err);
    while (query_compared_next(ctx, rows, &row)) {
        const char *id = lb_printf(ctx, "%lld", (long long)row.queryid);
        if (!id)
            return lb_out_of_memory(err);
        query_slower s = slower_of(id, &row);
        if (query_has_regressed(limits, s.before_ms, s.recent_ms) && s.share >= limits->share &&
            !has_one(&recent->slow, id))
            list[count++] = s;
    }
    qsort(list, count, sizeof *list, by_added_time);
    recent->slower = list;
    recent->slower_count = count;
    return 0;
}

bool query_has_regressed(const query_regression *limits, double before_ms, double recent_ms)
{
    return before_ms > 0 && recent_ms >= limits->times * before_ms && recent_ms - before_ms >= limits->more_ms;
}

int query_read_slower(const query_evidence *e, int64_t recent_us, const query_regression *limits, query_recent *recent,
                      lb_error *err)
{
    const lb_target *target = lb_run_target(e->ctx);
    int64_t now = lb_now(e->ctx);
    const query_compared_args args = {.project = target->project,
                                      .branch = target->branch,
                                      .database = e->set->window.r.database,
                                      .since = now - QUERY_BASELINE_US,
                                      .until = now - recent_us,
                                      .least_calls = QUERY_LEAST_CALLS,
                                      .least_recent_calls = limits->calls,
                                      .most = MOST};
    lb_rows *rows = NULL;
    int r = lb_history_or_skip(e->ctx, query_compared(e->ctx, &args, &rows, err), "statements that became slower", NULL,
                               err);
    return r <= 0 ? r : keep(e->ctx, rows, limits, recent, err);
}
