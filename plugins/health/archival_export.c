/* Rows into the lakehouse, and the proof that they are there. */
#include "archival_job.h"

#include <json-c/json.h>
#include <sql/archival/export_rows.h>
#include <sql/archival/exported.h>
#include <sql/archival/hot_batch.h>
#include <sql/archival/note_step.h>
#include <sql/archival/pause.h>
#include <stdio.h>
#include <string.h>

#define KEYS_AT_ONCE  200 /* a warehouse takes 256 parameters */
#define EXTRA_COLUMNS 2   /* that are the archive's own, beside the batch */

/* ---- one batch ---- */

static const lb_lake_column *lake_columns(const archival_job *job)
{
    const archival_source *s = &job->source;
    lb_lake_column *columns = lb_alloc(job->ctx, (s->column_count + EXTRA_COLUMNS) * sizeof *columns);
    for (size_t i = 0; columns && i < s->column_count; i++)
        columns[i] = (lb_lake_column){s->columns[i].name, s->columns[i].type};
    if (columns) {
        columns[s->column_count] = (lb_lake_column){ARCHIVAL_DIGEST, "bigint"};
        columns[s->column_count + 1] = (lb_lake_column){ARCHIVAL_VALUES, "text"};
    }
    return columns;
}

static const lb_value *rows_args(const archival_job *job, const lb_sql *scope)
{
    const archival_source *s = &job->source;
    lb_value *items = lb_alloc(job->ctx, (s->all.count + 1) * sizeof *items);
    lb_value *args = lb_alloc(job->ctx, 7 * sizeof *args);
    if (!items || !args)
        return NULL;
    for (size_t i = 0; i < s->all.count; i++)
        items[i] = lb_sql_value(NULL, s->all.items[i]);
    args[0] = lb_list("columns", LB_SQL, items, s->all.count);
    args[1] = lb_ident("schema", s->table->r.schema);
    args[2] = lb_ident("table", s->table->r.name);
    args[3] = lb_sql_value("digest", s->digest);
    args[4] = lb_sql_value("row_values", s->values);
    args[5] = lb_sql_value("scope", scope);
    return args;
}

static int read_reply(archival_batch *b, const char *reply, lb_ctx *ctx, lb_error *err)
{
    struct json_object *doc = reply ? json_tokener_parse(reply) : NULL, *value = NULL;
    if (!doc)
        return lb_fail(err, LB_ERR_INTERNAL, "report it", "the lakehouse gave no receipt for batch %s", b->key);
    b->rows = json_object_object_get_ex(doc, "rows", &value) ? json_object_get_int64(value) : -1;
    b->bytes = json_object_object_get_ex(doc, "bytes", &value) ? json_object_get_int64(value) : 0;
    b->version = json_object_object_get_ex(doc, "version", &value) ? json_object_get_int64(value) : -1;
    b->was_there = json_object_object_get_ex(doc, "repeated", &value) && json_object_get_boolean(value);
    b->checksum =
        json_object_object_get_ex(doc, "checksum", &value) ? lb_printf(ctx, "%s", json_object_get_string(value)) : NULL;
    (void)json_object_put(doc); /* says whether it was the last */
    return 0;
}

static int apply(archival_job *job, lb_group *group, lb_outcome *ret_outcome, lb_error *err)
{
    int r = lb_apply(job->ctx, group, ret_outcome, err);
    if (r < 0 && strstr(err->message, "Out of Memory")) /* who says so does not know what can be asked for here */
        (void)snprintf(err->hint, sizeof err->hint,
                       "give up what is planned with --abandon true, and archive with a smaller --batch_rows; or raise "
                       "memory_mb of the delta service");
    return r;
}

static int export_batch(archival_job *job, archival_batch *b, const lb_lake_column *columns, lb_error *err)
{
    const archival_range range = archival_range_of(job, b);
    lb_outcome outcome = LB_REFUSED;
    const lb_sql *scope = NULL;
    lb_group *group = NULL;
    int r = archival_scope_of(job->ctx, &job->source, &range, &scope, err);
    const lb_value *args = r < 0 ? NULL : rows_args(job, scope);
    if (r < 0 || !args)
        return r < 0 ? r : lb_out_of_memory(err);
    r = lb_group_open(job->ctx,
                      LB_GROUP(.title = lb_printf(job->ctx, "copy batch %lld of %zu of %s to %s", (long long)b->place,
                                                  job->count, job->source.label, job->lake_label),
                               .reason = "cold rows are in the lakehouse before they are deleted here",
                               .undo = "rows of a batch that is not deleted here do not count"),
                      &group, err);
    const archival_pause_args pause = {.seconds = (double)job->options->pause_ms / 1000};
    if (r >= 0 && job->options->pause_ms && b->place > 1)
        r = archival_pause(job->ctx, group, &pause, err);
    if (r >= 0)
        r = lb_change_lake(job->ctx, group,
                           LB_LAKE_APPEND(.table = job->lake, .key = b->key, .rows = &archival_export_rows_sql,
                                          .args = args, .columns = columns,
                                          .column_count = (uint32_t)job->source.column_count + EXTRA_COLUMNS),
                           err);
    if (r >= 0)
        r = apply(job, group, &outcome, err);
    if (r < 0 || outcome == LB_PLANNED)
        return r;
    if (outcome != LB_APPLIED)
        return lb_fail(err, LB_ERR_DENIED, "allow this tool to copy: it changes nothing here",
                       "batch %s could not be copied to the lakehouse", b->key);
    b->is_new = true;
    return read_reply(b, lb_group_reply(job->ctx, group), job->ctx, err);
}

/* ---- the proof ---- */

static archival_batch *find_batch(const archival_job *job, const char *key)
{
    for (size_t i = 0; i < job->count; i++)
        if (strcmp(job->batches[i].key, key) == 0)
            return &job->batches[i];
    return NULL;
}

static int say_altered(const archival_job *job, const archival_exported_row *row, lb_error *err)
{
    return lb_fail(err, LB_ERR_CONFLICT,
                   "nothing was deleted: compare that row on both sides; abandon gives the batches up, and they can be "
                   "copied again",
                   "%lld of %lld rows of batch %s do not have the values in %s that they left with: the first is the "
                   "one %s %s",
                   (long long)row->altered, (long long)row->rows, row->batch, job->lake_label,
                   job->source.is_key_hidden ? "whose key, each part with a ; behind it, has the MD5" : "with the key",
                   row->altered_key);
}

static int give_up(archival_job *job, archival_batch *b, lb_value rows_now, const char *reason, lb_error *err)
{
    b->is_given_up = true;
    job->given_up += !b->is_new; /* the new ones are noted with those that are exported */
    job->rows_given_up += b->rows;
    return lb_append(job->ctx, "given_up",
                     LB_ARGS(lb_text("table", job->source.label), lb_text("batch", b->key),
                             lb_i64("rows_exported", b->rows), rows_now, lb_text("reason", reason)),
                     err);
}

static int give_up_unproven(archival_job *job, archival_batch *b, lb_error *err)
{
    return give_up(job, b, lb_null("rows_now"),
                   "it was copied by an earlier version, which kept no " ARCHIVAL_VALUES " to prove it by", err);
}

static int verify_one(archival_job *job, const archival_exported_row *row, lb_error *err)
{
    archival_batch *b = find_batch(job, row->batch);
    if (!b || row->rows != b->rows)
        return lb_fail(err, LB_ERR_CONFLICT, "nothing was deleted: look at the table in the lakehouse",
                       "batch %s has %lld rows in %s, and its receipt says %lld", row->batch, (long long)row->rows,
                       job->lake_label, (long long)(b ? b->rows : 0));
    if (row->unproven == row->rows && (!b->is_new || b->was_there))
        return give_up_unproven(job, b, err);
    if (row->altered)
        return say_altered(job, row, err);
    if (b->is_exported && row->digest != b->digest)
        return lb_fail(err, LB_ERR_CONFLICT, "nothing was deleted: look at the table in the lakehouse",
                       "batch %s has other rows in %s than when it was noted to be there", row->batch, job->lake_label);
    b->digest = row->digest;
    b->is_exported = true;
    return 0;
}

/* What is counted, summed and read back in the lakehouse itself, against the receipts. An archive that an earlier
 * version made has no column to prove it by before something is copied there anew. */
static int verify_some(archival_job *job, const char **keys, size_t count, size_t *seen, lb_error *err)
{
    const archival_exported_args args = {job->lake.catalog,      job->lake.schema,     job->lake.name,
                                         job->source.lake_cells, job->source.lake_key, {keys, count}};
    archival_exported_row row;
    lb_rows *rows = NULL;
    int r = archival_exported(job->ctx, &args, &rows, err);
    if (r == LB_ERR_SQL && strstr(err->message, ARCHIVAL_VALUES)) {
        r = 0;
        for (; r >= 0 && count; count--, ++*seen)
            r = give_up_unproven(job, find_batch(job, keys[count - 1]), err);
        return r;
    }
    for (; r >= 0 && archival_exported_next(job->ctx, rows, &row); ++*seen)
        r = verify_one(job, &row, err);
    return r;
}

/* All that is to be deleted here, whoever copied it and however long ago that was. */
static int verify(archival_job *job, lb_error *err)
{
    const char **keys = lb_alloc(job->ctx, (job->count + 1) * sizeof *keys);
    size_t count = 0, seen = 0;
    int r = 0;
    if (!keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < job->count; i++)
        if ((job->batches[i].is_new || job->batches[i].is_exported) && !job->batches[i].is_given_up &&
            job->batches[i].rows > 0)
            keys[count++] = job->batches[i].key;
    for (size_t i = 0; r >= 0 && i < count; i += KEYS_AT_ONCE)
        r = verify_some(job, keys + i, count - i < KEYS_AT_ONCE ? count - i : KEYS_AT_ONCE, &seen, err);
    if (r >= 0 && seen != count)
        return lb_fail(err, LB_ERR_CONFLICT, "nothing was deleted: look at the table in the lakehouse",
                       "%zu of %zu batches are not in %s", count - seen, count, job->lake_label);
    return r;
}

static int note_step(const archival_job *job, const archival_batch *b, const char *state, lb_group *group,
                     lb_error *err)
{
    const archival_note_step_args args = {.batch = b->key,
                                          .state = state,
                                          .rows = b->rows,
                                          .digest = b->digest,
                                          .bytes = b->bytes,
                                          .checksum = b->checksum,
                                          .version = b->version};
    return archival_note_step(job->ctx, group, &args, err);
}

/* A batch whose rows have all gone meanwhile has nothing to prove. */
static int note_exported(archival_job *job, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    int r =
        lb_group_open(job->ctx,
                      LB_GROUP(.title = lb_printf(job->ctx, "note what of %s is in the lakehouse", job->source.label),
                               .reason = "it was counted, summed and read back there", .atomic = true),
                      &group, err);
    for (size_t i = 0; r >= 0 && i < job->count; i++) {
        archival_batch *b = &job->batches[i];
        if (!b->is_new)
            continue;
        b->is_given_up = b->is_given_up || b->rows == 0;
        job->rows_exported += b->is_given_up ? 0 : b->rows;
        r = note_step(job, b, b->is_given_up ? "given_up" : "exported", group, err);
    }
    return r < 0 ? r : lb_apply(job->ctx, group, &outcome, err);
}

static int tell_export(const archival_job *job, lb_error *err)
{
    int64_t digest = 0, rows = 0, bytes = 0, version = 0;
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        const archival_batch *b = &job->batches[i];
        if (!b->is_new || b->is_given_up)
            continue;
        digest = (int64_t)((uint64_t)digest + (uint64_t)b->digest);
        rows += b->rows;
        bytes += b->bytes;
        version = b->version > version ? b->version : version;
        count++;
    }
    if (!count)
        return 0;
    const char *sum = lb_printf(job->ctx, "%016llx", (unsigned long long)digest);
    const char *receipt =
        lb_printf(job->ctx, "{\"batches\":%zu,\"rows\":%lld,\"bytes\":%lld,\"digest\":\"%s\",\"version\":%lld}", count,
                  (long long)rows, (long long)bytes, sum ? sum : "", (long long)version);
    if (!sum || !receipt)
        return lb_out_of_memory(err);
    int r = archival_note(job, "export", "success", LB_ARGS(lb_i64("rows_exported", rows)), err);
    return r < 0 ? r
                 : archival_note(
                       job, "verify", "success",
                       LB_ARGS(lb_i64("rows_archived", rows), lb_text("checksum", sum), lb_json("receipt", receipt)),
                       err);
}

/* *ret_some: something is new in the lakehouse. */
static int copy(archival_job *job, bool *ret_some, lb_error *err)
{
    const lb_lake_column *columns = lake_columns(job);
    int r = columns ? 0 : lb_out_of_memory(err);
    *ret_some = false;
    for (size_t i = 0; r >= 0 && i < job->count; i++) {
        if (job->batches[i].is_exported)
            continue;
        if (lb_cancelled(job->ctx))
            return lb_fail(err, LB_ERR_CANCELLED, "run it again: it goes on where it stopped", "stopped at batch %zu",
                           i + 1);
        lb_progress(job->ctx, (int64_t)i, (int64_t)job->count, "batches");
        r = export_batch(job, &job->batches[i], columns, err);
        *ret_some = *ret_some || job->batches[i].is_new;
    }
    return r;
}

int archival_export(archival_job *job, lb_error *err)
{
    int64_t begun = lb_now(job->ctx);
    bool some = false;
    int r = copy(job, &some, err);
    job->copy_s = archival_since(job, begun);
    if (r < 0)
        return r;
    begun = lb_now(job->ctx);
    r = verify(job, err);
    if (r >= 0 && some)
        r = note_exported(job, err);
    job->prove_s = archival_since(job, begun);
    return r < 0 || !some ? r : tell_export(job, err);
}

/* ---- what changed since ---- */

/* *ret_rows: how many there are now. */
static int is_same(archival_job *job, const archival_batch *b, bool *ret_same, int64_t *ret_rows, lb_error *err)
{
    const archival_range range = archival_range_of(job, b);
    archival_hot_batch_row now = {0};
    const lb_sql *scope = NULL;
    lb_rows *rows = NULL;
    int r = archival_scope_of(job->ctx, &job->source, &range, &scope, err);
    const archival_hot_batch_args args = {job->source.table->r.schema, job->source.table->r.name, job->source.digest,
                                          scope};
    if (r >= 0)
        r = archival_hot_batch(job->ctx, &args, &rows, err);
    *ret_same =
        r >= 0 && archival_hot_batch_next(job->ctx, rows, &now) && now.rows == b->rows && now.digest == b->digest;
    *ret_rows = now.rows;
    return r;
}

static int look_again(archival_job *job, archival_batch *b, lb_error *err)
{
    bool same = false, abandon = job->options->abandon;
    int64_t rows_now = 0;
    int r = abandon ? 0 : is_same(job, b, &same, &rows_now, err);
    if (r < 0 || same)
        return r;
    return give_up(job, b, abandon ? lb_null("rows_now") : lb_i64("rows_now", rows_now),
                   abandon ? "abandon was asked for" : "its rows were changed, deleted or joined by others since", err);
}

static int note_given_up(archival_job *job, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    int r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = lb_printf(job->ctx, "give up %zu batches of %s", job->given_up, job->source.label),
                 .reason = "their rows stay here, and what was copied of them does not count", .atomic = true),
        &group, err);
    for (size_t i = 0; r >= 0 && i < job->count; i++)
        if (job->batches[i].is_given_up && !job->batches[i].is_new)
            r = note_step(job, &job->batches[i], "given_up", group, err);
    return r < 0 ? r : lb_apply(job->ctx, group, &outcome, err);
}

int archival_check(archival_job *job, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; job->was_open && r >= 0 && i < job->count; i++)
        if (job->batches[i].is_exported || job->options->abandon)
            r = look_again(job, &job->batches[i], err);
    return r;
}

int archival_note_given_up(archival_job *job, lb_error *err)
{
    return job->given_up ? note_given_up(job, err) : 0;
}
