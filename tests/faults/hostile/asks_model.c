/* Asks a model about what it is given. */
#include "hostile.h"

struct args {
    const char *text, *sql, *says;
};

static const lb_param params[] = {
    LB_PARAM(struct args, text, LB_TEXT, "nothing", "a text of the watched database"),
    LB_PARAM(struct args, sql, LB_TEXT, NULL, "a statement of it"),
    LB_PARAM(struct args, says, LB_TEXT, "the scan reads 4200 rows", "what a rule says"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_answer *answer = NULL;
    const lb_exhibit exhibits[] = {
        {.id = "e1", .says = args->says, .weight = 1, .facts = LB_ARGS(lb_i64("rows", 4200), lb_f64("share", 0.25))},
        {.id = "e2", .facts = LB_ARGS(lb_text("comment", args->text)), .sql = args->sql},
        {.id = "e3", .says = "this weighs most", .weight = 9},
        {.id = NULL}};
    int r = lb_ask_model(ctx, LB_QUESTION(.task = "say what costs time", .exhibits = exhibits), &answer, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; r >= 0 && i < answer->count; i++) {
        const lb_sentence *s = &answer->sentences[i];
        r = lb_append(
            ctx, "sentences",
            LB_ARGS(lb_text("text", s->text), lb_text("cites", s->cites[0]), lb_bool("checked", s->is_checked)), err);
    }
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("source", answer->source), lb_i64("refused", answer->refused),
                                     lb_text("why", answer->refused_why), lb_bool("left", answer->left)),
                             err);
}

LB_TOOL(asks_model, "asks a model", .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params),
        .run = run);
