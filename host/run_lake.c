/* Asking tables of the lakehouse: by the way that questions to the history take, to a service process of its own. */
#include "run_state.h"

#include "compose.h"
#include "question.h"
#include "service_delta.h"

#include <strings.h>

#define NAME_MOST 255 /* of one part, in bytes */

/* The compiler of the catalogue lets nothing be of kind lake but this and a SELECT. */
bool run_lake_is_merge(const lb_sql *sql)
{
    return strncasecmp(sql->text, "MERGE", strlen("MERGE")) == 0;
}

static void put_question(const void *state, buf *out)
{
    wire_put_u32(out, DELTA_LAKE_ASK);
    question_put(out, state);
}

int run_lake(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err)
{
    run_state *run = run_of(ctx);
    const lb_sql *sql = NULL;
    if (statement->kind != LB_STATEMENT_LAKE)
        return lb_fail(err, LB_ERR_INVALID, "lb_query and lb_history are for the others",
                       "%s is no question to the lakehouse", statement->name);
    int r = run_ask_sql(run, statement, args, &sql, err);
    if (r >= 0 && run_lake_is_merge(sql))
        return lb_fail(err, LB_ERR_INVALID, "make it a change of a group (LB_LAKE_MERGE)",
                       "%s changes rows of the lakehouse", statement->name);
    if (r < 0)
        return r;
    const run_question question = {
        .type = WIRE_LAKE, .statement = statement, .args = args, .text = sql->text, .put = put_question, .state = sql};
    return run_ask(run, &question, ret_rows, err);
}

/* ---- a table's shape ---- */

/* What no engine can hold as a name, and what a folder cannot. */
int run_lake_check_name(const lb_lake_name *name, lb_error *err)
{
    const char *const parts[] = {name->catalog, name->schema, name->name};
    for (size_t i = 0; i < LB_COUNT(parts); i++) {
        const char *part = parts[i];
        bool good = part && *part && *part != '.' && strlen(part) <= NAME_MOST;
        for (const char *p = part; good && *p; p++)
            good = (unsigned char)*p > ' ' - 1 && *p != '/' && *p != 0x7f;
        if (!good)
            return lb_fail(err, LB_ERR_INVALID, "catalog, schema and name: without '/', no leading dot, 255 bytes",
                           "%.80s.%.80s.%.80s is no table of the lakehouse", parts[0] ? parts[0] : "?",
                           parts[1] ? parts[1] : "?", parts[2] ? parts[2] : "?");
    }
    return 0;
}

static void put_name(const void *state, buf *out)
{
    const lb_lake_name *name = state;
    wire_put_u32(out, DELTA_LAKE_TABLE);
    wire_put_str(out, name->catalog);
    wire_put_str(out, name->schema);
    wire_put_str(out, name->name);
}

static const lb_column shape_columns[] = {
    {"name", LB_TEXT, false}, {"type", LB_TEXT, false}, {"version", LB_I64, false}, {"committed_at", LB_TIME, false}};
static const lb_statement shape = {.size = sizeof shape,
                                   .kind = LB_STATEMENT_LAKE,
                                   .name = "lake/table",
                                   .columns = shape_columns,
                                   .column_count = LB_COUNT(shape_columns)};

static int take_shape(run_state *run, lb_rows *rows, const lb_lake_table **ret_table, lb_error *err)
{
    size_t count = (size_t)run_row_count(rows);
    lb_lake_table *table = arena_alloc(run->memory, sizeof *table);
    lb_lake_column *columns = arena_alloc(run->memory, (count + 1) * sizeof *columns);
    if (!table || !columns)
        return lb_out_of_memory(err);
    *table = (lb_lake_table){.size = sizeof *table, .columns = columns};
    for (const lb_value *row; (row = run_next(rows));) {
        columns[table->column_count++] = (lb_lake_column){.name = row[0].v.text, .type = row[1].v.text};
        table->version = row[2].v.i64;
        table->committed_at = row[3].v.i64;
    }
    *ret_table = table;
    return 0;
}

int run_lake_table(lb_ctx *ctx, const lb_lake_name *name, const lb_lake_table **ret_table, lb_error *err)
{
    run_state *run = run_of(ctx);
    lb_rows *rows = NULL;
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = run_lake_check_name(name, err);
    if (r < 0)
        return r;
    const run_question question = {.type = WIRE_LAKE,
                                   .statement = &shape,
                                   .args = LB_ARGS(lb_text("catalog", name->catalog), lb_text("schema", name->schema),
                                                   lb_text("name", name->name)),
                                   .text = shape.name,
                                   .put = put_name,
                                   .state = name};
    r = run_ask(run, &question, &rows, err);
    return r < 0 ? r : take_shape(run, rows, ret_table, err);
}
