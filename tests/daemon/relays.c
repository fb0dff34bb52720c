/* A tool that has another one read the history for it, about its own target. */
#include <lbops/lbops.h>

struct args {
    const char *act;
    int64_t repeat, rows;
};

static const lb_param params[] = {
    LB_PARAM(struct args, act, LB_TEXT, "read", "what the other one does"),
    LB_PARAM(struct args, repeat, LB_I64, "1", "how often it asks"),
    LB_PARAM(struct args, rows, LB_I64, "10", "how many"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *json = NULL;
    static const lb_value names[] = {{.type = LB_TEXT, .v.text = "dead_ratio"}, {.type = LB_TEXT, .v.text = "a"}};
    const lb_value *given = LB_ARGS(lb_text("act", args->act), lb_list("notes", LB_TEXT, names, 2),
                                    lb_i64("repeat", args->repeat), lb_i64("rows", args->rows));
    int r = lb_call(ctx, "remembers", NULL, given, &json, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("answer", json)), err);
}

LB_TOOL(relays, "has another tool read the history", .agent = "tests", .risk = LB_RISK_LOW,
        .calls = LB_NAMES("remembers"), LB_TOOL_ARGS(struct args, params), .run = run);
