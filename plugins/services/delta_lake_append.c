/* Batches of rows into tables of the lakehouse. Data files are written and synced first; the commit names them and the
 * batch's key together, so that a key that the log knows is in the table whole, and one that it does not know is not
 * there at all. */
#include "delta_lake.h"

#include <errno.h>
#include <json-c/json.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES      50 /* each after a foreign commit that was faster */
#define LINE_LEAST INT64_C(1048576)
#define PREFIX     "lbops:"

enum { FILENAME, ROWS, BYTES }; /* of RETURN_STATS */

typedef struct batch {
    delta_local *local;
    const lb_delta_append *append;
    lake_table table;
    char *file; /* of its rows, in the table's folder; NULL: it has none */
    int64_t bytes;
    char *schema;   /* with the columns that the table lacks; NULL: it lacks none */
    bool is_folder; /* its folders are there */
} batch;

/* ---- has it been? ---- */

bool lake_key_is_sound(const char *key)
{
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return length > 0 && length <= 64 && !key[length];
}

static bool was_committed(const batch *b, lake_receipt *ret)
{
    const delta_snapshot *s = &b->table.snapshot;
    size_t length = strlen(b->append->key);
    for (size_t i = 0; i < s->application_count; i++) {
        const char *id = s->applications[i].id;
        if (strncmp(id, PREFIX, sizeof PREFIX - 1) != 0 ||
            strncmp(id + sizeof PREFIX - 1, b->append->key, length) != 0 || id[sizeof PREFIX - 1 + length] != ':')
            continue;
        const char *checksum = id + sizeof PREFIX + length, *end = strchr(checksum, ':');
        *ret = (lake_receipt){.rows = s->applications[i].version,
                              .bytes = end ? strtoll(end + 1, NULL, 10) : 0,
                              .version = s->version,
                              .repeated = true};
        (void)snprintf(ret->checksum, sizeof ret->checksum, "%.*s", end ? (int)(end - checksum) : 0,
                       checksum); /* as we wrote it */
        return true;
    }
    return false;
}

/* ---- the schema ---- */

static const lake_field *find_field(const lake_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->items[i].name, name) == 0)
            return &fields->items[i];
    return NULL;
}

static void add_field(struct json_object *list, const char *name, const char *delta)
{
    struct json_object *field = json_object_new_object();
    json_object_object_add(field, "name", json_object_new_string(name));
    json_object_object_add(field, "type", json_object_new_string(delta));
    json_object_object_add(field, "nullable", json_object_new_boolean(true));
    json_object_object_add(field, "metadata", json_object_new_object());
    json_object_array_add(list, field);
}

int lake_check_column(const char *name, const char *spark, lb_error *err)
{
    DELTA_AUTO_FREE char *delta = lake_delta_type(spark);
    if (!delta)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "write it as text", "the column %s cannot be of type %.60s", name,
                       spark);
    if (strpbrk(name, " ,;{}()\n\t="))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "give it another name in the question",
                       "Delta takes no column of the name '%.100s'", name);
    return 0;
}

static int need_column(const batch *b, struct json_object *list, const char *name, const char *spark, bool *changed,
                       lb_error *err)
{
    const lake_field *field = find_field(&b->table.fields, name);
    DELTA_AUTO_FREE char *delta = lake_delta_type(spark);
    int r = lake_check_column(name, spark, err);
    if (r < 0)
        return r;
    if (field && strcmp(field->spark, spark) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "append to a table of another name, or cast the column in the question",
                       "the column %s of %s is %.60s in the lakehouse, and the rows have %.60s", name,
                       b->append->table.name, field->spark, spark);
    if (!field) {
        add_field(list, name, delta);
        *changed = true;
    }
    return 0;
}

static int make_schema(batch *b, lb_error *err)
{
    const lb_delta_append *a = b->append;
    bool changed = false;
    struct json_object *root = b->table.snapshot.schema ? json_tokener_parse(b->table.snapshot.schema) : NULL, *list;
    if (!root) {
        root = json_object_new_object();
        json_object_object_add(root, "type", json_object_new_string("struct"));
        json_object_object_add(root, "fields", json_object_new_array());
    }
    (void)json_object_object_get_ex(root, "fields", &list); /* it was read before */
    int r = need_column(b, list, LB_LAKE_BATCH, "string", &changed, err);
    for (uint32_t i = 0; r == 0 && i < a->column_count; i++)
        r = need_column(b, list, a->columns[i].name, a->columns[i].type, &changed, err);
    if (r == 0 && changed)
        b->schema =
            delta_strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    (void)json_object_put(root); /* says whether it was the last */
    return r;
}

static int check_table(const batch *b, lb_error *err)
{
    const delta_snapshot *s = &b->table.snapshot;
    if (s->partition_columns && strcmp(s->partition_columns, "[]") != 0)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "append to a table of another name",
                       "the table %s is partitioned, which appended rows cannot be", b->append->table.name);
    return delta_check_protocol(s, b->append->table.name, err);
}

/* ---- data ---- */

void lake_put_cell(delta_text *sql, uint32_t index, const char *spark, const char *name)
{
    DELTA_AUTO_FREE char *type = lake_duckdb_type(spark);
    if (strcmp(spark, "binary") == 0)
        delta_text_printf(sql, "unhex(substr(c%u, 3)) AS ", index);
    else if (strcmp(spark, "string") == 0)
        delta_text_printf(sql, "c%u AS ", index);
    else
        delta_text_printf(sql, "CAST(c%u AS %s) AS ", index, type);
    delta_text_identifier(sql, name);
}

/* Cells are text as Postgres prints them. The first one of each row is the mark that there is a row. */
static void put_copy(delta_text *sql, const lb_delta_append *a, const char *target)
{
    delta_text_puts(sql, "COPY (SELECT ");
    delta_text_literal(sql, a->key);
    delta_text_puts(sql, " AS " LB_LAKE_BATCH);
    for (uint32_t i = 0; i < a->column_count; i++) {
        delta_text_puts(sql, ", ");
        lake_put_cell(sql, i, a->columns[i].type, a->columns[i].name);
    }
    delta_text_puts(sql, " FROM read_csv(");
    delta_text_literal(sql, a->path);
    delta_text_puts(sql,
                    ", auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                    "allow_quoted_nulls = false, new_line = '\\n', parallel = false, columns = {'mark': 'VARCHAR'");
    for (uint32_t i = 0; i < a->column_count; i++)
        delta_text_printf(sql, ", 'c%u': 'VARCHAR'", i);
    int64_t line = a->longest < LINE_LEAST ? LINE_LEAST : a->longest + 1; /* DuckDB would make room for 16 of them */
    delta_text_printf(sql, "}, max_line_size = %lld, buffer_size = %lld)) TO ", (long long)line, 2 * (long long)line);
    delta_text_literal(sql, target);
    delta_text_puts(sql, " (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)");
}

/* What COPY says that it wrote. */
static int take_stats(const lb_delta_append *a, duckdb_result *result, int64_t *ret_bytes, lb_error *err)
{
    int64_t rows = 0;
    *ret_bytes = 0;
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(*result));) {
        const uint64_t *counts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, ROWS)),
                       *bytes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, BYTES));
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
            rows += (int64_t)counts[i];
            *ret_bytes += (int64_t)bytes[i];
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    if (rows != a->rows)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a batch of %lld rows was read as %lld", (long long)a->rows,
                       (long long)rows);
    return 0;
}

int lake_write_parquet(delta_engine *engine, const lb_delta_append *append, const char *path, int64_t *ret_bytes,
                       lb_error *err)
{
    duckdb_result result;
    DELTA_TEXT sql = {0};
    put_copy(&sql, append, path);
    int r = delta_run(engine, sql.data, NULL, 0, append->deadline, &result, err);
    if (r < 0)
        return r;
    r = take_stats(append, &result, ret_bytes, err);
    duckdb_destroy_result(&result);
    return r;
}

static int write_rows(batch *b, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    if (b->append->rows == 0)
        return 0;
    delta_engine *engine = delta_get_engine(b->table.local, err);
    if (!engine || delta_engine_threads(engine, 1, err) < 0) /* one reads the file; the others would only spin */
        return err->code;
    delta_uuid(id);
    b->file = delta_printf("part-%s.parquet", id);
    DELTA_AUTO_FREE char *path = delta_printf("%s/%s", b->table.directory, b->file);
    int r = lake_write_parquet(engine, b->append, path, &b->bytes, err);
    lb_error of_threads;
    int again = delta_engine_threads(engine, b->local->settings.threads, r < 0 ? &of_threads : err);
    r = r < 0 ? r : again; /* whoever asks next is to have them all */
    if (r == 0)
        r = delta_sync(path, err);
    return r == 0 ? delta_sync(b->table.directory, err) : r;
}

static void drop_rows(const batch *b)
{
    if (!b->file)
        return;
    DELTA_AUTO_FREE char *path = delta_printf("%s/%s", b->table.directory, b->file);
    (void)unlink(path); /* no log names it */
}

/* ---- the commit ---- */

static void put_metadata(delta_text *text, const batch *b, int64_t now_ms)
{
    const delta_snapshot *s = &b->table.snapshot;
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    delta_text_puts(text, "{\"metaData\":{\"id\":");
    delta_text_json(text, s->id ? s->id : id);
    delta_text_puts(text, ",\"name\":");
    delta_text_json(text, s->id ? s->name : b->append->table.name);
    delta_text_puts(text, ",\"description\":");
    delta_text_json(text, s->id ? s->description : NULL);
    delta_text_puts(text, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":");
    delta_text_json(text, b->schema);
    delta_text_printf(text, ",\"partitionColumns\":[],\"configuration\":%s,\"createdTime\":%lld}}\n",
                      s->configuration ? s->configuration : "{}", (long long)(s->id ? s->created_ms : now_ms));
}

static void put_actions(delta_text *text, const batch *b)
{
    const delta_snapshot *s = &b->table.snapshot;
    int64_t now_ms = delta_now() / 1000;
    now_ms = now_ms > s->timestamp_ms ? now_ms : s->timestamp_ms + 1; /* whatever the clock does */
    delta_text_printf(text,
                      "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":\"WRITE\",\"operationParameters\":{\"mode\":"
                      "\"Append\",\"partitionBy\":\"[]\"},\"isBlindAppend\":true,\"operationMetrics\":{"
                      "\"numOutputRows\":\"%lld\"},\"engineInfo\":\"lbops/" LB_PLUGIN_VERSION "\"}}\n",
                      (long long)now_ms, (long long)b->append->rows);
    if (s->version < 0)
        delta_text_printf(text, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n",
                          DELTA_READER_VERSION, DELTA_WRITER_VERSION);
    if (b->schema)
        put_metadata(text, b, now_ms);
    delta_text_printf(text, "{\"txn\":{\"appId\":\"" PREFIX "%s:%s:%lld\",\"version\":%lld,\"lastUpdated\":%lld}}\n",
                      b->append->key, b->append->checksum, (long long)b->bytes, (long long)b->append->rows,
                      (long long)now_ms);
    if (b->file)
        delta_text_printf(text,
                          "{\"add\":{\"path\":\"%s\",\"partitionValues\":{},\"size\":%lld,\"modificationTime\":%lld,"
                          "\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":%lld}\"}}\n",
                          b->file, (long long)b->bytes, (long long)now_ms, (long long)b->append->rows);
}

static int make_folders(batch *b, lb_error *err)
{
    DELTA_AUTO_FREE char *log = delta_printf("%s/_delta_log", b->table.directory);
    int r = b->is_folder ? 0 : delta_make_dir(log, err);
    b->is_folder = r == 0;
    return r;
}

/* A view of the name that was made while rows were written: they are of no table then. */
static int put_unless_view(const batch *b, const delta_text *actions, bool *stands, lb_error *err)
{
    int held = -1;
    int r = lake_hold(b->local, &b->append->table, LOCK_SH, &held, err);
    if (r == 0)
        r = lake_check_appendable(b->local, &b->append->table, err);
    if (r == 0)
        r = delta_log_put(b->table.directory, b->table.snapshot.version + 1, actions, stands, err);
    if (held >= 0)
        (void)close(held); /* lets go */
    return r;
}

/* One try on top of what the log says now. *ret_beaten: somebody else was faster. */
static int try_commit(batch *b, bool *stands, bool *ret_beaten, lake_receipt *ret, lb_error *err)
{
    DELTA_TEXT actions = {0};
    free(b->schema);
    b->schema = NULL;
    int r = check_table(b, err);
    if (r == 0)
        r = make_schema(b, err);
    if (r == 0)
        r = make_folders(b, err);
    if (r == 0 && !b->file)
        r = write_rows(b, err);
    if (r < 0)
        return r;
    put_actions(&actions, b);
    r = put_unless_view(b, &actions, stands, err);
    *ret_beaten = r == LB_ERR_CONFLICT && !*stands && !lake_is_view(b->local, &b->append->table);
    if (r == 0) {
        *ret = (lake_receipt){
            .rows = b->append->rows, .bytes = b->bytes, .version = b->table.snapshot.version + 1, .repeated = false};
        (void)snprintf(ret->checksum, sizeof ret->checksum, "%s", b->append->checksum); /* 64 signs */
    }
    return r;
}

static int append_batch(batch *b, lake_receipt *ret, lb_error *err)
{
    bool stands = false, beaten = true;
    int r = 0;
    for (int try = 0; beaten && try < TRIES; try++) {
        lake_table_done(&b->table);
        r = lake_table_open(b->local, &b->append->table, &b->table, err);
        if (r < 0)
            return r;
        if (was_committed(b, ret)) {
            drop_rows(b);
            return 0;
        }
        beaten = false;
        r = try_commit(b, &stands, &beaten, ret, err);
    }
    if (r < 0 && !stands)
        drop_rows(b);
    return r;
}

int lake_give_receipt(const lake_receipt *receipt, const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"rows", "bytes", "checksum", "version", "repeated"};
    static const lb_type column_types[] = {LB_I64, LB_I64, LB_TEXT, LB_I64, LB_BOOL};
    DELTA_AUTO_FREE char *rows = delta_printf("%lld", (long long)receipt->rows),
                         *bytes = delta_printf("%lld", (long long)receipt->bytes),
                         *version = delta_printf("%lld", (long long)receipt->version);
    const char *const cells[] = {rows, bytes, receipt->checksum, version, receipt->repeated ? "true" : "false"};
    int r = sink->columns(sink->state, DELTA_COUNT(names), names, column_types, err);
    return r < 0 ? r : sink->row(sink->state, DELTA_COUNT(cells), cells, err);
}

int lake_local_append(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err)
{
    batch b = {.local = state, .append = append};
    lake_receipt done = {.rows = 0};
    int r = lake_key_is_sound(append->key) ? lake_check_appendable(state, &append->table, err)
                                           : lb_fail(err, LB_ERR_INVALID, "up to 64 letters, digits and . _ -",
                                                     "'%.80s' is no key of a batch", append->key);
    if (r == 0)
        r = append_batch(&b, &done, err);
    lake_table_done(&b.table);
    free(b.file);
    free(b.schema);
    return r < 0 ? r : lake_give_receipt(&done, sink, err);
}
