/* Batches of rows into tables of Unity Catalog, each exactly once.
 *
 *   /Volumes/C/S/V/lake/CATALOG/SCHEMA/NAME/KEY.SHA256.parquet   rows on their way, named by what they are
 *   /Volumes/C/S/V/lake/CATALOG/SCHEMA/NAME/KEY.json             which of them are the batch's; it stays
 *
 * Rows are uploaded first; then the receipt is put where none is, which decides between attempts that read other rows;
 * then the file that the receipt names is loaded by COPY INTO, which loads a path once in the life of its table. A
 * batch whose receipt is there and whose rows are counted in the table has been: so whatever was cut or lost, doing all
 * of it again is right. */
#include "delta_databricks.h"
#include "delta_lake.h"

#include <delta_databricks_sql.h>
#include <json-c/json.h>
#include <strings.h>
#include <unistd.h>

typedef struct batch {
    bricks *b;
    const lb_delta_append *append;
    char *folder, *receipt_file;
    delta_text table; /* as it stands in statements */
    lake_receipt receipt;
} batch;

/* ---- the receipt ---- */

/* *ret_found: an earlier attempt put it there. */
static int read_receipt(batch *t, bool *ret_found, lb_error *err)
{
    DELTA_AUTO_FREE char *text = NULL;
    REST_JSON_AUTO *doc = NULL;
    int r = bricks_get(t->b, t->receipt_file, t->append->deadline, &text, err);
    *ret_found = text != NULL;
    if (r < 0 || !text)
        return r;
    doc = json_tokener_parse(text);
    const char *checksum = rest_json_text(doc, "checksum");
    t->receipt.rows = rest_json_number(doc, "rows", -1);
    t->receipt.bytes = rest_json_number(doc, "bytes", -1);
    if (!checksum || strlen(checksum) >= sizeof t->receipt.checksum || t->receipt.rows < 0)
        return lb_fail(err, LB_ERR_CONFLICT, "was it written by something else? take it away", "%.200s is no receipt",
                       t->receipt_file);
    (void)snprintf(t->receipt.checksum, sizeof t->receipt.checksum, "%s", checksum); /* it was measured */
    return 0;
}

static char *file_of(const batch *t, const char *checksum)
{
    return delta_printf("%s.%s.parquet", t->append->key, checksum);
}

/* ---- the table ---- */

static void put_column(delta_text *sql, const char *name, const char *type)
{
    delta_text_puts(sql, sql->length ? ", " : "");
    bricks_identifier(sql, name);
    delta_text_printf(sql, " %s", type);
}

static int need_column(const batch *t, struct json_object *found, const char *name, const char *type,
                       delta_text *missing, lb_error *err)
{
    const char *there = found ? bricks_column_type(found, name) : NULL;
    int r = lake_check_column(name, type, err);
    if (r == 0 && there && strcasecmp(there, type) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "append to a table of another name, or cast the column in the question",
                       "the column %s of %s is %.60s in the lakehouse, and the rows have %.60s", name,
                       t->append->table.name, there, type);
    if (r == 0 && !there)
        put_column(missing, name, type);
    return r;
}

static int complete_table(batch *t, struct json_object *found, lb_error *err)
{
    static const char doc[] = "'rows that LakebaseOps put here'";
    const lb_delta_append *a = t->append;
    DELTA_TEXT columns = {0};
    int r = need_column(t, found, LB_LAKE_BATCH, "string", &columns, err);
    for (uint32_t i = 0; r == 0 && i < a->column_count; i++)
        r = need_column(t, found, a->columns[i].name, a->columns[i].type, &columns, err);
    if (r < 0 || !columns.length)
        return r;
    const delta_slot slots[] = {{"table", t->table.data}, {"columns", columns.data}, {"doc", doc}};
    DELTA_AUTO_FREE char *sql = delta_render(
        found ? delta_databricks_sql_add_columns : delta_databricks_sql_create_whole, slots, DELTA_COUNT(slots));
    return bricks_do(t->b, sql, found ? "to add columns to a table" : "to make a table", a->deadline, err);
}

static int need_table(batch *t, lb_error *err)
{
    const lb_lake_name *n = &t->append->table;
    REST_JSON_AUTO *found = NULL;
    DELTA_AUTO_FREE char *name = delta_printf("%s.%s.%s", n->catalog, n->schema, n->name);
    int r = bricks_prepare_places(t->b, t->append->deadline, err);
    if (r == 0)
        r = bricks_find(t->b, "tables", name, t->append->deadline, &found, err);
    if (r == LB_ERR_NOT_FOUND) {
        found = NULL;
        r = bricks_prepare_schema(t->b, n->catalog, n->schema, "rows of databases", t->append->deadline, err);
    }
    if (r == 0 && found && bricks_is_view(found))
        return lb_fail(err, LB_ERR_CONFLICT, "append to a table of another name", "%.300s is a view", name);
    if (r == 0)
        r = complete_table(t, found, err);
    return r < 0 ? bricks_name_grant(t->b, err, "USE SCHEMA, CREATE TABLE, SELECT, MODIFY ON SCHEMA `%s`.`%s`",
                                     n->catalog, n->schema)
                 : 0;
}

/* ---- rows ---- */

/* *ret_rows: how many rows of the batch the table has. */
static int count(batch *t, int64_t *ret_rows, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    DELTA_TEXT sql = {0};
    delta_text_printf(&sql, "SELECT count(*) AS n FROM %s WHERE " LB_LAKE_BATCH " = ", t->table.data);
    bricks_literal(&sql, t->append->key);
    const bricks_statement statement = {
        .text = sql.data, .what = "to count a batch", .deadline = t->append->deadline, .anywhere = true};
    int r = bricks_run(t->b, &statement, &answer, NULL, err);
    *ret_rows = r < 0 ? 0 : bricks_count_of(answer, "n", -1);
    return r;
}

static int read_version(batch *t, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    DELTA_TEXT sql = {0};
    delta_text_printf(&sql, "DESCRIBE HISTORY %s LIMIT 1", t->table.data);
    const bricks_statement statement = {
        .text = sql.data, .what = "the look at a table's history", .deadline = t->append->deadline, .anywhere = true};
    int r = bricks_run(t->b, &statement, &answer, NULL, err);
    t->receipt.version = r < 0 ? 0 : bricks_count_of(answer, "version", 0);
    return r == LB_ERR_SQL ? 0 : r; /* it is told, and proves nothing */
}

static int upload(batch *t, lb_error *err)
{
    const lb_delta_append *a = t->append;
    DELTA_AUTO_FREE char *local = delta_printf("%s/lake-%ld.parquet", t->b->stage_dir, (long)getpid()),
                         *name = file_of(t, a->checksum), *file = delta_printf("%s/%s", t->folder, name);
    DELTA_TEXT receipt = {0};
    int64_t bytes = 0;
    int r = delta_make_dir(t->b->stage_dir, err);
    if (r == 0)
        r = bricks_make_path(t->b, t->folder, a->deadline, err);
    if (r == 0 && a->rows)
        r = bricks_get_engine(t->b, err);
    if (r == 0 && a->rows)
        r = lake_write_parquet(t->b->engine, a, local, &bytes, err);
    if (r == 0 && a->rows)
        r = bricks_put(t->b, file, local, a->deadline, &bytes, err);
    (void)unlink(local); /* where there were no rows it is not there */
    if (r < 0)
        return r;
    delta_text_printf(&receipt, "{\"rows\":%lld,\"bytes\":%lld,\"checksum\":\"%s\"}", (long long)a->rows,
                      (long long)bytes, a->checksum);
    r = bricks_put_once(t->b, t->receipt_file, receipt.data, a->deadline, err);
    return r == LB_ERR_CONFLICT ? 0 : r; /* an attempt of ours whose answer was lost, or another's: the receipt tells */
}

static int load(batch *t, lb_error *err)
{
    DELTA_AUTO_FREE char *name = file_of(t, t->receipt.checksum), *file = delta_printf("%s/%s", t->folder, name);
    const char *const files[] = {name};
    const bricks_copy copy = {t->table.data, t->folder, "COPY INTO a table of the lakehouse",
                              files,         1,         t->append->deadline};
    int64_t loaded = 0, there = 0;
    lb_error late;
    int asked = 0, r = bricks_copy_into(t->b, &copy, &loaded, &asked, err);
    if (r == 0)
        r = count(t, &there, err);
    if (r < 0)
        return r;
    if (there != t->receipt.rows)
        return lb_fail(err, LB_ERR_CONFLICT, "look for them by " LB_LAKE_BATCH,
                       "batch %s has %lld rows in %s, and its receipt says %lld", t->append->key, (long long)there,
                       t->append->table.name, (long long)t->receipt.rows);
    if (bricks_delete(t->b, file, t->append->deadline, &late) < 0)
        delta_say(t->b->host, LB_LOG_WARN, "what is loaded still lies in the volume: %s", late.message);
    return 0;
}

/* ---- the call ---- */

static int append_batch(batch *t, lb_error *err)
{
    bool found = false;
    int64_t there = 0;
    int r = need_table(t, err);
    if (r == 0)
        r = read_receipt(t, &found, err);
    t->receipt.repeated = found;
    if (r == 0 && !found)
        r = upload(t, err);
    if (r == 0 && !found)
        r = read_receipt(t, &found, err);
    if (r == 0 && !found)
        return lb_fail(err, LB_ERR_IO, "try again", "%.200s was written and is not there", t->receipt_file);
    if (r == 0 && t->receipt.repeated && t->receipt.rows)
        r = count(t, &there, err);
    if (r == 0 && there != t->receipt.rows) {
        t->receipt.repeated = false; /* its rows come only now */
        r = load(t, err);
    }
    return r < 0 ? r : read_version(t, err);
}

int bricks_lake_append(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err)
{
    bricks *b = state;
    const lb_lake_name *n = &append->table;
    if (!lake_key_is_sound(append->key))
        return lb_fail(err, LB_ERR_INVALID, "up to 64 letters, digits and . _ -", "'%.80s' is no key of a batch",
                       append->key);
    batch t = {.b = b, .append = append};
    t.folder = delta_printf("/Volumes/%s/%s/%s/lake/%s/%s/%s", b->catalog, b->schema, b->volume, n->catalog, n->schema,
                            n->name);
    t.receipt_file = delta_printf("%s/%s.json", t.folder, append->key);
    bricks_lake_full_name(&t.table, n);
    int r = append_batch(&t, err);
    if (r < 0)
        b->grounded = false; /* after a failure nothing is believed */
    free(t.folder);
    free(t.receipt_file);
    delta_text_done(&t.table);
    return r < 0 ? r : lake_give_receipt(&t.receipt, sink, err);
}
