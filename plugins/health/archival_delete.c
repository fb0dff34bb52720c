/* Deletes what is proven to be in the lakehouse, and tells of what was deleted. */
#include "archival_job.h"
#include "branch_memory.h"
#include "shell_word.h"

#include <json-c/json.h>
#include <sql/archival/and_there.h>
#include <sql/archival/delete_batch.h>
#include <sql/archival/deleted.h>
#include <sql/archival/ledger_found.h>
#include <sql/archival/pause.h>
#include <stdio.h>
#include <string.h>

#define TEXTS_MOST  (INT64_C(3) << 20) /* about; what waits for an approval may take up a million bytes more */
#define TEXT_OF_ALL 4096               /* of a batch's statements, whatever the table: its rest, too */
#define TEXT_STEP   256
#define NAMED_MOST  50 /* batches in a command that a person pastes */

/* Batches of one group. */
typedef struct proof {
    const archival_batch *first, *end;
    size_t batches;
    int64_t rows, bytes, version;
    uint64_t digest;
} proof;

static bool is_ready(const archival_batch *b)
{
    return b->is_exported && !b->is_given_up;
}

static proof sum_up(const archival_batch *first, const archival_batch *end)
{
    proof p = {.first = first, .end = end};
    for (const archival_batch *b = first; b < end; b++) {
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

static bool is_above(const cold_table *above, const cold_table *t)
{
    while (t && t != above)
        t = t->parent;
    return t != NULL;
}

/* Names that are missing would be of tables that nobody holds. */
int archival_tables_of(const archival_job *job, const cold_table *table, const cold_table *was_of, lb_value *ret_tables,
                       lb_error *err)
{
    const cold_set *set = job->set;
    size_t count = 0;
    lb_value *names = lb_alloc(job->ctx, (set->count + 1) * sizeof *names);
    if (!names)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        const cold_table *t = &set->tables[i];
        if (!is_above(table, t) && !is_above(t, table) && !(was_of && is_above(t, was_of)))
            continue;
        const char *label = cold_label(job->ctx, t);
        if (!label)
            return lb_out_of_memory(err);
        names[count++] = lb_text(NULL, label);
    }
    *ret_tables = lb_list("tables", LB_TEXT, names, count);
    return 0;
}

lb_value archival_held_by(void)
{
    static const lb_value lists[] = {{.type = LB_TEXT, .v.text = "legal_hold"}, {.type = LB_TEXT, .v.text = "keep"}};
    return lb_list("held_by", LB_TEXT, lists, 2);
}

/* The receipt: what a person decides by, and what is looked up again in the lakehouse. */
static int receipt_of(const archival_job *job, const proof *p, const lb_value **ret_receipt, lb_error *err)
{
    const cold_table *t = job->source.table;
    lb_value tables = {.type = LB_END};
    int r = archival_tables_of(job, t, NULL, &tables, err);
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
        tables,
        archival_held_by(),
        {.type = LB_END},
    };
    lb_value *copy = r < 0 ? NULL : lb_alloc(job->ctx, sizeof values);
    *ret_receipt = copy ? memcpy(copy, values, sizeof values) : NULL;
    return r < 0 || copy ? r : lb_out_of_memory(err);
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
                                             .row_digest = job->source.digest,
                                             .scope = scope,
                                             .and_there = there};
    if (r >= 0)
        r = archival_delete_batch(job->ctx, group, &args, err);
    return r < 0 || !job->options->pause_ms ? r : archival_pause(job->ctx, group, &pause, err);
}

static const char *title_of(const archival_job *job, const proof *p, bool is_one_of_many)
{
    return is_one_of_many
               ? lb_printf(job->ctx, "delete %lld archived rows of %s, those of batches %lld to %lld",
                           (long long)p->rows, job->source.label, (long long)p->first->place,
                           (long long)p->end[-1].place)
               : lb_printf(job->ctx, "delete %lld archived rows of %s", (long long)p->rows, job->source.label);
}

static const char *where(const archival_job *job)
{
    const lb_target *t = lb_run_target(job->ctx);
    return t->project && t->branch ? lb_printf(job->ctx, " --project %s --branch %s", shell_word(job->ctx, t->project),
                                               shell_word(job->ctx, t->branch))
                                   : "";
}

/* The command that brings them back; of more than may come at once, the first of such commands. */
static const char *undo_of(const archival_job *job, const proof *p)
{
    lb_ctx *ctx = job->ctx;
    bool at_once = p->rows <= RESTORE_ROWS && p->batches <= NAMED_MOST, is_large = false;
    const char *names = "", *last = "";
    for (const archival_batch *b = p->first; names && b < p->end; b++) {
        if (!is_ready(b))
            continue;
        if (at_once || !*names) {
            names = lb_printf(ctx, "%s%s\"%s\"", names, *names ? "," : "", b->key);
            is_large = b->rows > RESTORE_ROWS;
        }
        last = b->key;
    }
    const char *rest = at_once || p->batches < 2
                           ? ""
                           : lb_printf(ctx, ", and so on to %s: at most %d rows come back at once, %d with --max_rows",
                                       last, RESTORE_ROWS, RESTORE_ROWS_MOST);
    return lb_printf(ctx, "lbops run restore_archived_rows%s --table %s --batches '[%s]'%s%s", where(job),
                     shell_word(ctx, job->source.label), names,
                     is_large ? lb_printf(ctx, " --max_rows %d", RESTORE_ROWS_MOST) : "", rest);
}

static int apply(archival_job *job, lb_group *group, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_apply(job->ctx, group, &outcome, err);
    if (r == LB_ERR_LIMIT && strstr(err->message, "wait for an approval")) /* it cannot know what the caller can do */
        (void)snprintf(err->hint, sizeof err->hint,
                       "give the batches up (abandon), and archive with a larger batch_rows or a smaller max_rows");
    if (r >= 0 &&
        (!job->deletion || outcome == LB_WAITING || job->deletion == LB_APPLIED)) /* the least of them counts */
        job->deletion = outcome;
    return r < 0 ? r : (int)(outcome == LB_WAITING);
}

/* One group. *waiting: rows whose deletion waits for an approval. */
static int delete_some(archival_job *job, const proof *p, bool is_one_of_many, int64_t *waiting, lb_error *err)
{
    const lb_value *receipt = NULL;
    lb_group *group = NULL;
    int r = receipt_of(job, p, &receipt, err);
    if (r < 0)
        return r;
    r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = title_of(job, p, is_one_of_many),
                 .reason = lb_printf(
                     job->ctx,
                     "they are in %s, counted, summed and read back there; a batch that has changed since stays",
                     job->lake_label),
                 .evidence = receipt, .undo = undo_of(job, p)),
        &group, err);
    for (const archival_batch *b = p->first; r >= 0 && b < p->end; b++)
        if (is_ready(b))
            r = add_batch(job, b, group, err);
    if (r >= 0)
        r = apply(job, group, err);
    *waiting += r > 0 ? p->rows : 0;
    return r;
}

static int64_t key_text(const archival_batch *b)
{
    size_t length = 0;
    for (size_t i = 0; i < b->up_to.count; i++)
        length += strlen(b->up_to.items[i]);
    for (size_t i = 0; i < b->after.count; i++)
        length += strlen(b->after.items[i]);
    return ((int64_t)length / TEXT_STEP + 1) * TEXT_STEP;
}

/* How many batches go into a group: a statement of a wide table is long, and stands there with its values in place and
 * without. Counted from the first place, so that what is left of them later is cut at the same places: a group that
 * waits is known again. */
static int64_t at_once(const archival_job *job)
{
    int64_t keys = 0;
    for (size_t i = 0; i < job->count; i++) {
        int64_t text = key_text(&job->batches[i]);
        keys = text > keys ? text : keys;
    }
    int64_t most = TEXTS_MOST / (TEXT_OF_ALL + 2 * (job->source.text_bytes + 2 * keys));
    return most > 1 ? most : 1;
}

int archival_delete(archival_job *job, lb_error *err)
{
    const int64_t together = at_once(job);
    const archival_batch *end = job->batches + job->count;
    bool many = job->count && end[-1].place > together;
    int64_t waiting = 0;
    int r = 0;
    for (const archival_batch *first = job->batches, *b = first; r >= 0 && first < end; first = b) {
        while (b < end && (b->place - 1) / together == (first->place - 1) / together)
            b++;
        const proof p = sum_up(first, b);
        if (p.batches)
            r = delete_some(job, &p, many, &waiting, err);
    }
    return r < 0 || !waiting ? r
                             : archival_note(job, "delete", "waiting", LB_ARGS(lb_i64("rows_archived", waiting)), err);
}

/* ---- what came of it ---- */

int archival_note(const archival_job *job, const char *step, const char *status, const lb_value *more, lb_error *err)
{
    lb_value values[16] = {lb_text("archival_id", job->id ? job->id : "none"),
                           lb_time("archived_at", lb_now(job->ctx)),
                           lb_text("source_table", job->source.label),
                           lb_text("archive_delta_table", job->lake_label),
                           lb_text("step", step),
                           lb_i64("cold_threshold_days", (int64_t)job->threshold_days),
                           lb_time("cutoff", job->cutoff),
                           lb_f64("duration_seconds", archival_since(job, job->begun)),
                           lb_text("status", status)};
    size_t count = 9;
    while (more->type != LB_END && count < sizeof values / sizeof *values - 1)
        values[count++] = *more++;
    return lb_record(job->ctx, "data_archival_history", values, err);
}

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
    const char *json = NULL, *uid = NULL;
    lb_rows *rows = NULL;
    int r = archival_ledger_found(ctx, &rows, err);
    if (r < 0 || !archival_ledger_found_next(ctx, rows, &found) || !found.present)
        return r;
    r = branch_recall(ctx, &json, &uid, err);
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
    return r < 0 ? r : branch_remember(ctx, memory, uid, err);
}
