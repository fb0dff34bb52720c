/* Calls other tools, rightly and wrongly. */
#include "hostile.h"

struct args {
    const char *whom;
};

static const lb_param params[] = {
    LB_PARAM(struct args, whom, LB_TEXT, NULL, "whom to call", .required = true),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *document = NULL;
    int r = lb_call(ctx, args->whom, NULL, LB_NO_ARGS, &document, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("answer", document)), err);
}

HOSTILE(caller, "calls whom it is told to", LB_TOOL_ARGS(struct args, params), .timeout_s = 3,
        .calls = LB_NAMES("caller", "circle_a", "deep_1", "fails_silently", "segfaults", "nobody", "rests", "steps",
                          "loops_until_cancelled"));
