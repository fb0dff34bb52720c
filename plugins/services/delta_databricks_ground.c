/* What must be there before rows can be loaded: catalog, schema, volume, and each table with all of its columns. What
 * is missing is made, where that is permitted; where not, the error names the grant. */
#include "delta_databricks.h"

#include <delta_databricks_sql.h>
#include <strings.h>

#define CATALOGS "/api/2.1/unity-catalog"

int bricks_name_grant(const bricks *b, lb_error *err, const char *fmt, ...)
{
    char grant[190];
    va_list args;
    if (err->code != LB_ERR_DENIED)
        return err->code;
    va_start(args, fmt);
    (void)vsnprintf(grant, sizeof grant, fmt, args); /* a long one is cut */
    va_end(args);
    const char *who = auth_client_id(b->auth);
    (void)snprintf(err->hint, sizeof err->hint, "it takes a grant: GRANT %s TO `%s`", grant,
                   who ? who : "the owner of the token"); /* cut */
    return err->code;
}

/* ---- catalog, schema, volume ---- */

int bricks_find(bricks *b, const char *kind, const char *name, int64_t deadline, struct json_object **ret_found,
                lb_error *err)
{
    rest_buf path = {.limit = 4096};
    rest_buf_text(&path, CATALOGS "/");
    rest_buf_text(&path, kind);
    rest_buf_text(&path, "/");
    rest_buf_escaped(&path, name);
    if (path.failed) {
        rest_buf_done(&path);
        return lb_out_of_memory(err);
    }
    const rest_call call = {.method = "GET", .path = path.data, .what = name, .deadline = deadline};
    int r = rest_document(b->client, &call, NULL, ret_found, err);
    rest_buf_done(&path);
    return r;
}

/* Somebody else may have made it meanwhile, or it was there and we were not shown it. */
static bool is_there_already(const rest_problem *problem)
{
    return strstr(problem->error_code, "ALREADY_EXISTS") != NULL;
}

static int make(bricks *b, const char *kind, struct json_object *body, const char *what, int64_t deadline,
                lb_error *err)
{
    rest_problem problem = {.status = 0};
    REST_JSON_AUTO *made = NULL;
    DELTA_AUTO_FREE char *path = delta_printf(CATALOGS "/%s", kind);
    const rest_call call = {.method = "POST",
                            .path = path,
                            .flags = REST_REPEATABLE,
                            .what = what,
                            .deadline = deadline,
                            .problem = &problem};
    int r = rest_document(b->client, &call, body, &made, err);
    if (r < 0 && is_there_already(&problem))
        return 0;
    if (r == 0)
        delta_say(b->host, LB_LOG_INFO, "%s: made", what);
    return r;
}

static int need(bricks *b, const char *kind, const char *name, struct json_object *body, int64_t deadline,
                lb_error *err)
{
    REST_JSON_AUTO *found = NULL;
    REST_JSON_AUTO *owned = body;
    if (!owned)
        return lb_out_of_memory(err);
    int r = bricks_find(b, kind, name, deadline, &found, err);
    if (r != LB_ERR_NOT_FOUND)
        return r;
    DELTA_AUTO_FREE char *what = delta_printf("%.*s %s", (int)strlen(kind) - 1, kind, name);
    return make(b, kind, owned, what, deadline, err);
}

static struct json_object *describe(const char *name, const char *catalog, const char *schema, const char *comment)
{
    struct json_object *body = json_object_new_object();
    bool ok = body && rest_json_add_text(body, "name", name) && rest_json_add_text(body, "comment", comment) &&
              (!catalog || rest_json_add_text(body, "catalog_name", catalog)) &&
              (!schema ||
               (rest_json_add_text(body, "schema_name", schema) && rest_json_add_text(body, "volume_type", "MANAGED")));
    if (ok)
        return body;
    (void)json_object_put(body); /* ours alone */
    return NULL;
}

int bricks_prepare_schema(bricks *b, const char *catalog, const char *schema, const char *comment, int64_t deadline,
                          lb_error *err)
{
    DELTA_AUTO_FREE char *full = delta_printf("%s.%s", catalog, schema);
    if (need(b, "catalogs", catalog, describe(catalog, NULL, NULL, comment), deadline, err) < 0)
        return bricks_name_grant(b, err, "CREATE CATALOG ON METASTORE (or USE CATALOG ON CATALOG `%s`)", catalog);
    if (need(b, "schemas", full, describe(schema, catalog, NULL, comment), deadline, err) < 0)
        return bricks_name_grant(b, err, "USE CATALOG, CREATE SCHEMA ON CATALOG `%s`", catalog);
    return 0;
}

static int need_places(bricks *b, int64_t deadline, lb_error *err)
{
    static const char comment[] = "the history of LakebaseOps";
    DELTA_AUTO_FREE char *volume = delta_printf("%s.%s.%s", b->catalog, b->schema, b->volume);
    int r = bricks_prepare_schema(b, b->catalog, b->schema, comment, deadline, err);
    if (r < 0)
        return r;
    if (need(b, "volumes", volume, describe(b->volume, b->catalog, b->schema, comment), deadline, err) < 0)
        return bricks_name_grant(b, err, "USE SCHEMA, CREATE VOLUME ON SCHEMA `%s`.`%s`", b->catalog, b->schema);
    return 0;
}

/* ---- tables ---- */

static void put_column(delta_text *sql, const char *name, const char *type, const char *doc)
{
    delta_text_puts(sql, sql->length ? ", " : "");
    bricks_identifier(sql, name);
    delta_text_printf(sql, " %s COMMENT ", type);
    bricks_literal(sql, doc ? doc : "");
}

static void put_date(delta_text *sql, const delta_table_def *def)
{
    DELTA_AUTO_FREE char *doc = delta_printf("date of %s in UTC: the partition", def->partition_time);
    put_column(sql, BRICKS_PARTITION, "DATE", doc);
}

static int make_table(bricks *b, const delta_table_def *def, int64_t deadline, lb_error *err)
{
    DELTA_TEXT columns = {0};
    DELTA_TEXT doc = {0};
    DELTA_TEXT partition = {0};
    for (size_t i = 0; i < def->count; i++)
        put_column(&columns, def->columns[i].name, bricks_type(def->columns[i].type), def->columns[i].doc);
    if (def->partition_time)
        put_date(&columns, def);
    bricks_literal(&doc, def->doc ? def->doc : "");
    bricks_identifier(&partition, BRICKS_PARTITION);
    DELTA_AUTO_FREE char *table = bricks_full_name(b, def->name);
    const delta_slot slots[] = {
        {"table", table}, {"columns", columns.data}, {"doc", doc.data}, {"partition", partition.data}};
    DELTA_AUTO_FREE char *sql =
        delta_render(def->partition_time ? delta_databricks_sql_create_partitioned : delta_databricks_sql_create_whole,
                     slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("to make the table %s", def->name);
    return bricks_do(b, sql, what, deadline, err);
}

/* The type of a column that is there, or NULL. */
bool bricks_is_view(struct json_object *table)
{
    const char *type = rest_json_text(table, "table_type");
    return type && strcmp(type, "VIEW") == 0;
}

const char *bricks_column_type(struct json_object *table, const char *name)
{
    struct json_object *columns = rest_json_at(table, "columns");
    for (size_t i = 0; i < rest_json_count(columns); i++) {
        struct json_object *column = json_object_array_get_idx(columns, i);
        const char *found = rest_json_text(column, "name"), *type = rest_json_text(column, "type_text");
        if (found && strcasecmp(found, name) == 0)
            return type ? type : "";
    }
    return NULL;
}

static int check_type(const delta_table_def *def, const char *name, const char *found, const char *ours, lb_error *err)
{
    if (strcasecmp(found, ours) == 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "was it made by something else? move it away, or set another schema",
                   "column %s of the history table %s is of type %.60s, and ours is %s", name, def->name, found, ours);
}

static int add_columns(bricks *b, const delta_table_def *def, const char *columns, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *table = bricks_full_name(b, def->name);
    const delta_slot slots[] = {{"table", table}, {"columns", columns}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_add_columns, slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("to add columns to %s", def->name);
    return bricks_do(b, sql, what, deadline, err);
}

static int complete_table(bricks *b, const delta_table_def *def, struct json_object *found, int64_t deadline,
                          lb_error *err)
{
    DELTA_TEXT missing = {0};
    const char *date = def->partition_time ? bricks_column_type(found, BRICKS_PARTITION) : NULL;
    if (def->partition_time && !date)
        return lb_fail(err, LB_ERR_CONFLICT, "was it made by something else? move it away, or set another schema",
                       "the history table %s has no column " BRICKS_PARTITION, def->name);
    int r = date ? check_type(def, BRICKS_PARTITION, date, "DATE", err) : 0;
    for (size_t i = 0; r == 0 && i < def->count; i++) {
        const lb_delta_column *c = &def->columns[i];
        const char *type = bricks_column_type(found, c->name), *ours = bricks_type(c->type);
        if (!type)
            put_column(&missing, c->name, ours, c->doc);
        else
            r = check_type(def, c->name, type, ours, err);
    }
    return r == 0 && missing.length ? add_columns(b, def, missing.data, deadline, err) : r;
}

int bricks_describe(bricks *b, const char *table, int64_t deadline, struct json_object **ret_table, lb_error *err)
{
    DELTA_AUTO_FREE char *name = delta_printf("%s.%s.%s", b->catalog, b->schema, table);
    return bricks_find(b, "tables", name, deadline, ret_table, err);
}

static int need_table(bricks *b, const delta_table_def *def, int64_t deadline, lb_error *err)
{
    REST_JSON_AUTO *found = NULL;
    int r = bricks_describe(b, def->name, deadline, &found, err);
    if (r == 0)
        r = complete_table(b, def, found, deadline, err);
    else if (r == LB_ERR_NOT_FOUND)
        r = make_table(b, def, deadline, err);
    return r < 0 ? bricks_name_grant(b, err, "USE SCHEMA, CREATE TABLE, SELECT, MODIFY ON SCHEMA `%s`.`%s`", b->catalog,
                                     b->schema)
                 : 0;
}

int bricks_prepare_places(bricks *b, int64_t deadline, lb_error *err)
{
    int r = b->grounded ? 0 : need_places(b, deadline, err);
    b->grounded = r == 0;
    return r;
}

int bricks_prepare(bricks *b, bricks_table *table, int64_t deadline, lb_error *err)
{
    int r = bricks_prepare_places(b, deadline, err);
    if (r < 0)
        return r;
    if (table->ready)
        return 0;
    r = need_table(b, &table->def, deadline, err);
    if (r == 0)
        r = bricks_make_folder(b, table->def.name, deadline, err);
    table->ready = r == 0;
    return r;
}

void bricks_forget_ground(bricks *b, bricks_table *table)
{
    b->grounded = table->ready = false;
}
