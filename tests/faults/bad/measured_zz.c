/* What the registry's own speed is measured with: the test copies it under many names. */
#include <lbops/lbops.h>

struct args {
    const char *schema;
    int64_t days, min_bytes;
    double ratio;
    lb_texts tables;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schema, LB_IDENT, "public", "the schema to look at"),
    LB_PARAM(struct args, days, LB_I64, "7", "how far back to look", .min = "1", .max = "90"),
    LB_PARAM(struct args, min_bytes, LB_I64, "10485760", "ignore tables smaller than this", .min = "0"),
    LB_PARAM(struct args, ratio, LB_F64, "0.2", "report from this share of waste on", .min = "0", .max = "1"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_IDENT), "[]", "only these tables"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "tables", 0, err);
}

LB_TOOL(measured_zz, "a tool of the usual size", .risk = LB_RISK_LOW, .agent = "health", .schedule = "0 * * * *",
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics", "vacuum_history"),
        .emits = LB_NAMES("alert"), .run = run);
