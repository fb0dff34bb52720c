/* Questions to the lakehouse. Each gets a DuckDB of its own, with a view for each table that it names and nothing else,
 * closed in before it runs. A question is in Databricks' words: what DuckDB calls otherwise is given to it as macros.
 */
#include "delta_lake.h"

#include <ctype.h>
#include <unistd.h>

#define PREFIX "lake_" /* of catalogs here: DuckDB keeps `main` and others for itself */

/* Of Databricks SQL, for DuckDB. A macro cannot take a lambda, so `transform` is renamed in the text. */
static const char *const macros[] = {
    "CREATE MACRO conv(digits, from_base, to_base) AS CAST(CAST('0x' || digits AS UBIGINT) AS VARCHAR)",
    "CREATE MACRO unix_micros(t) AS epoch_us(t)",
    "CREATE MACRO unix_date(d) AS date_diff('day', DATE '1970-01-01', d)",
    "CREATE MACRO array_join(l, s) AS array_to_string(l, s)",
};

/* ---- the text ---- */

/* Past a literal or a quoted name; a doubled quote is inside. */
static const char *skip_quoted(const char *p)
{
    const char quote = *p++;
    for (; *p; p++)
        if (*p == quote && *++p != quote)
            break;
    return p;
}

/* "catalog"."schema"."name" */
static bool is_full_name(const char *p)
{
    for (int part = 1; part < LAKE_NAME_PARTS; part++) {
        p = skip_quoted(p);
        if (p[0] != '.' || p[1] != '"')
            return false;
        p++;
    }
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static char *translate(const char *text)
{
    delta_text out = {0};
    for (const char *p = text; *p;) {
        const char *from = p;
        if (*p == '\'' || *p == '"') {
            bool named = *p == '"' && is_full_name(p);
            p = skip_quoted(p);
            if (!named) {
                delta_text_put(&out, from, (size_t)(p - from));
                continue;
            }
            for (int part = 1; part < LAKE_NAME_PARTS; part++)
                p = skip_quoted(p + 1);
            delta_text_puts(&out, "\"" PREFIX);
            from++;
        } else if (is_word(*p)) {
            while (is_word(*p))
                p++;
            if (p - from == 9 && strncasecmp(from, "transform", 9) == 0)
                delta_text_puts(&out, "list_");
        } else {
            p++;
        }
        delta_text_put(&out, from, (size_t)(p - from));
    }
    return out.data ? out.data : delta_strdup("");
}

/* ---- views ---- */

/* Folders of partitions say their values; a file that lies elsewhere would have none. */
static int check_layout(const lake_table *table, lb_error *err)
{
    const char *columns = table->snapshot.partition_columns;
    bool partitioned = columns && strcmp(columns, "[]") != 0;
    for (size_t i = 0; partitioned && i < table->snapshot.files.count; i++)
        if (!strchr(table->snapshot.files.items[i].path, '='))
            return lb_fail(err, LB_ERR_UNSUPPORTED, "rewrite it with its partition's folder in its path",
                           "%s lies outside the folder of its partition", table->snapshot.files.items[i].path);
    return 0;
}

static int set_files(delta_engine *engine, const lake_table *table, size_t index, lb_error *err)
{
    size_t count = table->snapshot.files.count;
    DELTA_AUTO_FREE char *sql = delta_printf("SET VARIABLE files_%zu = $1", index);
    char **paths = delta_alloc((count + 1) * sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = delta_printf("%s/%s", table->directory, table->snapshot.files.items[i].path);
    duckdb_value values[] = {delta_value_texts((const char *const *)paths, count)};
    int r = delta_run(engine, sql, values, 1, 0, NULL, err);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    return r;
}

/* Columns and types as the log has them, whatever a file lacks; then the files. */
static void put_select(delta_text *sql, const lake_table *table, size_t index)
{
    size_t typed = 0;
    bool partitioned = table->snapshot.partition_columns && strcmp(table->snapshot.partition_columns, "[]") != 0;
    for (size_t i = 0; i < table->fields.count; i++) {
        const lake_field *field = &table->fields.items[i];
        if (!field->duckdb)
            continue;
        delta_text_printf(sql, "%sCAST(NULL AS %s) AS ", typed++ ? ", " : "SELECT ", field->duckdb);
        delta_text_identifier(sql, field->name);
    }
    delta_text_puts(sql, typed ? " WHERE false" : "SELECT NULL AS nothing WHERE false");
    if (table->snapshot.files.count)
        delta_text_printf(sql,
                          " UNION ALL BY NAME SELECT * FROM read_parquet(getvariable('files_%zu'), "
                          "union_by_name = true, hive_partitioning = %s)",
                          index, partitioned ? "true" : "false");
}

static void put_catalog(delta_text *sql, const lb_lake_name *name)
{
    DELTA_AUTO_FREE char *catalog = delta_printf(PREFIX "%s", name->catalog);
    delta_text_identifier(sql, catalog);
}

static void put_name(delta_text *sql, const lb_lake_name *name, bool whole)
{
    put_catalog(sql, name);
    delta_text_puts(sql, ".");
    delta_text_identifier(sql, name->schema);
    if (!whole)
        return;
    delta_text_puts(sql, ".");
    delta_text_identifier(sql, name->name);
}

static int make_view(delta_engine *engine, const lake_table *table, const lb_lake_name *name, size_t index,
                     lb_error *err)
{
    DELTA_TEXT attach = {0};
    DELTA_TEXT schema = {0};
    DELTA_TEXT view = {0};
    delta_text_puts(&attach, "ATTACH IF NOT EXISTS ':memory:' AS ");
    put_catalog(&attach, name);
    delta_text_puts(&schema, "CREATE SCHEMA IF NOT EXISTS ");
    put_name(&schema, name, false);
    delta_text_puts(&view, "CREATE VIEW ");
    put_name(&view, name, true);
    delta_text_puts(&view, " AS ");
    put_select(&view, table, index);
    const char *const statements[] = {attach.data, schema.data, view.data};
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(statements); i++)
        r = delta_run(engine, statements[i], NULL, 0, 0, NULL, err);
    return r;
}

static int show(delta_local *local, delta_engine *engine, const lb_lake_name *name, size_t index, lb_error *err)
{
    lake_table table;
    int r = lake_table_open(local, name, &table, err);
    if (r < 0)
        return r;
    r = table.snapshot.version < 0 ? lake_fail_absent(name, err) : check_layout(&table, err);
    if (r == 0)
        r = set_files(engine, &table, index, err);
    if (r == 0)
        r = make_view(engine, &table, name, index, err);
    lake_table_done(&table);
    return r;
}

static bool is_shown(const delta_named *names, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcasecmp(names[i].catalog, names[index].catalog) == 0 &&
            strcasecmp(names[i].schema, names[index].schema) == 0 && strcasecmp(names[i].name, names[index].name) == 0)
            return true;
    return false;
}

/* A part of a question that is no table has a name of one part. What has no mark was not written as we write it. */
static int show_all(delta_local *local, delta_engine *engine, const delta_named *names, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && names[i].name; i++) {
        bool marked = strncmp(names[i].catalog, PREFIX, sizeof PREFIX - 1) == 0;
        const lb_lake_name name = {names[i].catalog + (marked ? sizeof PREFIX - 1 : 0), names[i].schema, names[i].name};
        if (marked && *name.schema && !is_shown(names, i))
            r = show(local, engine, &name, i, err);
    }
    return r;
}

/* ---- the question ---- */

static int close_in(const delta_local *local, delta_engine *engine, lb_error *err)
{
    DELTA_TEXT allowed = {0};
    delta_text_puts(&allowed, "SET allowed_directories = [");
    delta_text_literal(&allowed, local->lake_root);
    delta_text_puts(&allowed, "]");
    const char *const statements[] = {allowed.data, "SET enable_external_access = false",
                                      "SET lock_configuration = true"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(statements); i++)
        r = delta_run(engine, statements[i], NULL, 0, 0, NULL, err);
    return r;
}

static int answer(delta_local *local, delta_engine *engine, const lb_delta_question *question,
                  const lb_delta_sink *sink, bool *ret_cut, lb_error *err)
{
    delta_named *names = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(macros); i++)
        r = delta_run(engine, macros[i], NULL, 0, 0, NULL, err);
    if (r == 0)
        r = delta_question_tables(engine, question->text, &names, err);
    if (r == 0)
        r = show_all(local, engine, names, err);
    if (r == 0)
        r = close_in(local, engine, err);
    if (r == 0)
        r = delta_answer(engine, question, sink, ret_cut, err);
    (void)delta_named_free(names); /* gives NULL */
    return r;
}

int lake_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                     lb_error *err)
{
    delta_local *local = state;
    DELTA_AUTO_FREE char *temp_dir = lake_temp_dir(local), *text = translate(question->text);
    const delta_engine_options options = {
        .memory_mb = local->settings.memory_mb, .threads = local->settings.threads, .temp_dir = temp_dir};
    delta_engine *engine = NULL;
    lb_delta_question translated = *question;
    translated.text = text;
    int r = delta_engine_open(local->host, &options, &engine, err);
    if (r == 0)
        r = answer(local, engine, &translated, sink, ret_cut, err);
    (void)delta_engine_free(engine); /* gives NULL */
    (void)rmdir(temp_dir);           /* where nothing was spilled it is not there */
    return r;
}
