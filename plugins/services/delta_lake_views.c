/* What a question names, as views of the DuckDB that answers it: Delta tables, tables of servers, and views of ours. A
 * view is the text of a question in the folder of its name, as the composer made it. */
#include "delta_live.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define VIEW_FILE  "view.sql"
#define DEPTH_MOST 16 /* of views over views */

typedef struct shown {
    char *catalog, *schema, *name;
    char *text; /* what a view says, translated; NULL: it is a table */
    bool live;
} shown;

typedef struct showing {
    delta_local *local;
    delta_engine *engine;
    delta_live *live;
    shown *items; /* a view stands behind what it needs */
    size_t count, capacity;
} showing;

static lb_lake_name name_of(const shown *item)
{
    return (lb_lake_name){item->catalog, item->schema, item->name};
}

static char *view_path(const delta_local *local, const lb_lake_name *name)
{
    DELTA_AUTO_FREE char *folder = lake_folder(local, name);
    return delta_printf("%s/" VIEW_FILE, folder);
}

bool lake_is_view(const delta_local *local, const lb_lake_name *name)
{
    DELTA_AUTO_FREE char *path = view_path(local, name);
    return access(path, F_OK) == 0;
}

/* *ret_text: what it says, as it was given; NULL: there is no such view. */
static int read_view(const delta_local *local, const lb_lake_name *name, char **ret_text, lb_error *err)
{
    size_t length;
    DELTA_AUTO_FREE char *path = view_path(local, name);
    *ret_text = NULL;
    if (access(path, F_OK) != 0)
        return 0;
    return delta_read(path, ret_text, &length, err);
}

/* ---- tables ---- */

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
    DELTA_AUTO_FREE char *catalog = delta_printf(LAKE_PREFIX "%s", name->catalog);
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

static int make_view(delta_engine *engine, const lb_lake_name *name, const char *select, lb_error *err)
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
    delta_text_puts(&view, select);
    const char *const statements[] = {attach.data, schema.data, view.data};
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(statements); i++)
        r = delta_run(engine, statements[i], NULL, 0, 0, NULL, err);
    return r;
}

static int show_table(const showing *s, const lb_lake_name *name, size_t index, lb_error *err)
{
    lake_table table;
    DELTA_TEXT select = {0};
    int r = lake_table_open(s->local, name, &table, err);
    if (r < 0)
        return r;
    r = table.snapshot.version < 0 ? lake_fail_absent(name, err) : check_layout(&table, err);
    if (r == 0)
        r = set_files(s->engine, &table, index, err);
    if (r == 0) {
        put_select(&select, &table, index);
        r = make_view(s->engine, name, select.data, err);
    }
    lake_table_done(&table);
    return r;
}

/* ---- tables of servers ---- */

static int show_live(const showing *s, const lb_lake_name *name, lb_error *err)
{
    const lake_fields *fields = NULL;
    size_t index = 0;
    DELTA_TEXT select = {0};
    int r = delta_live_open(s->live, name, &index, &fields, err);
    if (r < 0)
        return r;
    delta_text_puts(&select, "SELECT ");
    for (size_t i = 0; i < fields->count; i++) {
        delta_text_puts(&select, i ? ", " : "");
        lake_put_cell(&select, (uint32_t)i, fields->items[i].spark, fields->items[i].name);
    }
    delta_text_printf(&select, " FROM lbops_live(%zu)", index);
    return make_view(s->engine, name, select.data, err);
}

/* ---- what a question names ---- */

static bool is_shown(const showing *s, const lb_lake_name *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcasecmp(s->items[i].catalog, name->catalog) == 0 && strcasecmp(s->items[i].schema, name->schema) == 0 &&
            strcasecmp(s->items[i].name, name->name) == 0)
            return true;
    return false;
}

static int collect(showing *s, const char *text, int depth, lb_error *err);

static int collect_name(showing *s, const lb_lake_name *name, int depth, lb_error *err)
{
    shown item = {.live = delta_live_has(s->local, name->catalog)};
    DELTA_AUTO_FREE char *given = NULL;
    int r = item.live ? 0 : lake_check_name(name, err);
    if (r == 0 && !item.live)
        r = read_view(s->local, name, &given, err);
    if (r == 0 && given) {
        item.text = lake_translate(given);
        r = collect(s, item.text, depth + 1, err);
    }
    item.catalog = delta_strdup(name->catalog);
    item.schema = delta_strdup(name->schema);
    item.name = delta_strdup(name->name);
    DELTA_PUSH(s->items, s->count, s->capacity);
    s->items[s->count++] = item;
    return r;
}

/* A part of a question that is no table has a name of one part. What has no mark was not written as we write it. */
static int collect(showing *s, const char *text, int depth, lb_error *err)
{
    static const size_t mark = sizeof LAKE_PREFIX - 1;
    delta_named *names = NULL;
    if (depth > DEPTH_MOST)
        return lb_fail(err, LB_ERR_LIMIT, "have a view ask tables",
                       "views of the lakehouse ask each other without end");
    int r = delta_question_tables(s->engine, text, &names, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && names[i].name; i++) {
        bool marked = strncmp(names[i].catalog, LAKE_PREFIX, mark) == 0;
        const lb_lake_name name = {names[i].catalog + (marked ? mark : 0), names[i].schema, names[i].name};
        if (marked && *name.schema && !is_shown(s, &name))
            r = collect_name(s, &name, depth, err);
    }
    (void)delta_named_free(names); /* gives NULL */
    return r;
}

/* Servers before Delta tables: rows that have left a server by the moment that is seen of it are in the lakehouse by
 * the time that its logs are read. */
static int show_all(const showing *s, lb_error *err)
{
    enum { LIVE, TABLES, VIEWS, PASSES };
    int r = 0;
    for (int pass = LIVE; pass < PASSES; pass++)
        for (size_t i = 0; r == 0 && i < s->count; i++) {
            const shown *item = &s->items[i];
            const lb_lake_name name = name_of(item);
            if (pass == LIVE && item->live)
                r = show_live(s, &name, err);
            else if (pass == TABLES && !item->live && !item->text)
                r = show_table(s, &name, i, err);
            else if (pass == VIEWS && item->text)
                r = make_view(s->engine, &name, item->text, err);
        }
    return r;
}

int lake_show(delta_local *local, delta_engine *engine, delta_live *live, const char *text, lb_error *err)
{
    showing s = {.local = local, .engine = engine, .live = live};
    int r = delta_live_register(live, engine, err);
    if (r == 0)
        r = collect(&s, text, 0, err);
    if (r == 0)
        r = show_all(&s, err);
    for (size_t i = 0; i < s.count; i++) {
        free(s.items[i].catalog);
        free(s.items[i].schema);
        free(s.items[i].name);
        free(s.items[i].text);
    }
    free(s.items);
    return r;
}

/* ---- a new view ---- */

int lake_hold(const delta_local *local, const lb_lake_name *name, int how, int *ret_fd, lb_error *err)
{
    DELTA_AUTO_FREE char *folder = lake_folder(local, name);
    int r = delta_make_dir(folder, err);
    if (r < 0)
        return r;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return delta_fail_errno(err, errno, "open", folder);
    while (flock(fd, how) != 0)
        if (errno != EINTR) {
            r = delta_fail_errno(err, errno, "lock", folder);
            (void)close(fd); /* nothing was written */
            return r;
        }
    *ret_fd = fd;
    return 0;
}

/* Beside it first, then in its place: it is always one or the other. */
static int write_view(const delta_local *local, const lb_lake_name *name, const char *text, lb_error *err)
{
    DELTA_AUTO_FREE char *folder = lake_folder(local, name), *path = view_path(local, name),
                         *beside = delta_printf("%s." DELTA_TEMP "%ld", path, (long)getpid());
    (void)unlink(beside); /* of a process that had our number */
    int r = delta_write(beside, text, strlen(text), err);
    if (r == 0 && rename(beside, path) != 0)
        r = delta_fail_errno(err, errno, "rename", beside);
    return r < 0 ? r : delta_sync(folder, err);
}

static int check_catalog(const delta_local *local, const lb_lake_name *name, const char *hint, lb_error *err)
{
    return delta_live_has(local, name->catalog)
               ? lb_fail(err, LB_ERR_INVALID, hint, "the catalog %.80s is a database", name->catalog)
               : 0;
}

int lake_check_appendable(const delta_local *local, const lb_lake_name *name, lb_error *err)
{
    int r = lake_check_name(name, err);
    if (r == 0)
        r = check_catalog(local, name, "append to a table of another catalog", err);
    if (r < 0)
        return r;
    return lake_is_view(local, name) ? lb_fail(err, LB_ERR_CONFLICT, "append to a table of another name",
                                               "%.80s.%.80s.%.80s is a view", name->catalog, name->schema, name->name)
                                     : 0;
}

static int check_free(delta_local *local, const lb_lake_name *name, lb_error *err)
{
    lake_table table;
    int r = lake_table_open(local, name, &table, err);
    if (r < 0)
        return r;
    bool taken = table.snapshot.version >= 0;
    lake_table_done(&table);
    return taken ? lb_fail(err, LB_ERR_CONFLICT, "give the view another name", "%.80s.%.80s.%.80s is a table",
                           name->catalog, name->schema, name->name)
                 : 0;
}

int lake_local_view(void *state, const lb_lake_name *name, const char *text, int64_t deadline,
                    const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"changed"};
    static const lb_type types[] = {LB_BOOL};
    delta_local *local = state;
    DELTA_AUTO_FREE char *before = NULL;
    bool changed = false;
    int held = -1;
    (void)deadline; /* a file is written in no time */
    int r = lake_check_name(name, err);
    if (r == 0)
        r = check_catalog(local, name, "give the view another catalog", err);
    if (r == 0)
        r = lake_hold(local, name, LOCK_EX, &held, err);
    if (r == 0)
        r = check_free(local, name, err);
    if (r == 0)
        r = read_view(local, name, &before, err);
    if (r == 0)
        changed = !before || strcmp(before, text) != 0;
    if (changed)
        r = write_view(local, name, text, err);
    if (held >= 0)
        (void)close(held); /* lets go */
    if (r == 0)
        r = sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
    const char *const cells[] = {changed ? "true" : "false"};
    return r < 0 ? r : sink->row(sink->state, DELTA_COUNT(cells), cells, err);
}

/* ---- its shape ---- */

/* Of a view what DuckDB makes of it, in Spark's words. */
static char *spark_name(const char *duckdb)
{
    static const char *const names[][2] = {{"TINYINT", "tinyint"},
                                           {"SMALLINT", "smallint"},
                                           {"INTEGER", "int"},
                                           {"BIGINT", "bigint"},
                                           {"FLOAT", "float"},
                                           {"DOUBLE", "double"},
                                           {"VARCHAR", "string"},
                                           {"BLOB", "binary"},
                                           {"BOOLEAN", "boolean"},
                                           {"DATE", "date"},
                                           {"TIMESTAMP", "timestamp_ntz"},
                                           {"TIMESTAMP WITH TIME ZONE", "timestamp"}};
    for (size_t i = 0; i < DELTA_COUNT(names); i++)
        if (strcmp(names[i][0], duckdb) == 0)
            return delta_strdup(names[i][1]);
    char *copy = delta_strdup(duckdb);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

static int give_head(const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"name", "type", "version", "committed_at"};
    static const lb_type types[] = {LB_TEXT, LB_TEXT, LB_I64, LB_TIME};
    return sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
}

static int give_field(const lb_delta_sink *sink, const char *name, const char *type, lb_error *err)
{
    DELTA_TEXT now = {0};
    delta_text_time(&now, delta_now());
    const char *const cells[] = {name, type, "0", now.data};
    return sink->row(sink->state, DELTA_COUNT(cells), cells, err);
}

typedef struct giving {
    const lb_delta_sink *sink;
} giving;

static int give_described(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)count; /* name and type */
    DELTA_AUTO_FREE char *type = spark_name(cells[1]);
    return give_field(((const giving *)arg)->sink, cells[0], type, err);
}

static int describe_view(delta_local *local, const char *text, int64_t deadline, const lb_delta_sink *sink,
                         lb_error *err)
{
    DELTA_AUTO_FREE char *temp_dir = lake_temp_dir(local), *translated = lake_translate(text);
    DELTA_TEXT sql = {0};
    const delta_engine_options options = {.memory_mb = local->settings.memory_mb, .threads = 1, .temp_dir = temp_dir};
    delta_engine *engine = NULL;
    duckdb_result result;
    giving g = {sink};
    delta_live *live = delta_live_new(local, deadline);
    delta_text_printf(&sql, "SELECT column_name, column_type FROM (DESCRIBE %s)", translated);
    int r = delta_engine_open(local->host, &options, &engine, err);
    if (r == 0)
        r = lake_teach(engine, err);
    if (r == 0)
        r = lake_show(local, engine, live, translated, err);
    if (r == 0)
        r = delta_run(engine, sql.data, NULL, 0, deadline, &result, err);
    if (r == 0) {
        r = give_head(sink, err);
        r = r < 0 ? r : delta_each_row(&result, give_described, &g, err);
        duckdb_destroy_result(&result);
    }
    (void)delta_engine_free(engine); /* gives NULL, as does the next */
    (void)delta_live_free(live);
    return r;
}

static int describe_live(delta_local *local, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink,
                         lb_error *err)
{
    const lake_fields *fields = NULL;
    size_t index = 0;
    delta_live *live = delta_live_new(local, deadline);
    int r = delta_live_open(live, name, &index, &fields, err);
    if (r == 0)
        r = give_head(sink, err);
    for (size_t i = 0; r == 0 && i < fields->count; i++)
        r = give_field(sink, fields->items[i].name, fields->items[i].spark, err);
    (void)delta_live_free(live); /* gives NULL */
    return r;
}

int lake_describe_other(delta_local *local, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink,
                        bool *ret_found, lb_error *err)
{
    DELTA_AUTO_FREE char *text = NULL;
    *ret_found = delta_live_has(local, name->catalog);
    if (*ret_found)
        return describe_live(local, name, deadline, sink, err);
    int r = read_view(local, name, &text, err);
    *ret_found = r < 0 || text != NULL;
    return r < 0 || !text ? r : describe_view(local, text, deadline, sink, err);
}
