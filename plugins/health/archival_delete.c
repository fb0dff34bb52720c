/* Deletes what is proven to be in the lakehouse, and tells of what was deleted. */
#include "archival_job.h"

#include <json-c/json.h>
#include <sql/archival/and_there.h>
#include <sql/archival/delete_batch.h>
#include <sql/archival/deleted.h>
#include <sql/archival/ledger_found.h>
#include <sql/archival/pause.h>
#include <string.h>

typedef struct proof {
    size_t batches;
    int64_t rows, bytes, version;
    uint64_t digest;
} proof;

static bool is_ready(const archival_batch *b)
{
    return b->is_exported && !b->is_given_up;
}

static proof sum_up(const archival_job *job)
{
    proof p = {0};
    for (size_t i = 0; i < job->count; i++) {
        const archival_batch *b = &job->batches[i];
        if (!is_ready(b))
            continue;
        p.batches++;
        p.rows += b->rows;
        p.bytes += b->bytes;
        p.digest += (uint64_t)b->digest;
        p.version = b->version > p.version ? b->version : p.version;
    }
    return p;
}

/* The receipt: what a person decides by, and what is looked up again in the lakehouse. */
static const lb_value *receipt_of(const archival_job *job, const proof *p)
{
    const cold_table *t = job->source.table;
    const lb_value values[] = {
        lb_text("archival", job->id),
        lb_text("archive", job->lake_label),
        lb_i64("archive_version", p->version),
        lb_i64("batches", (int64_t)p->batches),
        lb_i64("rows", p->rows),
        lb_i64("bytes_in_archive", p->bytes),
        lb_text("digest", lb_printf(job->ctx, "%016llx", (unsigned long long)p->digest)),
        lb_text("time_column", job->time_column),
        lb_time("cutoff", job->cutoff),
        lb_i64("delete_triggers", t->r.delete_triggers),
        lb_bool("is_published", t->r.is_published),
        {.type = LB_END},
    };
    lb_value *copy = lb_alloc(job->ctx, sizeof values);
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

static int add_batch(const archival_job *job, const archival_batch *b, lb_group *group, lb_error *err)
{
    const archival_range range = archival_range_of(job, b);
    const archival_pause_args pause = {.seconds = (double)job->options->pause_ms / 1000};
    const lb_sql *scope = NULL, *there = NULL;
    int r = archival_scope_of(job->ctx, &job->source, &range, &scope, err);
    if (r >= 0 && job->source.table->r.kind[0] == 'p')
        r = archival_and_there_compose(job->ctx, &there, err);
    const archival_delete_batch_args args = {.batch = b->key,
                                             .rows = b->rows,
                                             .digest = b->digest,
                                             .schema = job->source.table->r.schema,
                                             .table = job->source.table->r.name,
                                             .scope = scope,
                                             .and_there = there};
    if (r >= 0)
        r = archival_delete_batch(job->ctx, group, &args, err);
    return r < 0 || !job->options->pause_ms ? r : archival_pause(job->ctx, group, &pause, err);
}

int archival_delete(archival_job *job, lb_error *err)
{
    const proof p = sum_up(job);
    const lb_value *receipt = receipt_of(job, &p);
    lb_group *group = NULL;
    if (!p.batches)
        return 0;
    if (!receipt)
        return lb_out_of_memory(err);
    int r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = lb_printf(job->ctx, "delete %lld archived rows of %s", (long long)p.rows, job->source.label),
                 .reason = lb_printf(job->ctx,
                                     "they are in %s, counted and summed there; a batch that has changed since stays",
                                     job->lake_label),
                 .evidence = receipt,
                 .undo = lb_printf(job->ctx,
                                   "insert them again from %s, where " LB_LAKE_BATCH " begins with %s, and delete the "
                                   "batches' rows in lbops_archive.steps",
                                   job->lake_label, job->id)),
        &group, err);
    for (size_t i = 0; r >= 0 && i < job->count; i++)
        if (is_ready(&job->batches[i]))
            r = add_batch(job, &job->batches[i], group, err);
    if (r >= 0)
        r = lb_apply(job->ctx, group, &job->deletion, err);
    return r < 0 || job->deletion != LB_WAITING
               ? r
               : archival_note(job, "delete", "waiting", LB_ARGS(lb_i64("rows_archived", p.rows)), err);
}

/* ---- what came of it ---- */

static int tell_one(lb_ctx *ctx, const archival_deleted_row *d, lb_error *err)
{
    const char *table = lb_printf(ctx, "%s.%s", d->source_schema, d->source_table);
    const char *archive = lb_printf(ctx, "%s.%s.%s", d->lake_catalog, d->lake_schema, d->lake_table);
    if (!table || !archive)
        return lb_out_of_memory(err);
    int r = lb_record(ctx, "data_archival_history",
                      LB_ARGS(lb_text("archival_id", d->archival), lb_time("archived_at", d->deleted_at),
                              lb_text("source_table", table), lb_text("archive_delta_table", archive),
                              lb_text("step", "delete"), lb_i64("cold_threshold_days", (int64_t)d->threshold_days),
                              lb_time("cutoff", d->cutoff), lb_i64("rows_archived", d->rows),
                              lb_i64("rows_deleted", d->rows), lb_text("checksum", d->digest),
                              lb_text("status", "success")),
                      err);
    if (r >= 0)
        r = lb_emit(ctx, "cold_data.archived",
                    LB_ARGS(lb_text("schema", d->source_schema), lb_text("table", d->source_table),
                            lb_i64("rows", d->rows), lb_text("delta_table", archive)),
                    err);
    return r < 0 ? r
                 : lb_append(ctx, "deleted",
                             LB_ARGS(lb_text("table", table), lb_text("archival", d->archival),
                                     lb_text("delta_table", archive), lb_i64("batches", d->batches),
                                     lb_i64("rows", d->rows)),
                             err);
}

static int64_t told_before(const char *json)
{
    struct json_object *doc = json ? json_tokener_parse(json) : NULL, *value = NULL;
    int64_t step = doc && json_object_object_get_ex(doc, "told", &value) ? json_object_get_int64(value) : 0;
    (void)json_object_put(doc); /* says whether it was the last */
    return step;
}

int archival_tell_deleted(lb_ctx *ctx, lb_error *err)
{
    archival_ledger_found_row found = {false};
    archival_deleted_row d;
    const char *json = NULL;
    lb_rows *rows = NULL;
    int r = archival_ledger_found(ctx, &rows, err);
    if (r < 0 || !archival_ledger_found_next(ctx, rows, &found) || !found.present)
        return r;
    r = lb_recall(ctx, &json, err);
    int64_t last = told_before(json);
    const archival_deleted_args args = {.after_step = last};
    if (r >= 0)
        r = archival_deleted(ctx, &args, &rows, err);
    while (r >= 0 && archival_deleted_next(ctx, rows, &d)) {
        r = tell_one(ctx, &d, err);
        last = d.last_step > last ? d.last_step : last;
    }
    const char *memory = lb_printf(ctx, "{\"told\":%lld}", (long long)last);
    if (r >= 0 && !memory)
        return lb_out_of_memory(err);
    return r < 0 ? r : lb_remember(ctx, memory, err);
}
