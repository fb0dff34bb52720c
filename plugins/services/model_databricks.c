/* model_databricks: a serving endpoint of the workspace, with the workspace's own credentials. */
#include "auth_token.h"
#include "model_chat.h"

#include <stdlib.h>

struct settings {
    auth_settings auth;
    const char *endpoint, *ca_file;
    int64_t max_tokens, timeout_s, retry_pause_ms;
};

static const lb_param params[] = {
    AUTH_PARAMS(struct settings, auth),
    LB_PARAM(struct settings, endpoint, LB_TEXT, "databricks-meta-llama-3-3-70b-instruct",
             "the serving endpoint; they differ by region and end with notice"),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAM(struct settings, max_tokens, LB_I64, "1500", "length of an answer", .min = "64", .max = "32768"),
    LB_PARAM(struct settings, timeout_s, LB_I64, "60", "patience with one question", .min = "1", .max = "600"),
    LB_PARAM(struct settings, retry_pause_ms, LB_I64, "500", "before a busy workspace is asked again; doubles",
             .min = "1", .max = "60000"),
    LB_PARAMS_END,
};

typedef struct bricks_model {
    model_chat chat;
    auth *auth;
    char *endpoint, *path;
} bricks_model;

static void close_model(void *state)
{
    bricks_model *m = state;
    m->chat.client = rest_client_free(m->chat.client);
    m->auth = auth_free(m->auth);
    free(m->endpoint);
    free(m->path);
    free(m);
}

static int connect_workspace(bricks_model *m, const struct settings *s, const auth_config *config, lb_error *err)
{
    char id[80];
    const char *const headers[] = {config->workspace_id ? id : NULL, NULL};
    rest_options options = {.host = m->chat.host,
                            .ca_file = s->ca_file,
                            .user_agent = "lbops/" LB_PLUGIN_VERSION,
                            .attempt_ms = s->timeout_s * 1000,
                            .budget_ms = s->timeout_s * 1000,
                            .pause_ms = s->retry_pause_ms};
    int r = auth_new(config, &options, &m->auth, err);
    if (r < 0)
        return r;
    (void)snprintf(id, sizeof id, "X-Databricks-Workspace-Id: %.40s", config->workspace_id ? config->workspace_id : "");
    options.base_url = auth_host(m->auth);
    options.headers = headers;
    options.authorize = auth_authorize;
    options.hide = auth_hide;
    options.arg = m->auth;
    return rest_client_new(&options, &m->chat.client, err);
}

/* NULL: no memory. */
static char *path_of(const char *endpoint)
{
    rest_buf path = {.limit = 4096};
    rest_buf_text(&path, "/serving-endpoints/");
    rest_buf_escaped(&path, endpoint);
    rest_buf_text(&path, "/invocations");
    char *copy = path.failed ? NULL : strdup(path.data);
    rest_buf_done(&path);
    return copy;
}

static int open_model(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *s = args;
    auth_config config = {.host = NULL};
    int r = auth_config_load(&s->auth, &config, err);
    if (r < 0)
        return r;
    bricks_model *m = calloc(1, sizeof *m);
    if (m) {
        m->endpoint = strdup(s->endpoint);
        m->path = path_of(s->endpoint);
        m->chat = (model_chat){
            .host = host, .path = m->path, .max_tokens = s->max_tokens, .timeout_us = s->timeout_s * REST_SECOND};
    }
    r = m && m->endpoint && m->path ? connect_workspace(m, s, &config, err) : lb_out_of_memory(err);
    auth_config_done(&config);
    if (r >= 0)
        *ret_state = m;
    else if (m)
        close_model(m);
    return r;
}

static int ask(void *state, const lb_model_ask *question, int64_t deadline,
               int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const bricks_model *m = state;
    int r = model_chat_ask(&m->chat, question, deadline, answer, arg, err);
    if (r == LB_ERR_NOT_FOUND || r == LB_ERR_UNSUPPORTED)
        (void)snprintf(err->hint, sizeof err->hint, /* cut */
                       "name another endpoint in [services.model]: %.60s is not served here", m->endpoint);
    if (r == LB_ERR_DENIED)
        (void)snprintf(err->hint, sizeof err->hint, "it takes CAN_QUERY on the endpoint %.60s", m->endpoint); /* cut */
    return r;
}

static const char *name(void *state)
{
    const bricks_model *m = state;
    return m->endpoint;
}

LB_MODEL(model_databricks, "a serving endpoint of the workspace", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_model, .close = close_model, .ask = ask, .name = name);
