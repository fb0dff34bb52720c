/* Data files: written in a folder of their own, synced, then moved to where the table keeps them. */
#include "delta_local.h"

#include <delta_local_sql.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILENAME, ROWS, BYTES, RESULT_COLUMNS = 6 }; /* of RETURN_STATS */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *position)
{
    (void)st, (void)type, (void)position; /* nftw's signature */
    return remove(path);
}

void delta_drop_data(const delta_table *table, delta_data_files *adds)
{
    for (size_t i = 0; i < adds->count; i++) {
        DELTA_AUTO_FREE char *path = delta_printf("%s/%s", table->directory, adds->items[i].path);
        (void)unlink(path); /* the vacuum takes what stays */
    }
    delta_data_files_done(adds);
}

void delta_settle_data(const delta_table *table, delta_change *change, int result)
{
    if (result < 0 && !change->stands)
        delta_drop_data(table, &change->adds);
    else
        delta_data_files_done(&change->adds);
}

/* "2026-01-31" of ".../date=2026-01-31/part-...". */
static char *partition_of(const char *path)
{
    static const char mark[] = "/" DELTA_PARTITION "=";
    const char *at = strstr(path, mark);
    return at ? delta_strndup(at + sizeof mark - 1, strcspn(at + sizeof mark - 1, "/")) : NULL;
}

/* The file under its last name. Its folder is not synced yet. */
static int settle(const delta_table *table, const char *written, delta_data_file *file, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    DELTA_AUTO_FREE char *base = delta_printf("part-%s.parquet", id);
    file->path = file->partition ? delta_printf(DELTA_PARTITION "=%s/%s", file->partition, base) : delta_strdup(base);
    DELTA_AUTO_FREE char *final = delta_printf("%s/%s", table->directory, file->path);
    DELTA_AUTO_FREE char *folder = delta_strndup(final, (size_t)(strrchr(final, '/') - final));
    int r = delta_make_dir(folder, err);
    if (r == 0)
        r = delta_sync(written, err);
    if (r == 0 && rename(written, final) != 0)
        r = delta_fail_errno(err, errno, "move", written);
    return r;
}

static int take_row(const delta_table *table, duckdb_data_chunk chunk, idx_t row, const char *partition,
                    delta_data_files *adds, lb_error *err)
{
    const uint64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, ROWS)),
                   *bytes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, BYTES));
    DELTA_AUTO_FREE char *written = delta_cell(duckdb_data_chunk_get_vector(chunk, FILENAME), row);
    DELTA_TEXT stats = {0};
    if (rows[row] == 0)
        return 0; /* the stage goes, and it with it */
    delta_stats_put(&table->def, chunk, row, (int64_t)rows[row], &stats);
    DELTA_PUSH(adds->items, adds->count, adds->capacity);
    delta_data_file *file = &adds->items[adds->count++];
    *file = (delta_data_file){.partition = partition ? delta_strdup(partition) : partition_of(written),
                              .size = (int64_t)bytes[row],
                              .rows = (int64_t)rows[row],
                              .modified_ms = delta_now() / 1000,
                              .stats = stats.data};
    stats.data = NULL;
    return settle(table, written, file, err);
}

static int take_result(const delta_table *table, duckdb_result *result, const char *partition, delta_data_files *adds,
                       lb_error *err)
{
    int r = 0;
    if (duckdb_column_count(result) != RESULT_COLUMNS)
        return lb_fail(err, LB_ERR_INTERNAL, "is this the DuckDB that scripts/setup installs?",
                       "DuckDB does not say what it has written");
    for (duckdb_data_chunk chunk; r == 0 && (chunk = duckdb_fetch_chunk(*result));) {
        idx_t rows = duckdb_data_chunk_get_size(chunk);
        for (idx_t i = 0; r == 0 && i < rows; i++)
            r = take_row(table, chunk, i, partition, adds, err);
        duckdb_destroy_data_chunk(&chunk);
    }
    return r;
}

/* The folders in which the new names stand, each once. */
static int sync_folders(const delta_table *table, const delta_data_files *adds, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < adds->count; i++) {
        const char *partition = adds->items[i].partition;
        const char *before = i ? adds->items[i - 1].partition : NULL;
        bool done = partition && before && strcmp(partition, before) == 0;
        DELTA_AUTO_FREE char *folder = partition
                                           ? delta_printf("%s/" DELTA_PARTITION "=%s", table->directory, partition)
                                           : delta_strdup(table->directory);
        r = done ? 0 : delta_sync(folder, err);
    }
    return r;
}

static int copy_into(delta_table *table, const char *stage, const char *sql, duckdb_value *values, size_t count,
                     const char *partition, int64_t deadline, delta_data_files *adds, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    duckdb_result result;
    duckdb_value all[8];
    delta_uuid(id);
    bool one_file = partition || !table->def.partition_time;
    DELTA_AUTO_FREE char *target =
        one_file ? delta_printf("%s/part-%s.parquet", stage, id) : delta_printf("%s/out", stage);
    for (size_t i = 0; i < count; i++)
        all[i] = values[i];
    all[count] = duckdb_create_varchar(target);
    delta_engine *engine = delta_get_engine(table->owner, err);
    if (!engine)
        return err->code;
    int r = delta_run(engine, sql, all, count + 1, deadline, &result, err);
    if (r < 0)
        return r;
    r = take_result(table, &result, partition, adds, err);
    duckdb_destroy_result(&result);
    return r < 0 ? r : sync_folders(table, adds, err);
}

int delta_write_data(delta_table *table, const char *sql, duckdb_value *values, size_t count, const char *partition,
                     int64_t deadline, delta_data_files *adds, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    DELTA_AUTO_FREE char *stage = delta_printf("%s/_lbops/stage-%s", table->directory, id);
    if (mkdir(stage, 0700) != 0)
        return delta_fail_errno(err, errno, "make", stage);
    int r = copy_into(table, stage, sql, values, count, partition, deadline, adds, err);
    (void)nftw(stage, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* or it is swept when the table is opened */
    if (r < 0)
        delta_drop_data(table, adds);
    return r;
}

/* ---- few rows ---- */

static char *one_target(const delta_table *table)
{
    return delta_printf("%s/_lbops/stage-one.parquet", table->directory); /* a leftover is swept as any stage is */
}

static int prepare_one(delta_table *table, delta_engine *engine, lb_error *err)
{
    DELTA_AUTO_FREE char *target = one_target(table);
    DELTA_TEXT literal = {0};
    delta_text_literal(&literal, target);
    const delta_slot slots[] = {{"target", literal.data},
                                {"columns", table->def.partition_time ? "* EXCLUDE (" DELTA_PARTITION ")" : "*"}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_local_sql_commit_one, slots, DELTA_COUNT(slots));
    if (duckdb_prepare(delta_engine_connection(engine), sql, &table->write_one) == DuckDBSuccess)
        return 0;
    int r = delta_engine_fail(err, duckdb_prepare_error(table->write_one));
    duckdb_destroy_prepare(&table->write_one);
    return r;
}

/* The file that was written, under the name that it keeps. */
static int take_one(const delta_table *table, duckdb_result *result, delta_data_files *adds, lb_error *err)
{
    const delta_scan *scan = table->owner->scan;
    char date[DELTA_DATE_TEXT];
    if (scan->has_date)
        delta_date(scan->date * DELTA_DAY, date);
    int r = take_result(table, result, scan->has_date ? date : NULL, adds, err);
    return r < 0 ? r : sync_folders(table, adds, err);
}

int delta_write_one(delta_table *table, int64_t deadline, delta_data_files *adds, lb_error *err)
{
    duckdb_result result;
    delta_engine *engine = delta_get_engine(table->owner, err);
    if (!engine)
        return err->code;
    int r = table->write_one ? 0 : prepare_one(table, engine, err);
    if (r == 0)
        r = delta_run_prepared(engine, table->write_one, deadline, &result, err);
    if (r == 0) {
        r = take_one(table, &result, adds, err);
        duckdb_destroy_result(&result);
    }
    if (r == 0 && adds->count)
        return 0;
    DELTA_AUTO_FREE char *target = one_target(table);
    (void)unlink(target); /* or it is written over */
    if (r < 0)
        delta_drop_data(table, adds);
    return r;
}
