/* Tables of the lakehouse: where they lie and what their logs say they are. */
#include "delta_lake.h"

#include <json-c/json.h>
#include <sys/stat.h>
#include <unistd.h>

char *lake_folder(const delta_local *local, const lb_lake_name *name)
{
    return delta_printf("%s/%s/%s/%s", local->lake_root, name->catalog, name->schema, name->name);
}

char *lake_temp_dir(const delta_local *local)
{
    return delta_printf("%s/." DELTA_TEMP "%ld", local->lake_root, (long)getpid());
}

int lake_fail_absent(const lb_lake_name *name, lb_error *err)
{
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   "name catalog, schema and table; lake_root of delta_local says where they lie",
                   "there is no table %.80s.%.80s.%.80s in the lakehouse", name->catalog, name->schema, name->name);
}

/* ---- types ---- */

static const struct {
    const char *delta, *spark, *duckdb;
} types[] = {
    {"byte", "tinyint", "TINYINT"},
    {"short", "smallint", "SMALLINT"},
    {"integer", "int", "INTEGER"},
    {"long", "bigint", "BIGINT"},
    {"float", "float", "FLOAT"},
    {"double", "double", "DOUBLE"},
    {"string", "string", "VARCHAR"},
    {"binary", "binary", "BLOB"},
    {"boolean", "boolean", "BOOLEAN"},
    {"date", "date", "DATE"},
    {"timestamp", "timestamp", "TIMESTAMPTZ"},
    {"timestamp_ntz", "timestamp_ntz", "TIMESTAMP"},
};

static bool is_decimal(const char *type)
{
    static const char head[] = "decimal(";
    char *end = NULL;
    if (strncmp(type, head, sizeof head - 1) != 0)
        return false;
    long precision = strtol(type + sizeof head - 1, &end, 10);
    if (*end != ',')
        return false;
    long scale = strtol(end + 1, &end, 10);
    return strcmp(end, ")") == 0 && precision > 0 && precision <= 38 && scale >= 0 && scale <= precision;
}

char *lake_duckdb_type(const char *spark)
{
    size_t length = strlen(spark);
    for (size_t i = 0; i < DELTA_COUNT(types); i++)
        if (strcmp(types[i].spark, spark) == 0)
            return delta_strdup(types[i].duckdb);
    if (is_decimal(spark))
        return delta_strdup(spark);
    if (strncmp(spark, "array<", 6) != 0 || spark[length - 1] != '>')
        return NULL;
    DELTA_AUTO_FREE char *element = delta_strndup(spark + 6, length - 7);
    DELTA_AUTO_FREE char *inner = lake_duckdb_type(element);
    return inner ? delta_printf("%s[]", inner) : NULL;
}

char *lake_delta_type(const char *spark)
{
    for (size_t i = 0; i < DELTA_COUNT(types); i++)
        if (strcmp(types[i].spark, spark) == 0)
            return delta_strdup(types[i].delta);
    return is_decimal(spark) ? delta_strdup(spark) : NULL;
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    (void)json_object_object_get_ex(object, name, &value); /* NULL where it is not there */
    return value;
}

/* A name, or an object whose own type says what it is. */
static char *spark_type(struct json_object *type)
{
    const char *name =
        json_object_get_string(json_object_is_type(type, json_type_object) ? member(type, "type") : type);
    for (size_t i = 0; name && i < DELTA_COUNT(types); i++)
        if (strcmp(types[i].delta, name) == 0)
            return delta_strdup(types[i].spark);
    if (!name || strcmp(name, "array") != 0)
        return delta_strdup(name ? name : "void");
    DELTA_AUTO_FREE char *element = spark_type(member(type, "elementType"));
    return delta_printf("array<%s>", element);
}

static int read_fields(const delta_snapshot *snapshot, lake_fields *fields, lb_error *err)
{
    struct json_object *root = snapshot->schema ? json_tokener_parse(snapshot->schema) : NULL;
    struct json_object *list = member(root, "fields");
    bool good = list && json_object_is_type(list, json_type_array);
    for (size_t i = 0; good && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        const char *name = json_object_get_string(member(item, "name"));
        DELTA_PUSH(fields->items, fields->count, fields->capacity);
        lake_field *field = &fields->items[fields->count++];
        *field = (lake_field){.name = delta_strdup(name ? name : ""), .spark = spark_type(member(item, "type"))};
        field->duckdb = lake_duckdb_type(field->spark);
    }
    (void)json_object_put(root); /* says whether it was the last */
    return good ? 0 : lb_fail(err, LB_ERR_INVALID, NULL, "a table of the lakehouse has a schema that cannot be read");
}

/* ---- tables ---- */

void lake_fields_done(lake_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        free(fields->items[i].name);
        free(fields->items[i].spark);
        free(fields->items[i].duckdb);
    }
    free(fields->items);
    *fields = (lake_fields){.items = NULL};
}

void lake_table_done(lake_table *table)
{
    lake_fields_done(&table->fields);
    delta_snapshot_done(&table->snapshot);
    free(table->directory);
    *table = (lake_table){.local = NULL};
}

int lake_check_name(const lb_lake_name *name, lb_error *err)
{
    const char *const parts[LAKE_NAME_PARTS] = {name->catalog, name->schema, name->name};
    for (size_t i = 0; i < LAKE_NAME_PARTS; i++)
        if (!*parts[i] || *parts[i] == '.' || strchr(parts[i], '/') || strlen(parts[i]) > 255)
            return lb_fail(err, LB_ERR_INVALID, "a part has no '/' and does not begin with a dot",
                           "'%.80s' is no part of the name of a table", parts[i]);
    return 0;
}

int lake_table_open(delta_local *local, const lb_lake_name *name, lake_table *ret_table, lb_error *err)
{
    int r = lake_check_name(name, err);
    *ret_table = (lake_table){.local = local, .snapshot = {.version = -1, .checkpoint = -1}};
    if (r < 0)
        return r;
    ret_table->directory = lake_folder(local, name);
    const delta_log log = {.directory = ret_table->directory, .engine = delta_get_engine, .arg = local};
    r = delta_log_read(&log, &ret_table->snapshot, err);
    if (r == 0 && ret_table->snapshot.version >= 0)
        r = read_fields(&ret_table->snapshot, &ret_table->fields, err);
    if (r < 0)
        lake_table_done(ret_table);
    return r < 0 ? lb_wrap(err, name->name) : 0;
}

/* Foreign writers need not say when; the file knows. */
static int64_t committed_at(const lake_table *table)
{
    struct stat st;
    if (table->snapshot.timestamp_ms)
        return table->snapshot.timestamp_ms * 1000;
    DELTA_AUTO_FREE char *path = delta_log_path(table->directory, table->snapshot.version, ".json");
    return stat(path, &st) == 0 ? st.st_mtim.tv_sec * DELTA_SECOND + st.st_mtim.tv_nsec / 1000 : 0;
}

int lake_local_table(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"name", "type", "version", "committed_at"};
    static const lb_type column_types[] = {LB_TEXT, LB_TEXT, LB_I64, LB_TIME};
    lake_table table;
    bool other = false;
    int r = lake_describe_other(state, name, deadline, sink, &other, err);
    if (r < 0 || other)
        return r;
    r = lake_table_open(state, name, &table, err);
    if (r < 0)
        return r;
    DELTA_TEXT at = {0};
    delta_text_time(&at, committed_at(&table));
    DELTA_AUTO_FREE char *version = delta_printf("%lld", (long long)table.snapshot.version);
    r = table.snapshot.version < 0 ? lake_fail_absent(name, err)
                                   : sink->columns(sink->state, DELTA_COUNT(names), names, column_types, err);
    for (size_t i = 0; r == 0 && i < table.fields.count; i++) {
        const char *const cells[] = {table.fields.items[i].name, table.fields.items[i].spark, version, at.data};
        r = sink->row(sink->state, DELTA_COUNT(cells), cells, err);
    }
    lake_table_done(&table);
    return r;
}
