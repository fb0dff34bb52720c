/* branch_schemas: schemas that a branch is to have, such as one for each tenant. Those that are there stay as they are.
 */
#include <lbops/lbops.h>
#include <sql/branch/create_schema.h>
#include <sql/branch/schemas.h>

struct args {
    lb_texts schemas;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schemas, LB_LIST_OF(LB_TEXT), NULL, "their names", .required = true),
    LB_PARAMS_END,
};

static bool has(const lb_texts *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Together or not at all: a tenant without a schema is no half of anything that works. */
static int make(lb_ctx *ctx, const lb_texts *missing, int64_t *ret_made, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    if (!missing->count)
        return 0;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "make %zu schema(s)", missing->count),
                                   .reason = "each tenant has one", .undo = "drop them while they are empty",
                                   .atomic = true),
                          &group, err);
    for (size_t i = 0; r >= 0 && i < missing->count; i++) {
        const branch_create_schema_args schema = {.schema = missing->items[i]};
        r = branch_create_schema(ctx, group, &schema, err);
    }
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    *ret_made = r >= 0 && outcome == LB_APPLIED ? (int64_t)missing->count : 0;
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const branch_schemas_args wanted = {.names = args->schemas};
    const size_t bytes = (args->schemas.count + 1) * sizeof(const char *);
    const char **there = lb_alloc(ctx, bytes), **missing = lb_alloc(ctx, bytes);
    branch_schemas_row row;
    lb_rows *rows = NULL;
    size_t count = 0, lacking = 0;
    int64_t made = 0;
    if (!there || !missing)
        return lb_out_of_memory(err);
    int r = branch_schemas(ctx, &wanted, &rows, err);
    while (r >= 0 && branch_schemas_next(ctx, rows, &row))
        if (count < args->schemas.count)
            there[count++] = row.name;
    const lb_texts found = {there, count};
    for (size_t i = 0; r >= 0 && i < args->schemas.count; i++)
        if (!has(&found, args->schemas.items[i]) && !has(&(lb_texts){missing, lacking}, args->schemas.items[i]))
            missing[lacking++] = args->schemas.items[i];
    if (r >= 0)
        r = make(ctx, &(lb_texts){missing, lacking}, &made, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_i64("made", made), lb_i64("there", (int64_t)count)), err);
}

LB_TOOL(branch_schemas, "makes the schemas that a branch lacks", .agent = "provisioning", .risk = LB_RISK_LOW,
        LB_TOOL_ARGS(struct args, params), .run = run);
