/* A tool with a parameter of every type: it must load beside the bad ones. */
#include <lbops/lbops.h>

struct args {
    const char *text, *name, *document;
    int64_t days, since;
    double ratio;
    lb_texts tables;
    lb_i64s sizes;
    bool deep;
};

static const lb_param params[] = {
    LB_PARAM(struct args, text, LB_TEXT, "fast", "how to look", .choices = "fast|safe"),
    LB_PARAM(struct args, name, LB_IDENT, NULL, "the schema", .required = true),
    LB_PARAM(struct args, document, LB_JSON, "{\"a\":1}", "anything"),
    LB_PARAM(struct args, days, LB_I64, "7", "how far back", .min = "1", .max = "90"),
    LB_PARAM(struct args, since, LB_TIME, NULL, "from when on"),
    LB_PARAM(struct args, ratio, LB_F64, "0.2", "how much", .min = "0", .max = "1"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_IDENT), "[]", "only these"),
    LB_PARAM(struct args, sizes, LB_LIST_OF(LB_I64), "[1,2]", "sizes to try"),
    LB_PARAM(struct args, deep, LB_BOOL, "false", "look into partitions"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "tables", 0, err);
}

LB_TOOL(good_tool, "a tool that is as it should be", .risk = LB_RISK_MEDIUM, .needs_approval = true, .detector = true,
        .agent = "health", .schedule = "*/15 * * * *", .timeout_s = 60, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics"), .emits = LB_NAMES("branch.created", "alert"),
        .calls = LB_NAMES("good_plain"), .run = run);
