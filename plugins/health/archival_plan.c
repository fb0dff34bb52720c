/* Which ranges of keys leave together. */
#include "archival_job.h"

#include <sql/archival/bounds.h>
#include <sql/archival/create_batches.h>
#include <sql/archival/create_schema.h>
#include <sql/archival/create_steps.h>
#include <sql/archival/ledger_found.h>
#include <sql/archival/open_batches.h>
#include <sql/archival/plan_batch.h>
#include <string.h>

/* Of a batch as text: what makes a file of it in the lakehouse needs some times as much memory, and has little. */
#define BATCH_BYTES (INT64_C(16) << 20)

archival_range archival_range_of(const archival_job *job, const archival_batch *batch)
{
    return (archival_range){job->time_column, job->cutoff, batch->after, batch->up_to};
}

double archival_since(const archival_job *job, int64_t moment)
{
    return (double)(lb_now(job->ctx) - moment) / 1000000;
}

static int copy_texts(lb_ctx *ctx, const lb_value *items, size_t count, lb_texts *ret, lb_error *err)
{
    const char **list = lb_alloc(ctx, (count + 1) * sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = items[i].v.text;
    *ret = (lb_texts){list, list ? count : 0};
    return list ? 0 : lb_out_of_memory(err);
}

/* ---- open ones ---- */

static int take_open(archival_job *job, const archival_open_batches_row *row, lb_error *err)
{
    archival_batch *b = &job->batches[job->count++];
    *b = (archival_batch){.key = row->batch,
                          .place = row->place,
                          .is_exported = row->is_exported,
                          .rows = row->rows,
                          .digest = row->digest,
                          .bytes = row->bytes,
                          .version = row->version,
                          .checksum = row->checksum};
    job->id = row->archival;
    if (!job->time_column || strcmp(job->time_column, row->time_column) != 0)
        job->ground = "the archival that is under way began with it";
    job->time_column = row->time_column;
    job->cutoff = row->cutoff;
    job->threshold_days = row->threshold_days;
    job->lake = (lb_lake_name){row->lake_catalog, row->lake_schema, row->lake_table};
    int r =
        row->after_key_is_null ? 0 : copy_texts(job->ctx, row->after_key.items, row->after_key.count, &b->after, err);
    return r < 0 ? r : copy_texts(job->ctx, row->up_to_key.items, row->up_to_key.count, &b->up_to, err);
}

/* Of the oldest archival that has some. */
static int read_open(archival_job *job, lb_error *err)
{
    const archival_open_batches_args args = {.source_id = job->source.table->r.table_id};
    archival_ledger_found_row found = {false};
    archival_open_batches_row row;
    lb_rows *rows = NULL;
    int r = archival_ledger_found(job->ctx, &rows, err);
    if (r < 0 || !archival_ledger_found_next(job->ctx, rows, &found) || !found.present)
        return r;
    r = archival_open_batches(job->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    job->batches = lb_alloc(job->ctx, ((size_t)lb_row_count(job->ctx, rows) + 1) * sizeof *job->batches);
    if (!job->batches)
        return lb_out_of_memory(err);
    while (r >= 0 && archival_open_batches_next(job->ctx, rows, &row) &&
           (!job->count || strcmp(row.archival, job->id) == 0))
        r = take_open(job, &row, err);
    job->was_open = job->count > 0;
    return r;
}

/* ---- new ones ---- */

static int find_bounds(archival_job *job, lb_rows **ret_rows, lb_error *err)
{
    const archival_source *s = &job->source;
    const archival_range whole = {.time_column = job->time_column, .cutoff = job->cutoff};
    const int64_t row_weight = BATCH_BYTES / job->options->batch_rows + 1;
    const lb_sql *scope = NULL;
    int r = archival_scope_of(job->ctx, s, &whole, &scope, err);
    const archival_bounds_args args = {.keys = {s->keys.items, s->keys.count},
                                       .texts = {s->texts.items, s->texts.count},
                                       .schema = s->table->r.schema,
                                       .table = s->table->r.name,
                                       .scope = scope,
                                       .row_weight = row_weight,
                                       .fixed_bytes = s->fixed_bytes,
                                       .more_bytes = s->more_bytes,
                                       .batch_weight = row_weight * job->options->batch_rows,
                                       .max_rows = job->options->max_rows};
    return r < 0 ? r : archival_bounds(job->ctx, &args, ret_rows, err);
}

static int take_bounds(archival_job *job, lb_rows *rows, lb_error *err)
{
    archival_bounds_row row;
    int64_t before = 0;
    int r = 0;
    job->id =
        lb_printf(job->ctx, "%llx-%lld", (unsigned long long)job->set->now, (long long)job->source.table->r.table_id);
    job->batches = lb_alloc(job->ctx, ((size_t)lb_row_count(job->ctx, rows) + 1) * sizeof *job->batches);
    if (!job->id || !job->batches)
        return lb_out_of_memory(err);
    while (r >= 0 && archival_bounds_next(job->ctx, rows, &row)) {
        archival_batch *b = &job->batches[job->count];
        *b = (archival_batch){.key = lb_printf(job->ctx, "%s.%zu", job->id, job->count + 1),
                              .place = (int64_t)job->count + 1,
                              .after = job->count ? b[-1].up_to : (lb_texts){NULL, 0},
                              .rows = row.rows - before};
        if (!b->key)
            return lb_out_of_memory(err);
        r = copy_texts(job->ctx, row.up_to.items, row.up_to.count, &b->up_to, err);
        before = row.rows;
        job->count++;
    }
    if (before < job->options->min_rows) {
        job->count = 0; /* not worth it */
        job->too_few = before;
    }
    return r;
}

static int make_ledger(archival_job *job, lb_error *err)
{
    archival_ledger_found_row found = {false};
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    lb_rows *rows = NULL;
    int r = archival_ledger_found(job->ctx, &rows, err);
    if (r < 0 || (archival_ledger_found_next(job->ctx, rows, &found) && found.present))
        return r;
    r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = "make the ledger of archivals",
                 .reason = "the server itself keeps which rows have left, so that none is lost or doubled",
                 .undo = "DROP SCHEMA lbops_archive CASCADE, once nothing is archived", .atomic = true),
        &group, err);
    if (r >= 0)
        r = archival_create_schema(job->ctx, group, err);
    if (r >= 0)
        r = archival_create_batches(job->ctx, group, err);
    if (r >= 0)
        r = archival_create_steps(job->ctx, group, err);
    return r < 0 ? r : lb_apply(job->ctx, group, &outcome, err);
}

static int add_batch(const archival_job *job, const archival_batch *b, lb_group *group, lb_error *err)
{
    const cold_table *t = job->source.table;
    const archival_plan_batch_args args = {.batch = b->key,
                                           .archival = job->id,
                                           .place = b->place,
                                           .source_id = t->r.table_id,
                                           .source_schema = t->r.schema,
                                           .source_table = t->r.name,
                                           .lake_catalog = job->lake.catalog,
                                           .lake_schema = job->lake.schema,
                                           .lake_table = job->lake.name,
                                           .time_column = job->time_column,
                                           .threshold_days = job->threshold_days,
                                           .cutoff = job->cutoff,
                                           .after_key = b->after,
                                           .after_key_is_null = !b->after.count,
                                           .up_to_key = b->up_to};
    return archival_plan_batch(job->ctx, group, &args, err);
}

static int write_down(archival_job *job, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    int r = make_ledger(job, err);
    if (r >= 0)
        r = lb_group_open(job->ctx,
                          LB_GROUP(.title = lb_printf(job->ctx, "plan the archival of %s in %zu batches",
                                                      job->source.label, job->count),
                                   .reason = lb_printf(job->ctx, "rows with a %s before the cutoff (%s)",
                                                       job->time_column, job->ground),
                                   .undo = "they are given up with abandon", .atomic = true),
                          &group, err);
    for (size_t i = 0; r >= 0 && i < job->count; i++)
        r = add_batch(job, &job->batches[i], group, err);
    if (r >= 0)
        r = lb_apply(job->ctx, group, &outcome, err);
    if (r >= 0 && outcome != LB_APPLIED && outcome != LB_PLANNED)
        return lb_fail(err, LB_ERR_DENIED, "a rule of the manifest's gate asks for everything: loosen it for this tool",
                       "the archival of %s could not be planned", job->source.label);
    return r;
}

int archival_plan(archival_job *job, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = read_open(job, err);
    if (r < 0 || job->options->abandon)
        return r;
    if (!job->was_open)
        r = find_bounds(job, &rows, err);
    if (r >= 0 && !job->was_open)
        r = take_bounds(job, rows, err);
    if (r >= 0)
        r = archival_check_moments(job, err);
    return r < 0 || !job->count || job->was_open ? r : write_down(job, err);
}
