/* Tables of the lakehouse in Unity Catalog: asked and looked at through the warehouse, with the rights of the service.
 */
#include "delta_databricks.h"

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

int bricks_lake_table(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink, lb_error *err)
{
    static const char *const names[] = {"name", "type", "version", "committed_at"};
    static const lb_type types[] = {LB_TEXT, LB_TEXT, LB_I64, LB_TIME};
    REST_JSON_AUTO *history = NULL;
    REST_JSON_AUTO *columns = NULL;
    DELTA_TEXT describe = {0};
    DELTA_TEXT latest = {0};
    const char *const parts[] = {name->catalog, name->schema, name->name};
    delta_text_puts(&describe, "DESCRIBE TABLE ");
    delta_text_puts(&latest, "DESCRIBE HISTORY ");
    for (size_t i = 0; i < DELTA_COUNT(parts); i++) {
        delta_text_puts(&describe, i ? "." : "");
        bricks_identifier(&describe, parts[i]);
        delta_text_puts(&latest, i ? "." : "");
        bricks_identifier(&latest, parts[i]);
    }
    delta_text_puts(&latest, " LIMIT 1");
    int r = look(state, latest.data, "the look at a table's history", deadline, &history, err);
    if (r >= 0)
        r = look(state, describe.data, "the look at a table", deadline, &columns, err);
    if (r >= 0)
        r = sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
    if (r < 0)
        return r;
    const char *version = bricks_cell_of(history, "version"), *at = bricks_cell_of(history, "timestamp");
    looking l = {.sink = sink, .version = version ? version : "0", .committed_at = at ? at : "1970-01-01T00:00:00Z"};
    r = bricks_each_part(state, columns, deadline, give_columns, &l, err);
    return r < 0 ? r : 0;
}

int bricks_lake_append(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err)
{
    (void)state, (void)sink; /* nothing is done */
    return lb_fail(err, LB_ERR_UNSUPPORTED, "append to a lake at home (delta_local)",
                   "rows cannot be appended to %.80s.%.80s.%.80s through a warehouse yet", append->table.catalog,
                   append->table.schema, append->table.name);
}
