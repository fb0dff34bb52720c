/* Overwrites what the host gave it: its arguments, and the table of the host's functions. */
#include "hostile.h"

struct args {
    const char *text;
    int64_t number;
    bool table;
};

static const lb_param params[] = {
    LB_PARAM(struct args, text, LB_TEXT, "as given", "a text"),
    LB_PARAM(struct args, number, LB_I64, "7", "a number"),
    LB_PARAM(struct args, table, LB_BOOL, "false", "goes for the table too"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    struct args *args = (struct args *)(uintptr_t)ctx->args; /* const is only a request */
    static lb_host empty;
    int r = lb_result(ctx, LB_ARGS(lb_text("text", args->text), lb_i64("number", args->number)), err);
    bool table = args->table;
    memset(args, 0xa5, sizeof *args);
    ctx->args = NULL;
    if (table)
        ctx->host = &empty;
    return r < 0 ? r : lb_examined(ctx, "things", 1, err);
}

HOSTILE(alters_context, "writes into what it was only lent", LB_TOOL_ARGS(struct args, params));
