#include "cold_model.h"

#include <sql/archival/epoch.h>
#include <stdlib.h>
#include <string.h>

#define DAY (86400.0 * 1000000)

int64_t cold_writes(const cold_table *t)
{
    return t->r.inserted + t->r.updated + t->r.deleted;
}

int64_t cold_reads(const cold_table *t)
{
    return t->r.seq_scans + t->r.index_scans;
}

static cold_table *find(const cold_set *set, int64_t table_id)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->tables[i].r.table_id == table_id)
            return &set->tables[i];
    return NULL;
}

static int read_tables(lb_ctx *ctx, cold_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = archival_tables(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "tables");
    set->tables = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *set->tables);
    if (!set->tables)
        return lb_out_of_memory(err);
    while (archival_tables_next(ctx, rows, &set->tables[set->count].r))
        set->count++;
    return 0;
}

static void link_partitions(cold_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        cold_table *t = &set->tables[i];
        t->parent = t->r.is_partition && !t->r.parent_id_is_null ? find(set, t->r.parent_id) : NULL;
    }
}

static int read_ranges(lb_ctx *ctx, cold_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = archival_partitions(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "partitions");
    archival_partitions_row *ranges = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ranges);
    if (!ranges)
        return lb_out_of_memory(err);
    for (; archival_partitions_next(ctx, rows, ranges); ranges++) {
        cold_table *t = find(set, ranges->table_id);
        if (!t)
            continue;
        t->range = ranges;
        for (cold_table *above = t->parent; above; above = above->parent)
            above->has_ranges = true;
    }
    return 0;
}

static int read_epoch(lb_ctx *ctx, cold_set *set, lb_error *err)
{
    archival_epoch_row epoch;
    lb_rows *rows = NULL;
    int r = archival_epoch(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "the server's counters");
    if (!archival_epoch_next(ctx, rows, &epoch))
        return lb_fail(err, LB_ERR_INTERNAL, "report it", "the server does not say since when it counts");
    set->counts_since = epoch.counts_since;
    set->is_standby = epoch.is_standby;
    return 0;
}

int cold_read(lb_ctx *ctx, double threshold_days, cold_set *ret_set, lb_error *err)
{
    *ret_set = (cold_set){.now = lb_now(ctx)};
    ret_set->cutoff = ret_set->now - (int64_t)(threshold_days * DAY);
    int r = read_tables(ctx, ret_set, err);
    if (r < 0)
        return r;
    link_partitions(ret_set);
    r = read_ranges(ctx, ret_set, err);
    return r < 0 ? r : read_epoch(ctx, ret_set, err);
}

/* ---- details ---- */

static const double *numbers(lb_ctx *ctx, const lb_value *items, size_t count)
{
    double *list = lb_alloc(ctx, (count + 1) * sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = items[i].type == LB_NULL ? 0 : items[i].v.f64;
    return list;
}

static int read_spread(lb_ctx *ctx, cold_column *c, lb_error *err)
{
    const archival_time_columns_row *r = &c->r;
    size_t common = r->common_values.count < r->common_shares.count ? r->common_values.count : r->common_shares.count;
    c->spread = (cold_spread){.null_share = r->null_share_is_null ? 0 : r->null_share,
                              .bounds = numbers(ctx, r->bounds.items, r->bounds.count),
                              .bound_count = r->bounds.count,
                              .common_values = numbers(ctx, r->common_values.items, common),
                              .common_shares = numbers(ctx, r->common_shares.items, common),
                              .common_count = common};
    return c->spread.bounds && c->spread.common_values && c->spread.common_shares ? 0 : lb_out_of_memory(err);
}

static int read_columns(lb_ctx *ctx, cold_set *set, const lb_i64s *ids, lb_error *err)
{
    const archival_time_columns_args args = {.table_ids = {ids->items, ids->count}};
    lb_rows *rows = NULL;
    int r = archival_time_columns(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "columns of time");
    cold_column *columns = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *columns);
    if (!columns)
        return lb_out_of_memory(err);
    for (; r >= 0 && archival_time_columns_next(ctx, rows, &columns->r); columns++) {
        cold_table *t = find(set, columns->r.table_id);
        if (!t)
            continue;
        t->columns = t->column_count ? t->columns : columns;
        t->column_count++;
        r = read_spread(ctx, columns, err);
    }
    return r;
}

static int read_references(lb_ctx *ctx, cold_set *set, const lb_i64s *ids, lb_error *err)
{
    const archival_references_args args = {.table_ids = {ids->items, ids->count}};
    lb_rows *rows = NULL;
    int r = archival_references(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "foreign keys");
    archival_references_row *references = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *references);
    if (!references)
        return lb_out_of_memory(err);
    for (; archival_references_next(ctx, rows, references); references++) {
        cold_table *t = find(set, references->table_id);
        if (!t)
            continue;
        t->references = t->reference_count ? t->references : references;
        t->reference_count++;
    }
    return 0;
}

int cold_read_details(lb_ctx *ctx, cold_set *set, bool (*wanted)(const cold_table *table, const void *arg),
                      const void *arg, lb_error *err)
{
    int64_t *items = lb_alloc(ctx, (set->count + 1) * sizeof *items);
    size_t count = 0;
    if (!items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->count; i++)
        if (wanted(&set->tables[i], arg))
            items[count++] = set->tables[i].r.table_id;
    const lb_i64s ids = {items, count};
    if (!count)
        return 0;
    int r = read_columns(ctx, set, &ids, err);
    return r < 0 ? r : read_references(ctx, set, &ids, err);
}
