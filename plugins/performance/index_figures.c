#include "index_figures.h"

#include "index_rules.h"
#include "index_trial.h"
#include "index_writes.h"

#include <math.h>

#define DAY_HOURS 24
#define FILL      0.9

/* NULL: there is none, or it is not known. */
static const lb_value *find(const lb_value *list, const char *name)
{
    for (; list && list->type != LB_END; list++)
        if (list->name && strcmp(list->name, name) == 0)
            return list->type == LB_NULL ? NULL : list;
    return NULL;
}

static lb_value told(const index_finding *f, const char *name)
{
    const lb_value *found = find(f->impact, name);
    found = found ? found : find(f->evidence, name);
    return found ? *found : lb_null(name);
}

static double number_of(const index_finding *f, const char *name)
{
    lb_value v = told(f, name);
    return v.type == LB_F64 ? v.v.f64 : v.type == LB_I64 ? (double)v.v.i64 : -1;
}

/* ---- the size of one that is not there yet ---- */

static const index_column *column_named(const index_table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (strcmp(t->columns[i].r.name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* Of a plain B-tree, by the statistics of its columns: no two equal keys share a place, so that it is at most this. -1:
 * not known. */
static double estimated_bytes(const index_work *work, const index_finding *f)
{
    const char *text = index_fix_text(work->ctx, &f->fix);
    index_shape shape = {
        .rows = index_table_rows(f->table), .block_bytes = work->set->window.r.block_bytes, .fill = FILL};
    bool is_plain = text && !strstr(text, " WHERE ") && !strstr(text, " INCLUDE ") && !strstr(text, " USING ");
    if (!is_plain || shape.rows < 0 || !f->columns || !f->columns[0].count || f->columns[0].count > INDEX_KEYS)
        return -1;
    for (uint32_t i = 0; i < f->columns[0].count; i++) {
        const index_column *c = column_named(f->table, f->columns[0].v.items[i].v.text);
        if (!c || !c->has_statistics)
            return -1;
        shape.columns[i].is_fixed = c->r.length > 0;
        shape.columns[i].alignment = (int)c->r.alignment;
        shape.columns[i].width = c->r.length > 0 ? (double)c->r.length : (double)c->width;
        shape.columns[i].null_share = c->null_share;
        shape.columns[i].distinct = index_distinct(c, shape.rows);
        shape.column_count++;
    }
    return index_expected_pages(&shape) * (double)shape.block_bytes;
}

/* ---- all of it ---- */

static const lb_value *keep(lb_ctx *ctx, const lb_value *values)
{
    size_t count = 1;
    while (values[count - 1].type != LB_END)
        count++;
    lb_value *kept = lb_alloc(ctx, count * sizeof *kept);
    return kept ? memcpy(kept, values, count * sizeof *kept) : NULL;
}

static lb_value writes_of(const index_work *work, const index_finding *f, const char **ret_by)
{
    index_write_rate rate = {.per_day = -1};
    if (f->table)
        rate = index_writes_per_day(work, f->table);
    *ret_by = rate.per_day < 0 ? NULL : index_writes_counted_by(&rate);
    return rate.per_day < 0 ? lb_null("index_writes_per_hour")
                            : lb_f64("index_writes_per_hour", rate.per_day / DAY_HOURS);
}

/* It costs its size and a write for each row that is written, and gains time where statements wait for it. */
static const lb_value *of_creation(const index_work *work, const index_finding *f)
{
    const char *counted_by = NULL;
    lb_value writes = writes_of(work, f, &counted_by);
    double bytes = number_of(f, "bytes_added"), calls = number_of(f, "calls"), ms = number_of(f, "total_ms");
    const char *from = bytes < 0 ? "statistics, at most" : f->rehearsed ? "the branch where it was built" : "planner";
    if (bytes < 0)
        bytes = estimated_bytes(work, f);
    return keep(work->ctx,
                LB_ARGS(bytes >= 0 ? lb_i64("bytes_added", llround(bytes)) : lb_null("bytes_added"),
                        lb_text("size_by", bytes >= 0 ? from : NULL), told(f, "statements"), told(f, "calls"),
                        calls > 0 && ms >= 0 ? lb_f64("mean_ms", ms / calls) : lb_null("mean_ms"), told(f, "is_proven"),
                        told(f, "cost_now"), told(f, "cost_with_it"), told(f, "ms_saved"),
                        told(f, "rows_read_per_delete"), writes, lb_text("writes_counted_by", counted_by)));
}

const lb_value *index_figures(const index_work *work, const index_finding *f)
{
    const char *counted_by = NULL;
    if (f->type && strncmp(f->type, "create", strlen("create")) == 0 && f->table)
        return of_creation(work, f);
    lb_value writes = writes_of(work, f, &counted_by);
    return keep(work->ctx, LB_ARGS(told(f, "bytes"), writes, lb_text("writes_counted_by", counted_by)));
}
