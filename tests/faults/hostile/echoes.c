/* Gives back each of its parameters as it arrived. */
#include "hostile.h"

struct args {
    const char *text, *ident, *document;
    int64_t i64, time;
    double f64;
    bool flag;
    lb_texts texts;
    lb_i64s i64s;
    lb_f64s f64s;
    lb_bools flags;
};

static const lb_param params[] = {
    LB_PARAM(struct args, text, LB_TEXT, NULL, "a text"),
    LB_PARAM(struct args, ident, LB_IDENT, "id", "an identifier"),
    LB_PARAM(struct args, document, LB_JSON, "{}", "a document"),
    LB_PARAM(struct args, i64, LB_I64, "42", "an integer", .min = "-100", .max = "9223372036854775807"),
    LB_PARAM(struct args, time, LB_TIME, NULL, "a moment"),
    LB_PARAM(struct args, f64, LB_F64, "0.5", "a number"),
    LB_PARAM(struct args, flag, LB_BOOL, "true", "yes or no"),
    LB_PARAM(struct args, texts, LB_LIST_OF(LB_TEXT), NULL, "texts"),
    LB_PARAM(struct args, i64s, LB_LIST_OF(LB_I64), "[1, 2]", "integers"),
    LB_PARAM(struct args, f64s, LB_LIST_OF(LB_F64), NULL, "numbers"),
    LB_PARAM(struct args, flags, LB_LIST_OF(LB_BOOL), NULL, "yes or no, several times"),
    LB_PARAMS_END,
};

static int append_lists(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < args->texts.count && r >= 0; i++)
        r = lb_append(ctx, "texts", LB_ARGS(lb_text("v", args->texts.items[i])), err);
    for (size_t i = 0; i < args->i64s.count && r >= 0; i++)
        r = lb_append(ctx, "i64s", LB_ARGS(lb_i64("v", args->i64s.items[i])), err);
    for (size_t i = 0; i < args->f64s.count && r >= 0; i++)
        r = lb_append(ctx, "f64s", LB_ARGS(lb_f64("v", args->f64s.items[i])), err);
    for (size_t i = 0; i < args->flags.count && r >= 0; i++)
        r = lb_append(ctx, "flags", LB_ARGS(lb_bool("v", args->flags.items[i])), err);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = lb_result(ctx,
                      LB_ARGS(lb_text("text", args->text), lb_text("ident", args->ident),
                              lb_json("document", args->document), lb_i64("i64", args->i64),
                              args->time == LB_TIME_NONE ? lb_null("time") : lb_time("time", args->time),
                              lb_f64("f64", args->f64), lb_bool("flag", args->flag)),
                      err);
    return r < 0 ? r : append_lists(ctx, args, err);
}

HOSTILE(echoes, "says what it was told", LB_TOOL_ARGS(struct args, params));
