/* lake_door: a tool that does at the door of the lakehouse what a test says. */
#include <lbops/lbops.h>
#include <sql/lake_door/batch.h>
#include <sql/lake_door/rows.h>
#include <sql/lake_door/wanted.h>

#define COLUMNS_MOST 64

struct args {
    const char *action, *catalog, *schema, *name, *source, *key;
    int64_t first;
    bool atomic;
    lb_texts columns, types;
};

static const lb_param params[] = {
    LB_PARAM(struct args, action, LB_TEXT, "append", "what to do", .choices = "append|batch|look"),
    LB_PARAM(struct args, catalog, LB_TEXT, "main", "catalog of the lakehouse"),
    LB_PARAM(struct args, schema, LB_TEXT, "sales", "its schema"),
    LB_PARAM(struct args, name, LB_TEXT, "orders", "its table"),
    LB_PARAM(struct args, source, LB_TEXT, "orders", "the table on the server"),
    LB_PARAM(struct args, key, LB_TEXT, "k1", "the batch"),
    LB_PARAM(struct args, first, LB_I64, "0", "rows from this id on"),
    LB_PARAM(struct args, atomic, LB_BOOL, "false", "in a transaction"),
    LB_PARAM(struct args, columns, LB_LIST_OF(LB_TEXT), "[\"id\"]", "names"),
    LB_PARAM(struct args, types, LB_LIST_OF(LB_TEXT), "[\"bigint\"]", "types, as format_type prints them"),
    LB_PARAMS_END,
};

static int append(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    lb_lake_column columns[COLUMNS_MOST];
    lb_value names[COLUMNS_MOST];
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    for (size_t i = 0; i < args->columns.count; i++) {
        columns[i] = (lb_lake_column){args->columns.items[i], args->types.items[i]};
        names[i] = lb_ident(NULL, args->columns.items[i]);
    }
    const lb_value *values = LB_ARGS(lb_list("columns", LB_IDENT, names, args->columns.count),
                                     lb_ident("source", args->source), lb_i64("first", args->first));
    int r = lb_group_open(ctx, LB_GROUP(.title = "append", .reason = "a test wants it", .atomic = args->atomic), &group,
                          err);
    if (r >= 0)
        r = lb_change_lake(ctx, group,
                           LB_LAKE_APPEND(.table = {args->catalog, args->schema, args->name}, .key = args->key,
                                          .rows = &lake_door_rows_sql, .args = values, .columns = columns,
                                          .column_count = (uint32_t)args->columns.count),
                           err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r >= 0 && outcome == LB_APPLIED)
        r = lb_result(ctx, LB_ARGS(lb_json("receipt", lb_group_reply(ctx, group))), err);
    return r;
}

static int ask(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    const lb_sql *wanted = NULL;
    lb_rows *rows = NULL;
    lake_door_batch_row row;
    int r = lake_door_wanted_compose(ctx, &(lake_door_wanted_args){.first = args->first}, &wanted, err);
    if (r >= 0)
        r = lake_door_batch(ctx,
                            &(lake_door_batch_args){.catalog = args->catalog,
                                                    .schema = args->schema,
                                                    .name = args->name,
                                                    .batch = args->key,
                                                    .wanted = wanted},
                            &rows, err);
    while (r >= 0 && lake_door_batch_next(ctx, rows, &row))
        r = lb_append(ctx, "batches",
                      LB_ARGS(lb_text("batch", row.batch), lb_i64("rows", row.rows), lb_i64("first", row.first)), err);
    return r;
}

static int look(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    const lb_lake_table *table = NULL;
    int r = lb_lake_look(ctx, &(lb_lake_name){args->catalog, args->schema, args->name}, &table, err);
    for (uint32_t i = 0; r >= 0 && i < table->column_count; i++)
        r = lb_append(ctx, "columns",
                      LB_ARGS(lb_text("name", table->columns[i].name), lb_text("type", table->columns[i].type)), err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("version", table->version), lb_time("committed_at", table->committed_at)),
                             err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    if (strcmp(args->action, "append") == 0)
        return append(ctx, args, err);
    return strcmp(args->action, "batch") == 0 ? ask(ctx, args, err) : look(ctx, args, err);
}

LB_TOOL(lake_door, "does at the door of the lakehouse what a test says", .risk = LB_RISK_LOW,
        LB_TOOL_ARGS(struct args, params), .run = run);
