/* Tables of the lakehouse in Unity Catalog: asked and looked at through the warehouse, with the rights of the service.
 */
#include "delta_databricks.h"

#define MARK      "lbops.view"
#define MARK_TEXT 40

typedef struct looking {
    const lb_delta_sink *sink;
    const char *version, *committed_at;
    bool over; /* behind the columns come partitions and the like */
} looking;

static int give_columns(void *arg, struct json_object *rows, lb_error *err)
{
    looking *l = arg;
    for (size_t i = 0; !l->over && i < rest_json_count(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        const char *name = json_object_get_string(json_object_array_get_idx(row, 0)),
                   *type = json_object_get_string(json_object_array_get_idx(row, 1));
        l->over = !name || !*name || *name == '#' || !type;
        if (l->over)
            break;
        const char *const cells[] = {name, type, l->version, l->committed_at};
        int r = l->sink->row(l->sink->state, DELTA_COUNT(cells), cells, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int look(bricks *b, const char *sql, const char *what, int64_t deadline, struct json_object **ret_answer,
                lb_error *err)
{
    const bricks_statement statement = {.text = sql, .what = what, .deadline = deadline, .anywhere = true};
    return bricks_run(b, &statement, ret_answer, NULL, err);
}

void bricks_lake_full_name(delta_text *sql, const lb_lake_name *name)
{
    const char *const parts[] = {name->catalog, name->schema, name->name};
    for (size_t i = 0; i < DELTA_COUNT(parts); i++) {
        delta_text_puts(sql, i ? "." : "");
        bricks_identifier(sql, parts[i]);
    }
}

int bricks_lake_table(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"name", "type", "version", "committed_at"};
    static const lb_type types[] = {LB_TEXT, LB_TEXT, LB_I64, LB_TIME};
    REST_JSON_AUTO *history = NULL;
    REST_JSON_AUTO *columns = NULL;
    DELTA_TEXT describe = {0};
    DELTA_TEXT latest = {0};
    delta_text_puts(&describe, "DESCRIBE TABLE ");
    bricks_lake_full_name(&describe, name);
    delta_text_puts(&latest, "DESCRIBE HISTORY ");
    bricks_lake_full_name(&latest, name);
    delta_text_puts(&latest, " LIMIT 1");
    int r = look(state, describe.data, "the look at a table", deadline, &columns, err);
    if (r >= 0) {
        r = look(state, latest.data, "the look at a table's history", deadline, &history, err);
        r = r == LB_ERR_SQL ? 0 : r; /* views and tables of databases have none */
    }
    if (r >= 0)
        r = sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
    if (r < 0)
        return r;
    const char *version = history ? bricks_cell_of(history, "version") : NULL,
               *at = history ? bricks_cell_of(history, "timestamp") : NULL;
    looking l = {.sink = sink, .version = version ? version : "0", .committed_at = at ? at : "1970-01-01T00:00:00Z"};
    r = bricks_each_part(state, columns, deadline, give_columns, &l, err);
    return r < 0 ? r : 0;
}

/* ---- views ---- */

/* What the view said when it was made: the platform keeps the text in words of its own. */
static int read_mark(bricks *b, const char *name, int64_t deadline, char **ret_mark, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    DELTA_TEXT sql = {0};
    delta_text_printf(&sql, "SHOW TBLPROPERTIES %s ('" MARK "')", name);
    int r = look(b, sql.data, "the look at a view", deadline, &answer, err);
    const char *mark = r < 0 ? NULL : bricks_cell_of(answer, "value");
    *ret_mark = delta_strdup(mark ? mark : "");
    return r == LB_ERR_NOT_FOUND || (r == LB_ERR_SQL && strstr(err->message, "NOT_FOUND")) ? 0 : r;
}

/* FNV-1a and the length: it tells versions of our own text apart, and guards nothing. */
static void put_mark(const char *text, char mark[MARK_TEXT])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *p = text; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    (void)snprintf(mark, MARK_TEXT, "%016llx-%zu", (unsigned long long)hash, strlen(text)); /* fits */
}

/* The catalog is asked: what a statement says about a name that is taken differs from version to version. */
static int check_free(bricks *b, const lb_lake_name *name, int64_t deadline, lb_error *err)
{
    REST_JSON_AUTO *found = NULL;
    DELTA_AUTO_FREE char *full = delta_printf("%s.%s.%s", name->catalog, name->schema, name->name);
    int r = bricks_find(b, "tables", full, deadline, &found, err);
    if (r == 0 && !bricks_is_view(found))
        return lb_fail(err, LB_ERR_CONFLICT, "give the view another name", "%.80s.%.80s.%.80s is a table",
                       name->catalog, name->schema, name->name);
    return r == LB_ERR_NOT_FOUND || r == LB_ERR_DENIED ? 0 : r; /* what we are not shown the statement meets */
}

int bricks_lake_view(void *state, const lb_lake_name *name, const char *text, int64_t deadline,
                     const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"changed"};
    static const lb_type types[] = {LB_BOOL};
    DELTA_TEXT view = {0};
    DELTA_TEXT sql = {0};
    char mark[MARK_TEXT];
    DELTA_AUTO_FREE char *select = bricks_translate(text), *before = NULL;
    bricks_lake_full_name(&view, name);
    put_mark(select, mark);
    delta_text_printf(&sql, "CREATE OR REPLACE VIEW %s TBLPROPERTIES ('" MARK "' = '%s') AS %s", view.data, mark,
                      select);
    int r = check_free(state, name, deadline, err);
    if (r == 0)
        r = read_mark(state, view.data, deadline, &before, err);
    bool changed = r == 0 && strcmp(before, mark) != 0;
    if (changed) {
        REST_JSON_AUTO *answer = NULL;
        r = look(state, sql.data, "to make a view", deadline, &answer, err);
    }
    if (r < 0)
        return bricks_name_grant(state, err,
                                 "USE SCHEMA, CREATE TABLE ON SCHEMA `%s`.`%s`, and SELECT on what it reads",
                                 name->catalog, name->schema);
    r = sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
    const char *const cells[] = {changed ? "true" : "false"};
    return r < 0 ? r : sink->row(sink->state, DELTA_COUNT(cells), cells, err);
}
