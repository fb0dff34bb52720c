/* http_rest: calls of tools to web services that speak JSON, such as a code host's API. */
#include "rest_client.h"

#include <lbops/http.h>

#include <stdlib.h>

#define CONNECT_MS   10000
#define ATTEMPT_MS   30000
#define ANSWER_LIMIT ((size_t)16 * 1024 * 1024)

typedef struct rest_site {
    rest_client *client;
    char *name, *token;
} rest_site;

static void hide_token(void *arg, char *text, size_t size)
{
    const rest_site *s = arg;
    rest_hide(text, size, s->token);
}

static void close_site(void *state)
{
    rest_site *s = state;
    s->client = rest_client_free(s->client);
    rest_wipe(s->token);
    free(s->name);
    free(s);
}

/* What a header can carry; anything else would become another header. */
static bool is_sendable(const char *token)
{
    for (; *token; token++)
        if (*token <= ' ' || *token >= 0x7F)
            return false;
    return true;
}

static int open_client(rest_site *s, const lb_service_host *host, const lb_site *site, lb_error *err)
{
    char *token = site->token ? rest_printf("Authorization: Bearer %s", site->token) : NULL;
    const char *headers[3] = {0};
    size_t count = 0;
    if (site->token && !token)
        return lb_out_of_memory(err);
    if (token)
        headers[count++] = token;
    if (strcmp(site->kind, "github") == 0)
        headers[count++] = "X-GitHub-Api-Version: 2022-11-28";
    const rest_options options = {.host = host,
                                  .base_url = site->url,
                                  .ca_file = site->ca_file,
                                  .headers = headers,
                                  .connect_ms = CONNECT_MS,
                                  .attempt_ms = ATTEMPT_MS,
                                  .hide = hide_token,
                                  .arg = s};
    int r = rest_client_new(&options, &s->client, err);
    rest_wipe(token);
    return r;
}

static int open_site(const lb_service_host *host, const void *args, const lb_site *site, void **ret_state,
                     lb_error *err)
{
    (void)args; /* it has no parameters */
    if (site->token && !is_sendable(site->token))
        return lb_fail(err, LB_ERR_INVALID, "is it the right one? a token is one line of ASCII without blanks",
                       "the token of the web service %s cannot be one", site->name);
    rest_site *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    s->name = strdup(site->name);
    s->token = rest_strdup(site->token);
    int r = s->name && (s->token || !site->token) ? open_client(s, host, site, err) : lb_out_of_memory(err);
    if (r < 0)
        close_site(s);
    else
        *ret_state = s;
    return r;
}

/* ---- a call ---- */

/* Services that count calls refuse with 403 as well as with 429, and say when to come back. */
static bool is_counted(const rest_problem *p)
{
    return p->status == 403 && p->wait_ms >= 0;
}

static bool try_again(void *arg, const rest_problem *problem)
{
    (void)arg;
    return is_counted(problem);
}

/* What the client's hints say is meant for a workspace. */
static int explain(const rest_site *s, const rest_problem *p, lb_error *err)
{
    const char *hint = NULL;
    char text[200];
    if (is_counted(p)) {
        err->code = LB_ERR_LIMIT;
        if (strncmp(err->hint, "the server asks to wait", 23) != 0)
            hint = "the service counts calls: try again later";
    } else if (p->status == 401) {
        hint = s->token ? "its token is not valid there: has it expired?" : "it wants a token: give [http.%s] one";
    } else if (p->status == 403) {
        hint = "the token of [http.%s] lacks a permission for that";
    } else if (p->status == 404) {
        hint = "check the name; what the token of [http.%s] may not see is not found either";
    } else if (p->status >= 300 && p->status < 400) {
        hint = "it has moved: give the new name or address";
    }
    if (!hint)
        return err->code;
    const char *mark = strstr(hint, "%s");
    int before = mark ? (int)(mark - hint) : (int)strlen(hint);
    (void)snprintf(text, sizeof text, "%.*s%s%s", before, hint, mark ? s->name : "", mark ? mark + 2 : "");
    (void)snprintf(err->hint, sizeof err->hint, "%s", text); /* names are short */
    return err->code;
}

static int hand_over(const rest_reply *answer, const char *what,
                     int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const char *text = answer->body.data;
    if (!text[strspn(text, " \t\r\n")])
        return reply(arg, "null", err);
    REST_JSON_AUTO *document = rest_json_parse(text, answer->body.length, what, err);
    return document ? reply(arg, text, err) : err->code;
}

static int call_site(void *state, const lb_request *request, int64_t deadline,
                     int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    rest_site *s = state;
    char what[200];
    rest_problem problem = {.wait_ms = -1};
    rest_reply answer = {.status = 0};
    (void)snprintf(what, sizeof what, "%.63s: %.10s %.110s", s->name, request->method, request->path); /* cut */
    const rest_call call = {.method = request->method,
                            .path = request->path,
                            .query = request->query,
                            .body = request->body,
                            .body_length = request->body ? strlen(request->body) : 0,
                            .what = what,
                            .deadline = deadline,
                            .limit = ANSWER_LIMIT,
                            .again = try_again,
                            .problem = &problem};
    int r = rest_perform(s->client, &call, &answer, err);
    if (r < 0)
        return explain(s, &problem, err);
    r = hand_over(&answer, what, reply, arg, err);
    rest_reply_done(&answer);
    return r < 0 ? r : 0;
}

LB_HTTP(http_rest, "calls to web services that speak JSON", .open = open_site, .close = close_site, .call = call_site);
