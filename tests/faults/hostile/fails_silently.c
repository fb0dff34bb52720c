/* Fails and does not say why, or says that it failed and means success. */
#include "hostile.h"

struct args {
    const char *how;
};

static const lb_param params[] = {
    LB_PARAM(struct args, how, LB_TEXT, "silent", "in which way it is unclear",
             .choices = "silent|positive|contradiction|unterminated"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    if (strcmp(args->how, "positive") == 0)
        err->code = 12;
    if (strcmp(args->how, "contradiction") == 0) {
        (void)lb_fail(err, LB_ERR_TOOL, NULL, "something went wrong"); /* and then 0 all the same */
        return 0;
    }
    if (strcmp(args->how, "unterminated") == 0) {
        err->code = LB_ERR_TOOL;
        memset(err->sqlstate, 'A', sizeof err->sqlstate);
        memset(err->message, 'm', sizeof err->message);
        memset(err->hint, 'h', sizeof err->hint);
        return LB_ERR_TOOL;
    }
    return -77;
}

HOSTILE(fails_silently, "leaves it open what went wrong", LB_TOOL_ARGS(struct args, params));
