/* Questions to the history. Each gets a DuckDB of its own, which is closed in before the question is run: what it could
 * do to it is gone with it. */
#include "delta_local.h"

#include <unistd.h>

#define CATALOG "ops_catalog.lakebase_ops"

/* ---- views ---- */

static const char *sql_type(lb_type type)
{
    switch (type) {
    case LB_I64:
        return "BIGINT";
    case LB_F64:
        return "DOUBLE";
    case LB_BOOL:
        return "BOOLEAN";
    case LB_TIME:
        return "TIMESTAMPTZ";
    default:
        return "VARCHAR";
    }
}

/* The table's columns with their types and no row: a table without files has them, and files without a column get it.
 */
static void put_empty(delta_text *sql, const delta_table_def *def)
{
    delta_text_puts(sql, "SELECT ");
    for (size_t i = 0; i < def->count; i++) {
        delta_text_printf(sql, "%sCAST(NULL AS %s) AS ", i ? ", " : "", sql_type(def->columns[i].type));
        delta_text_identifier(sql, def->columns[i].name);
    }
    if (def->partition_time)
        delta_text_puts(sql, ", CAST(NULL AS DATE) AS " DELTA_PARTITION);
    delta_text_puts(sql, " WHERE false");
}

/* The files are a variable of the connection, so that no path becomes part of a statement. */
static int set_files(delta_engine *engine, const delta_table *table, const delta_snapshot *snapshot, lb_error *err)
{
    DELTA_TEXT sql = {0};
    char **paths = delta_alloc((snapshot->files.count + 1) * sizeof *paths);
    for (size_t i = 0; i < snapshot->files.count; i++)
        paths[i] = delta_printf("%s/%s", table->directory, snapshot->files.items[i].path);
    delta_text_puts(&sql, "SET VARIABLE ");
    delta_text_identifier(&sql, table->def.name);
    delta_text_puts(&sql, " = $1");
    duckdb_value values[] = {delta_value_texts((const char *const *)paths, snapshot->files.count)};
    int r = delta_run(engine, sql.data, values, 1, 0, NULL, err);
    for (size_t i = 0; i < snapshot->files.count; i++)
        free(paths[i]);
    free(paths);
    return r;
}

/* A file in a folder that does not say its date would get none. */
static int check_layout(const delta_table *table, const delta_snapshot *snapshot, lb_error *err)
{
    for (size_t i = 0; table->def.partition_time && i < snapshot->files.count; i++) {
        const delta_data_file *file = &snapshot->files.items[i];
        DELTA_AUTO_FREE char *folder = delta_printf(DELTA_PARTITION "=%s/", file->partition ? file->partition : "");
        if (!file->partition || strncmp(file->path, folder, strlen(folder)) != 0)
            return lb_fail(err, LB_ERR_UNSUPPORTED, "rewrite it with its partition's folder in its path",
                           "%s of the history table %s lies outside the folder of its date", file->path,
                           table->def.name);
    }
    return 0;
}

static int make_view(delta_engine *engine, const delta_table *table, size_t files, lb_error *err)
{
    DELTA_TEXT sql = {0};
    delta_text_puts(&sql, "CREATE VIEW " CATALOG ".");
    delta_text_identifier(&sql, table->def.name);
    delta_text_puts(&sql, " AS ");
    put_empty(&sql, &table->def);
    if (files) {
        delta_text_puts(&sql, " UNION ALL BY NAME SELECT * FROM read_parquet(getvariable(");
        delta_text_literal(&sql, table->def.name);
        delta_text_puts(&sql, table->def.partition_time
                                  ? "), union_by_name = true, hive_partitioning = true, hive_types = {'date': DATE})"
                                  : "), union_by_name = true, hive_partitioning = false)");
    }
    return delta_run(engine, sql.data, NULL, 0, 0, NULL, err);
}

/* The reader's own look at the log: no lock, and nothing is written. */
static int add_table(delta_engine *engine, delta_table *table, bool wanted, lb_error *err)
{
    delta_snapshot snapshot = {.version = -1, .checkpoint = -1};
    const delta_log log = {.directory = table->directory, .engine = delta_get_engine, .arg = table->owner};
    int r = wanted ? delta_log_read(&log, &snapshot, err) : 0;
    if (r == 0)
        r = check_layout(table, &snapshot, err);
    if (r == 0)
        r = set_files(engine, table, &snapshot, err);
    if (r == 0)
        r = make_view(engine, table, snapshot.files.count, err);
    delta_snapshot_done(&snapshot);
    return r;
}

static bool is_named(const char *const *names, const char *table)
{
    while (*names && strcasecmp(*names, table) != 0)
        names++;
    return *names;
}

static int prepare_engine(delta_local *local, delta_engine *engine, const char *const *names, lb_error *err)
{
    static const char *const before[] = {"ATTACH ':memory:' AS ops_catalog", "CREATE SCHEMA " CATALOG};
    static const char *const after[] = {"USE " CATALOG, "SET enable_external_access = false",
                                        "SET lock_configuration = true"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(before); i++)
        r = delta_run(engine, before[i], NULL, 0, 0, NULL, err);
    for (size_t i = 0; r == 0 && i < local->table_count; i++)
        r = add_table(engine, &local->tables[i], is_named(names, local->tables[i].def.name), err);
    if (r == 0) {
        DELTA_TEXT sql = {0};
        delta_text_puts(&sql, "SET allowed_directories = [");
        delta_text_literal(&sql, local->root);
        delta_text_puts(&sql, "]");
        r = delta_run(engine, sql.data, NULL, 0, 0, NULL, err);
    }
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(after); i++)
        r = delta_run(engine, after[i], NULL, 0, 0, NULL, err);
    return r;
}

/* ---- answers ---- */

typedef struct answer {
    const lb_delta_question *question;
    const lb_delta_sink *sink;
    lb_type *types;
    char **names;
    uint32_t count;
    int64_t rows, bytes;
    bool cut;
    delta_text *times; /* one for each column */
} answer;

static lb_type type_of(duckdb_type type)
{
    switch (type) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
        return LB_I64;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_DECIMAL:
        return LB_NUMERIC;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return LB_F64;
    case DUCKDB_TYPE_BOOLEAN:
        return LB_BOOL;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return LB_TIME;
    default:
        return LB_TEXT;
    }
}

/* Names and types as the question itself gives them. */
static int describe_answer(delta_engine *engine, answer *a, lb_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int r = 0;
    if (duckdb_prepare(delta_engine_connection(engine), a->question->text, &statement) != DuckDBSuccess)
        r = delta_engine_fail(err, duckdb_prepare_error(statement));
    else if (duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT)
        r = lb_fail(err, LB_ERR_DENIED, "ask with one SELECT over the history tables",
                    "the history can be asked and not changed");
    else if (duckdb_nparams(statement))
        r = lb_fail(err, LB_ERR_INVALID, "write the values into the question", "the question has parameters");
    if (r == 0) {
        a->count = (uint32_t)duckdb_prepared_statement_column_count(statement);
        a->types = delta_alloc((a->count + 1) * sizeof *a->types);
        a->names = delta_alloc((a->count + 1) * sizeof *a->names);
        a->times = delta_alloc((a->count + 1) * sizeof *a->times);
        for (uint32_t i = 0; i < a->count; i++) {
            const char *name = duckdb_prepared_statement_column_name(statement, i);
            a->types[i] = type_of(duckdb_prepared_statement_column_type(statement, i));
            a->names[i] = delta_strdup(name ? name : "");
            duckdb_free((void *)(uintptr_t)name); /* ours by contract */
        }
    }
    duckdb_destroy_prepare(&statement);
    return r;
}

static int hand_row(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    answer *a = arg;
    const lb_delta_question *q = a->question;
    const char *out[2048];
    if (count > DELTA_COUNT(out))
        return lb_fail(err, LB_ERR_LIMIT, "ask for fewer columns", "the answer has %u columns", count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t t;
        out[i] = cells[i];
        a->bytes += cells[i] ? (int64_t)strlen(cells[i]) : 0;
        if (!cells[i] || a->types[i] != LB_TIME || !delta_parse_time(cells[i], strlen(cells[i]), &t))
            continue;
        a->times[i].length = 0;
        delta_text_time(&a->times[i], t);
        out[i] = a->times[i].data;
    }
    if ((q->max_rows && a->rows >= q->max_rows) || (q->max_bytes && a->bytes > q->max_bytes)) {
        a->cut = true;
        return 0;
    }
    a->rows++;
    return a->cut ? 0 : a->sink->row(a->sink->state, count, out, err);
}

static int run_question(delta_engine *engine, answer *a, lb_error *err)
{
    static const char sql[] = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM query($1) LIMIT $2";
    duckdb_result result;
    int64_t limit = a->question->max_rows ? a->question->max_rows + 1 : INT64_MAX;
    duckdb_value values[] = {duckdb_create_varchar(a->question->text), duckdb_create_int64(limit)};
    int r = delta_run(engine, sql, values, DELTA_COUNT(values), a->question->deadline, &result, err);
    if (r < 0)
        return r;
    r = a->sink->columns(a->sink->state, a->count, (const char *const *)a->names, a->types, err);
    if (r == 0)
        r = delta_each_row(&result, hand_row, a, err);
    duckdb_destroy_result(&result);
    return r;
}

static void answer_done(answer *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        free(a->names[i]);
        delta_text_done(&a->times[i]);
    }
    free(a->names);
    free(a->types);
    free(a->times);
}

int delta_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err)
{
    delta_local *local = state;
    delta_engine *engine = NULL;
    char **names = NULL;
    answer a = {.question = question, .sink = sink};
    const delta_engine_options options = {
        .memory_mb = local->settings.memory_mb, .threads = local->settings.threads, .temp_dir = local->temp_dir};
    int r = delta_engine_open(local->host, &options, &engine, err);
    if (r == 0)
        r = delta_question_check(engine, question->text, &names, err);
    if (r == 0)
        r = prepare_engine(local, engine, (const char *const *)names, err);
    if (r == 0)
        r = describe_answer(engine, &a, err);
    if (r == 0)
        r = run_question(engine, &a, err);
    if (r == 0)
        *ret_cut = a.cut;
    answer_done(&a);
    (void)delta_names_free(names); /* gives NULL */
    (void)delta_engine_free(engine);
    return r;
}
