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

void delta_put_empty(delta_text *sql, const delta_table_def *def, bool has_date)
{
    delta_text_puts(sql, "SELECT ");
    for (size_t i = 0; i < def->count; i++) {
        delta_text_printf(sql, "%sCAST(NULL AS %s) AS ", i ? ", " : "", sql_type(def->columns[i].type));
        delta_text_identifier(sql, def->columns[i].name);
    }
    if (has_date)
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
    delta_put_empty(&sql, &table->def, table->def.partition_time != NULL);
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

/* ---- questions ---- */

static int ask(delta_local *local, delta_asker *asker, const lb_delta_question *question, const lb_delta_sink *sink,
               bool *ret_cut, lb_error *err)
{
    char **names = NULL;
    int r = delta_question_check(asker->engine, question->text, &names, err);
    if (r == 0)
        r = show_named(local, asker, (const char *const *)names, err);
    if (r == 0)
        r = delta_answer(asker->engine, question, sink, ret_cut, err);
    (void)delta_names_free(names); /* gives NULL */
    return r;
}

int delta_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err)
{
    delta_local *local = state;
    bool frequent = LB_HAS(question, lb_delta_question, frequent) && question->frequent;
    delta_asker *asker = frequent ? local->asker : NULL;
    int r = asker ? 0 : open_asker(local, &asker, err);
    if (r == 0)
        r = ask(local, asker, question, sink, ret_cut, err);
    if (r < 0 || !frequent)
        asker = delta_asker_free(asker);
    if (frequent)
        local->asker = asker;
    return r;
}
