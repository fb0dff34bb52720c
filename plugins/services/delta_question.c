/* What a question may be. Two walls stand behind each other: DuckDB is told to reach no file outside the history and to
 * change none of its settings; and here the parsed question is looked at, so that it is one SELECT over tables by name.
 * The second is needed because files inside the history are none of the asker's business either. */
#include "delta_local.h"

#include <json-c/json.h>

#define DEPTH 2000 /* of a parsed question */

typedef struct inspection {
    bool lake; /* any name of one part or three is good */
    delta_named *names;
    size_t count, capacity;
    char problem[200];
} inspection;

static const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value) || !value)
        return "";
    return json_object_get_string(value);
}

static bool is_plain_name(const char *name)
{
    size_t i = 0;
    for (; name[i]; i++) {
        bool letter = (name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z';
        if (!letter && name[i] != '_' && (i == 0 || name[i] < '0' || name[i] > '9'))
            return false;
    }
    return i > 0;
}

/* Table functions that read nothing but their arguments and the names of columns. */
static bool is_harmless(const char *function)
{
    static const char *const names[] = {"range",     "generate_series", "unnest",        "json_each",
                                        "json_tree", "duckdb_columns",  "duckdb_tables", "duckdb_views"};
    for (size_t i = 0; i < DELTA_COUNT(names); i++)
        if (strcasecmp(names[i], function) == 0)
            return true;
    return false;
}

static void inspect_table(inspection *found, struct json_object *table)
{
    static const char *const parts[] = {"catalog_name", "schema_name", "table_name"};
    for (size_t i = 0; i < DELTA_COUNT(parts); i++) {
        const char *name = member_text(table, parts[i]);
        if (!found->lake && (*name || i + 1 == DELTA_COUNT(parts)) && !is_plain_name(name)) {
            (void)snprintf(found->problem, sizeof found->problem, "'%.100s' is no history table", name); /* cut */
            return;
        }
    }
    const delta_named named = {delta_strdup(member_text(table, parts[0])), delta_strdup(member_text(table, parts[1])),
                               delta_strdup(member_text(table, parts[2]))};
    DELTA_PUSH(found->names, found->count, found->capacity);
    found->names[found->count++] = named;
    if (found->lake && !*named.catalog != !*named.schema)
        (void)snprintf(found->problem, sizeof found->problem, "'%.100s' needs catalog and schema before it",
                       named.name); /* cut */
}

static void inspect_function(inspection *found, struct json_object *reference)
{
    struct json_object *function = NULL;
    (void)json_object_object_get_ex(reference, "function", &function); /* NULL where it is not there */
    const char *name = member_text(function, "function_name");
    if (!is_harmless(name))
        (void)snprintf(found->problem, sizeof found->problem, "the table function '%.100s' cannot be used here",
                       name); /* cut */
}

/* SHOW TABLES says "tables", quoted; what DESCRIBE names is a question below it. */
static void inspect_show(inspection *found, struct json_object *show)
{
    const char *what = member_text(show, "table_name");
    if (*what && strcmp(what, "\"tables\"") != 0)
        (void)snprintf(found->problem, sizeof found->problem, "%.100s cannot be shown here", what); /* cut */
}

static void inspect(inspection *found, struct json_object *value)
{
    if (found->problem[0] || !value)
        return;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            inspect(found, json_object_array_get_idx(value, i));
        return;
    }
    if (!json_object_is_type(value, json_type_object))
        return;
    const char *type = member_text(value, "type");
    if (strcmp(type, "BASE_TABLE") == 0)
        inspect_table(found, value);
    else if (strcmp(type, "TABLE_FUNCTION") == 0)
        inspect_function(found, value);
    else if (strcmp(type, "SHOW_REF") == 0)
        inspect_show(found, value);
    json_object_object_foreach(value, key, member)
    {
        (void)key; /* the shape says what it is */
        inspect(found, member);
    }
}

static int parse_question(delta_engine *engine, const char *text, struct json_object **ret_tree, lb_error *err)
{
    static const char sql[] = "SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)";
    duckdb_result result;
    duckdb_value values[] = {duckdb_create_varchar(text)};
    int r = delta_run(engine, sql, values, 1, 0, &result, err);
    if (r < 0)
        return r;
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    DELTA_AUTO_FREE char *json = chunk ? delta_cell(duckdb_data_chunk_get_vector(chunk, 0), 0) : NULL;
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    struct json_object *tree = tokener && json ? json_tokener_parse_ex(tokener, json, -1) : NULL;
    if (tokener)
        json_tokener_free(tokener);
    if (!tree)
        return lb_fail(err, LB_ERR_LIMIT, "ask in smaller steps", "the question is nested too deeply");
    *ret_tree = tree;
    return 0;
}

static int judge(struct json_object *tree, inspection *found, lb_error *err)
{
    const char *hint = found->lake ? "ask with one SELECT over tables by their three names"
                                   : "ask with one SELECT over the history tables";
    struct json_object *error = NULL, *statements = NULL;
    if (json_object_object_get_ex(tree, "error", &error) && json_object_get_boolean(error)) {
        bool other = strstr(member_text(tree, "error_message"), "Only SELECT") != NULL;
        return lb_fail(err, other ? LB_ERR_DENIED : LB_ERR_SQL, hint, "%.400s",
                       other ? "the history can be asked and not changed" : member_text(tree, "error_message"));
    }
    (void)json_object_object_get_ex(tree, "statements", &statements); /* NULL where it is not there */
    if (!statements || json_object_array_length(statements) != 1)
        return lb_fail(err, LB_ERR_DENIED, hint, "one question at a time");
    inspect(found, statements);
    return found->problem[0] ? lb_fail(err, LB_ERR_DENIED, hint, "%s", found->problem) : 0;
}

delta_named *delta_named_free(delta_named *names)
{
    for (size_t i = 0; names && names[i].name; i++) {
        free(names[i].catalog);
        free(names[i].schema);
        free(names[i].name);
    }
    free(names);
    return NULL;
}

static int find_tables(delta_engine *engine, const char *text, inspection *found, lb_error *err)
{
    struct json_object *tree = NULL;
    int r = parse_question(engine, text, &tree, err);
    if (r < 0)
        return r;
    r = judge(tree, found, err);
    (void)json_object_put(tree); /* says whether it was the last */
    DELTA_PUSH(found->names, found->count, found->capacity);
    found->names[found->count] = (delta_named){NULL, NULL, NULL};
    if (r < 0)
        (void)delta_named_free(found->names); /* gives NULL */
    return r;
}

int delta_question_tables(delta_engine *engine, const char *text, delta_named **ret_names, lb_error *err)
{
    inspection found = {.lake = true};
    int r = find_tables(engine, text, &found, err);
    if (r == 0)
        *ret_names = found.names;
    return r;
}

char **delta_names_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
    return NULL;
}

int delta_question_check(delta_engine *engine, const char *text, char ***ret_names, lb_error *err)
{
    inspection found = {.lake = false};
    int r = find_tables(engine, text, &found, err);
    if (r < 0)
        return r;
    char **names = delta_alloc((found.count + 1) * sizeof *names);
    for (size_t i = 0; i < found.count; i++)
        names[i] = delta_strdup(found.names[i].name);
    (void)delta_named_free(found.names); /* gives NULL */
    *ret_names = names;
    return 0;
}
