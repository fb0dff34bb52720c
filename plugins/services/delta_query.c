/* Questions to the history. Each of a person's gets a DuckDB of its own, which is closed in before the question is run:
 * what it could do to it is gone with it. Those of tools are asked again and again, with fixed texts: they share one,
 * which goes with the first failure. */
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

static int make_view(delta_engine *engine, const delta_table *table, bool has_files, lb_error *err)
{
    DELTA_TEXT sql = {0};
    delta_text_puts(&sql, "CREATE OR REPLACE VIEW " CATALOG ".");
    delta_text_identifier(&sql, table->def.name);
    delta_text_puts(&sql, " AS ");
    put_empty(&sql, &table->def);
    if (has_files) {
        delta_text_puts(&sql, " UNION ALL BY NAME SELECT * FROM read_parquet(getvariable(");
        delta_text_literal(&sql, table->def.name);
        delta_text_puts(&sql, table->def.partition_time
                                  ? "), union_by_name = true, hive_partitioning = true, hive_types = {'date': DATE})"
                                  : "), union_by_name = true, hive_partitioning = false)");
    }
    return delta_run(engine, sql.data, NULL, 0, 0, NULL, err);
}

/* ---- the asker ---- */

typedef struct shown_table {
    delta_snapshot snapshot;
    int64_t version; /* that its view shows; -1: none */
    bool has_files;
} shown_table;

/* A DuckDB that is closed in, with a view of each table. */
struct delta_asker {
    delta_engine *engine;
    shown_table *tables;
    size_t count;
};

delta_asker *delta_asker_free(delta_asker *asker)
{
    if (!asker)
        return NULL;
    for (size_t i = 0; i < asker->count; i++)
        delta_snapshot_done(&asker->tables[i].snapshot);
    (void)delta_engine_free(asker->engine); /* gives NULL */
    free(asker->tables);
    free(asker);
    return NULL;
}

static int run_all(delta_engine *engine, const char *const *statements, size_t count, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = delta_run(engine, statements[i], NULL, 0, 0, NULL, err);
    return r;
}

static int close_in(delta_local *local, delta_engine *engine, lb_error *err)
{
    static const char *const before[] = {"ATTACH ':memory:' AS ops_catalog", "CREATE SCHEMA " CATALOG};
    static const char *const after[] = {"USE " CATALOG, "SET enable_external_access = false",
                                        "SET lock_configuration = true"};
    DELTA_TEXT sql = {0};
    int r = run_all(engine, before, DELTA_COUNT(before), err);
    for (size_t i = 0; r == 0 && i < local->table_count; i++)
        r = make_view(engine, &local->tables[i], false, err);
    delta_text_puts(&sql, "SET allowed_directories = [");
    delta_text_literal(&sql, local->root);
    delta_text_puts(&sql, "]");
    if (r == 0)
        r = delta_run(engine, sql.data, NULL, 0, 0, NULL, err);
    return r == 0 ? run_all(engine, after, DELTA_COUNT(after), err) : r;
}

static int open_asker(delta_local *local, delta_asker **ret_asker, lb_error *err)
{
    const delta_engine_options options = {
        .memory_mb = local->settings.memory_mb, .threads = local->settings.threads, .temp_dir = local->temp_dir};
    delta_asker *asker = delta_alloc(sizeof *asker);
    asker->count = local->table_count;
    asker->tables = delta_alloc((asker->count + 1) * sizeof *asker->tables);
    for (size_t i = 0; i < asker->count; i++)
        asker->tables[i] = (shown_table){.snapshot = {.version = -1, .checkpoint = -1}, .version = -1};
    int r = delta_engine_open(local->host, &options, &asker->engine, err);
    if (r == 0)
        r = close_in(local, asker->engine, err);
    if (r < 0) {
        (void)delta_asker_free(asker); /* gives NULL */
        return r;
    }
    *ret_asker = asker;
    return 0;
}

/* The reader's own look at the log: no lock, and nothing is written. What was read before is only added to. */
static int show_table(delta_asker *asker, size_t index, delta_table *table, lb_error *err)
{
    shown_table *shown = &asker->tables[index];
    const delta_log log = {.directory = table->directory, .engine = delta_get_engine, .arg = table->owner};
    int r = delta_log_read(&log, &shown->snapshot, err);
    if (r < 0 || shown->snapshot.version == shown->version)
        return r;
    bool has_files = shown->snapshot.files.count > 0;
    r = check_layout(table, &shown->snapshot, err);
    if (r == 0)
        r = set_files(asker->engine, table, &shown->snapshot, err);
    if (r == 0 && has_files != shown->has_files)
        r = make_view(asker->engine, table, has_files, err);
    shown->has_files = has_files;
    shown->version = r == 0 ? shown->snapshot.version : -1;
    return r;
}

static bool is_named(const char *const *names, const char *table)
{
    while (*names && strcasecmp(*names, table) != 0)
        names++;
    return *names;
}

static int show_named(delta_local *local, delta_asker *asker, const char *const *names, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < local->table_count; i++)
        if (is_named(names, local->tables[i].def.name))
            r = show_table(asker, i, &local->tables[i], err);
    return r;
}

/* ---- answers ---- */

/* An older host gives none. */
static uint32_t question_args(const lb_delta_question *q)
{
    return LB_HAS(q, lb_delta_question, arg_count) ? q->arg_count : 0;
}

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

static void make_columns(answer *a, idx_t count)
{
    a->count = (uint32_t)count;
    a->types = delta_alloc((a->count + 1) * sizeof *a->types);
    a->names = delta_alloc((a->count + 1) * sizeof *a->names);
    a->times = delta_alloc((a->count + 1) * sizeof *a->times);
}

static duckdb_value value_of(const lb_value *arg)
{
    switch (arg->type) {
    case LB_TEXT:
        return duckdb_create_varchar(arg->v.text);
    case LB_I64:
        return duckdb_create_int64(arg->v.i64);
    case LB_F64:
        return duckdb_create_double(arg->v.f64);
    case LB_BOOL:
        return duckdb_create_bool(arg->v.flag);
    case LB_TIME:
        return duckdb_create_timestamp_tz((duckdb_timestamp){.micros = arg->v.i64});
    default:
        return duckdb_create_null_value();
    }
}

/* `sql` with the question's text in its middle, which has been parsed as one SELECT, so that parentheses around it
 * hold; its values are bound beside it, and behind them `limit`. */
static int run_around(delta_engine *engine, const lb_delta_question *q, const char *select, int64_t limit,
                      duckdb_result *ret_result, lb_error *err)
{
    uint32_t count = question_args(q);
    DELTA_TEXT sql = {0};
    DELTA_AUTO_FREE duckdb_value *values = delta_alloc((count + 1) * sizeof(duckdb_value));
    delta_text_printf(&sql, "SELECT %s FROM (%s\n) LIMIT $%u", select, q->text, count + 1);
    for (uint32_t i = 0; i < count; i++)
        values[i] = value_of(&q->args[i]);
    values[count] = duckdb_create_int64(limit);
    return delta_run(engine, sql.data, values, count + 1, q->deadline, ret_result, err);
}

/* What has parameters tells its types with their values alone. */
static int describe_with_values(delta_engine *engine, answer *a, lb_error *err)
{
    duckdb_result result;
    int r = run_around(engine, a->question, "*", 0, &result, err);
    if (r < 0)
        return r;
    make_columns(a, duckdb_column_count(&result));
    for (uint32_t i = 0; i < a->count; i++) {
        a->types[i] = type_of(duckdb_column_type(&result, i));
        a->names[i] = delta_strdup(duckdb_column_name(&result, i));
    }
    duckdb_destroy_result(&result);
    return 0;
}

/* Names and types as the question itself gives them. */
static int describe_answer(delta_engine *engine, answer *a, lb_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int r = 0;
    uint32_t args = question_args(a->question);
    if (duckdb_prepare(delta_engine_connection(engine), a->question->text, &statement) != DuckDBSuccess)
        r = delta_engine_fail(err, duckdb_prepare_error(statement));
    else if (duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT)
        r = lb_fail(err, LB_ERR_DENIED, "ask with one SELECT over the history tables",
                    "the history can be asked and not changed");
    else if (duckdb_nparams(statement) != args)
        r = lb_fail(err, LB_ERR_INVALID, "write the values into the question",
                    "the question has %llu parameters, and %u values were given",
                    (unsigned long long)duckdb_nparams(statement), args);
    if (r == 0 && !args) {
        make_columns(a, duckdb_prepared_statement_column_count(statement));
        for (uint32_t i = 0; i < a->count; i++) {
            const char *name = duckdb_prepared_statement_column_name(statement, i);
            a->types[i] = type_of(duckdb_prepared_statement_column_type(statement, i));
            a->names[i] = delta_strdup(name ? name : "");
            duckdb_free((void *)(uintptr_t)name); /* ours by contract */
        }
    }
    duckdb_destroy_prepare(&statement);
    return r == 0 && args ? describe_with_values(engine, a, err) : r;
}

/* What is no number is written as everywhere else here. */
static const char *plain_number(const char *cell)
{
    static const char *const words[][2] = {{"inf", "Infinity"}, {"-inf", "-Infinity"}, {"nan", "NaN"}};
    for (size_t i = 0; cell && i < DELTA_COUNT(words); i++)
        if (strcmp(words[i][0], cell) == 0)
            return words[i][1];
    return cell;
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
        out[i] = a->types[i] == LB_F64 ? plain_number(cells[i]) : cells[i];
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

/* A question without values goes in as one itself: it is a person's, who may have ended it with a semicolon. */
static int run_question(delta_engine *engine, answer *a, lb_error *err)
{
    static const char cast[] = "CAST(COLUMNS(*) AS VARCHAR)",
                      alone[] = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM query($1) LIMIT $2";
    const lb_delta_question *q = a->question;
    duckdb_result result;
    int64_t limit = q->max_rows ? q->max_rows + 1 : INT64_MAX;
    int r;
    if (question_args(q)) {
        r = run_around(engine, q, cast, limit, &result, err);
    } else {
        duckdb_value values[] = {duckdb_create_varchar(q->text), duckdb_create_int64(limit)};
        r = delta_run(engine, alone, values, DELTA_COUNT(values), q->deadline, &result, err);
    }
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

static int ask(delta_local *local, delta_asker *asker, answer *a, lb_error *err)
{
    char **names = NULL;
    int r = delta_question_check(asker->engine, a->question->text, &names, err);
    if (r == 0)
        r = show_named(local, asker, (const char *const *)names, err);
    if (r == 0)
        r = describe_answer(asker->engine, a, err);
    if (r == 0)
        r = run_question(asker->engine, a, err);
    (void)delta_names_free(names); /* gives NULL */
    return r;
}

int delta_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err)
{
    delta_local *local = state;
    bool frequent = LB_HAS(question, lb_delta_question, frequent) && question->frequent;
    delta_asker *asker = frequent ? local->asker : NULL;
    answer a = {.question = question, .sink = sink};
    int r = asker ? 0 : open_asker(local, &asker, err);
    if (r == 0)
        r = ask(local, asker, &a, err);
    if (r == 0)
        *ret_cut = a.cut;
    answer_done(&a);
    if (r < 0 || !frequent)
        asker = delta_asker_free(asker);
    if (frequent)
        local->asker = asker;
    return r;
}
