/* example_vacuum: a change that may happen without asking. */
#include <lbops/lbops.h>
#include <sql/example/vacuum_table.h>

struct args {
    const char *schema, *table;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schema, LB_IDENT, "public", "schema of the table"),
    LB_PARAM(struct args, table, LB_IDENT, NULL, "table to vacuum", .required = true),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const example_vacuum_table_args vacuum = {.schema = args->schema, .table = args->table};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(
        ctx,
        LB_GROUP(.title = lb_printf(ctx, "vacuum %s.%s", args->schema, args->table), .reason = "asked for by name"),
        &group, err);
    if (r >= 0)
        r = example_vacuum_table(ctx, group, &vacuum, err);
    if (r >= 0)
        r = lb_examined(ctx, "tables", 1, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0 || outcome != LB_APPLIED)
        return r;
    return lb_emit(ctx, "vacuum.completed", LB_ARGS(lb_text("schema", args->schema), lb_text("table", args->table)),
                   err);
}

LB_TOOL(example_vacuum, "vacuums one table", .agent = "example", .risk = LB_RISK_LOW, .timeout_s = 600,
        LB_TOOL_ARGS(struct args, params), .emits = LB_NAMES("vacuum.completed"), .run = run);
