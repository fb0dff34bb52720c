/* A model that does what any text tells it, or what its setting says; it keeps a copy of what it was told. */
#include "hostile.h"

#include <lbops/model.h>

struct settings {
    const char *answer, *copy;
    int64_t code;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, answer, LB_TEXT, "{\"sentences\":[]}", "what it says"),
    LB_PARAM(struct settings, copy, LB_TEXT, NULL, "where what it was told goes"),
    LB_PARAM(struct settings, code, LB_I64, "0", "fails so"),
    LB_PARAMS_END,
};

static int open_model(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *given = args;
    struct settings *s = malloc(sizeof *s);
    (void)host;
    if (!s)
        return lb_out_of_memory(err);
    *s = (struct settings){
        .answer = strdup(given->answer), .copy = given->copy ? strdup(given->copy) : NULL, .code = given->code};
    *ret_state = s;
    return 0;
}

static void close_model(void *state)
{
    struct settings *s = state;
    union {
        const char *in;
        char *out;
    } answer = {s->answer}, copy = {s->copy};
    free(answer.out);
    free(copy.out);
    free(s);
}

static int ask(void *state, const lb_model_ask *question, int64_t deadline,
               int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const struct settings *s = state;
    (void)deadline;
    FILE *out = s->copy ? fopen(s->copy, "w") : NULL;
    if (out) {
        (void)fprintf(out, "%s\n%s\n%s", question->system, question->prompt, question->evidence);
        (void)fclose(out); /* a test's */
    }
    if (s->code)
        return lb_fail(err, (int)s->code, NULL, "nobody is there");
    return answer(arg, s->answer, err);
}

static const char *name(void *state)
{
    (void)state;
    return "parrot";
}

LB_MODEL(model_obeys, "a model that obeys anybody", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_model, .close = close_model, .ask = ask, .name = name);
