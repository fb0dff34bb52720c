/* Checkpoints: a snapshot as one Parquet file, so that a reader need not go through all commits. */
#include "delta_local.h"

#include <delta_local_sql.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_partition(delta_text *text, const char *date)
{
    delta_text_puts(text, "\"partitionValues\":{");
    if (date) {
        delta_text_puts(text, "\"" DELTA_PARTITION "\":");
        delta_text_json(text, date);
    }
    delta_text_puts(text, "}");
}

static void put_header(delta_text *text, const delta_snapshot *s)
{
    delta_text_printf(text, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n", s->reader, s->writer);
    delta_text_puts(text, "{\"metaData\":{\"id\":");
    delta_text_json(text, s->id);
    delta_text_puts(text, ",\"name\":");
    delta_text_json(text, s->name);
    delta_text_puts(text, ",\"description\":");
    delta_text_json(text, s->description);
    delta_text_puts(text, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":");
    delta_text_json(text, s->schema);
    delta_text_printf(text, ",\"partitionColumns\":%s,\"configuration\":%s,\"createdTime\":%lld}}\n",
                      s->partition_columns, s->configuration, (long long)s->created_ms);
    for (size_t i = 0; i < s->application_count; i++) {
        delta_text_puts(text, "{\"txn\":{\"appId\":");
        delta_text_json(text, s->applications[i].id);
        delta_text_printf(text, ",\"version\":%lld,\"lastUpdated\":%lld}}\n", (long long)s->applications[i].version,
                          (long long)s->applications[i].updated_ms);
    }
}

static void put_files(delta_text *text, const delta_snapshot *s)
{
    for (size_t i = 0; i < s->files.count; i++) {
        const delta_data_file *file = &s->files.items[i];
        delta_text_puts(text, "{\"add\":{\"path\":");
        delta_text_json(text, file->path);
        delta_text_puts(text, ",");
        put_partition(text, file->partition);
        delta_text_printf(text, ",\"size\":%lld,\"modificationTime\":%lld,\"dataChange\":false,\"stats\":",
                          (long long)file->size, (long long)file->modified_ms);
        delta_text_json(text, file->stats);
        delta_text_puts(text, "}}\n");
    }
}

/* Removes stay in checkpoints until the vacuum's grace is over. */
static size_t put_tombstones(delta_text *text, const delta_snapshot *s, int64_t since_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < s->tombstone_count; i++) {
        const delta_tombstone *t = &s->tombstones[i];
        if (t->deleted_ms < since_ms)
            continue;
        count++;
        delta_text_puts(text, "{\"remove\":{\"path\":");
        delta_text_json(text, t->path);
        delta_text_printf(text, ",\"deletionTimestamp\":%lld,\"dataChange\":false,\"extendedFileMetadata\":true,",
                          (long long)t->deleted_ms);
        put_partition(text, t->partition);
        delta_text_printf(text, ",\"size\":%lld}}\n", (long long)t->size);
    }
    return count;
}

static int copy_checkpoint(delta_table *table, const char *source, const char *target, lb_error *err)
{
    delta_engine *engine = delta_get_engine(table->owner, err);
    if (!engine)
        return err->code;
    duckdb_value values[] = {duckdb_create_varchar(source), duckdb_create_varchar(target)};
    int r = delta_run(engine, delta_local_sql_checkpoint, values, DELTA_COUNT(values), 0, NULL, err);
    return r < 0 ? r : delta_sync(target, err);
}

/* Its actions, into a file of its own and then under the checkpoint's name. */
static int write_checkpoint(delta_table *table, const delta_text *actions, const char *final, int64_t *ret_size,
                            lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    struct stat st;
    delta_uuid(id);
    DELTA_AUTO_FREE char *source = delta_printf("%s/_lbops/stage-%s.json", table->directory, id);
    DELTA_AUTO_FREE char *target = delta_printf("%s/_lbops/stage-%s.parquet", table->directory, id);
    int r = delta_write(source, actions->data, actions->length, err);
    if (r == 0)
        r = copy_checkpoint(table, source, target, err);
    if (r == 0 && (stat(target, &st) != 0 || rename(target, final) != 0))
        r = delta_fail_errno(err, errno, "move", target);
    if (r == 0)
        *ret_size = st.st_size;
    else
        (void)unlink(target); /* swept when the table is opened, if it stays */
    (void)unlink(source);     /* the same */
    return r;
}

int delta_checkpoint(delta_table *table, int64_t commits, int64_t *ret_written, lb_error *err)
{
    delta_snapshot *s = &table->snapshot;
    DELTA_TEXT actions = {0};
    int64_t size = 0;
    if (s->version < 0 || s->version - s->checkpoint < commits)
        return 0;
    put_header(&actions, s);
    put_files(&actions, s);
    size_t removes =
        put_tombstones(&actions, s, delta_now() / 1000 - table->owner->settings.vacuum_grace_hours * 3600000);
    DELTA_AUTO_FREE char *final = delta_log_path(table->directory, s->version, ".checkpoint.parquet");
    DELTA_AUTO_FREE char *log = delta_printf("%s/_delta_log", table->directory);
    int r = write_checkpoint(table, &actions, final, &size, err);
    if (r == 0)
        r = delta_sync(log, err);
    if (r == 0)
        r = delta_log_point(table->directory, s->version,
                            (int64_t)(2 + s->application_count + s->files.count + removes), size, err);
    if (r < 0)
        return r;
    s->checkpoint = s->version;
    (*ret_written)++;
    return 0;
}
