/* example_cleanup: a change that a person has to allow, and a tool that calls another one for its evidence. */
#include <lbops/lbops.h>
#include <sql/example/drop_index.h>

struct args {
    const char *schema, *index;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schema, LB_IDENT, "public", "schema of the index"),
    LB_PARAM(struct args, index, LB_IDENT, NULL, "index to drop", .required = true),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const example_drop_index_args drop = {.schema = args->schema, .name = args->index};
    const char *tables = NULL;
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_call(ctx, "example_tables", NULL, LB_ARGS(lb_i64("min_bytes", 0)), &tables, err);
    if (r >= 0)
        r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "drop index %s.%s", args->schema, args->index),
                                   .reason = "asked for by name", .evidence = LB_ARGS(lb_json("tables", tables)),
                                   .undo = "create the index again from its definition"),
                          &group, err);
    if (r >= 0)
        r = example_drop_index(ctx, group, &drop, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_bool("dropped", outcome == LB_APPLIED)), err);
}

LB_TOOL(example_cleanup, "drops an index, once a person has agreed", .agent = "example", .risk = LB_RISK_HIGH,
        .needs_approval = true, LB_TOOL_ARGS(struct args, params), .calls = LB_NAMES("example_tables"), .run = run);
