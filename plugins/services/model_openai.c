/* model_openai: any server that speaks chat completions, at home or elsewhere. What it gets has been redacted; it still
 * tells of tables and columns, so it travels encrypted or stays on this machine. */
#include "model_chat.h"

#include <stdlib.h>

struct settings {
    const char *url, *model, *token, *ca_file;
    int64_t max_tokens, timeout_s, retry_pause_ms;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, url, LB_TEXT, NULL, "address under which chat/completions lies: https://NAME/v1",
             .required = true),
    LB_PARAM(struct settings, model, LB_TEXT, NULL, "the model that is to answer", .required = true),
    LB_PARAM(struct settings, token, LB_SECRET, NULL, "what the server knows us by; none: it asks for none"),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAM(struct settings, max_tokens, LB_I64, "1500", "length of an answer", .min = "64", .max = "32768"),
    LB_PARAM(struct settings, timeout_s, LB_I64, "60", "patience with one question", .min = "1", .max = "600"),
    LB_PARAM(struct settings, retry_pause_ms, LB_I64, "500", "before a busy server is asked again; doubles", .min = "1",
             .max = "60000"),
    LB_PARAMS_END,
};

typedef struct openai {
    model_chat chat;
    char *model, *bearer; /* "Bearer TOKEN" */
} openai;

static int authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err)
{
    const openai *o = arg;
    (void)deadline; /* nothing waits here */
    if (renew)
        return lb_fail(err, LB_ERR_DENIED, "renew the token that [services.model] names", "the token was refused");
    *ret_value = o->bearer;
    return 0;
}

static void hide_token(void *arg, char *text, size_t size)
{
    const openai *o = arg;
    rest_hide(text, size, strchr(o->bearer, ' ') + 1);
}

static void close_openai(void *state)
{
    openai *o = state;
    o->chat.client = rest_client_free(o->chat.client);
    rest_wipe(o->bearer);
    free(o->model);
    free(o);
}

static int open_openai(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *s = args;
    openai *o = calloc(1, sizeof *o);
    if (!o)
        return lb_out_of_memory(err);
    o->model = strdup(s->model);
    o->bearer = s->token ? rest_printf("Bearer %s", s->token) : NULL;
    o->chat = (model_chat){.host = host,
                           .path = "/chat/completions",
                           .model = o->model,
                           .max_tokens = s->max_tokens,
                           .timeout_us = s->timeout_s * REST_SECOND};
    const rest_options rest = {.host = host,
                               .base_url = s->url,
                               .ca_file = s->ca_file,
                               .attempt_ms = s->timeout_s * 1000,
                               .budget_ms = s->timeout_s * 1000,
                               .pause_ms = s->retry_pause_ms,
                               .authorize = s->token ? authorize : NULL,
                               .hide = s->token ? hide_token : NULL,
                               .arg = o};
    int r = o->model && (o->bearer || !s->token) ? rest_client_new(&rest, &o->chat.client, err) : lb_out_of_memory(err);
    if (r < 0)
        close_openai(o);
    else
        *ret_state = o;
    return r;
}

static int ask(void *state, const lb_model_ask *question, int64_t deadline,
               int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const openai *o = state;
    return model_chat_ask(&o->chat, question, deadline, answer, arg, err);
}

static const char *name(void *state)
{
    const openai *o = state;
    return o->model;
}

LB_MODEL(model_openai, "a model behind any server of chat completions", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_openai,
         .close = close_openai, .ask = ask, .name = name);
