/* The client's life, and a call from its first attempt to its last. */
#include "rest_internal.h"

#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_CONNECT_MS INT64_C(10000)
#define DEFAULT_ATTEMPT_MS INT64_C(60000)
#define DEFAULT_BUDGET_MS  INT64_C(300000)
#define DEFAULT_PAUSE_MS   INT64_C(500)

/* ---- life ---- */

static bool is_this_machine(const char *authority)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(authority, names[i], length) == 0 && (!authority[length] || strchr(":/", authority[length])))
            return true;
    }
    return false;
}

static int check_base(const char *url, lb_error *err)
{
    if (strncmp(url, "https://", 8) == 0 && url[8] && !strchr(url + 8, '@'))
        return 0;
    if (strncmp(url, "http://", 7) == 0 && is_this_machine(url + 7))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "give it as https://name; http would show tokens to the network",
                   "%.100s is no address to send credentials to", strchr(url, '@') ? "a URL with a user in it" : url);
}

static char **copy_headers(const char *const *headers)
{
    size_t count = 0;
    while (headers && headers[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = strdup(headers[i])))
            return copy; /* shorter than asked for: the caller counts */
    return copy;
}

static bool has_all(char **copy, const char *const *headers)
{
    for (size_t i = 0; copy && headers && headers[i]; i++)
        if (!copy[i])
            return false;
    return copy != NULL;
}

static int make_handles(rest_client *c, lb_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "libcurl cannot start");
    c->multi = curl_multi_init();
    c->easy = curl_easy_init();
    return c->multi && c->easy ? 0 : lb_out_of_memory(err);
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static void set_defaults(rest_options *o)
{
    o->connect_ms = or_default(o->connect_ms, DEFAULT_CONNECT_MS);
    o->attempt_ms = or_default(o->attempt_ms, DEFAULT_ATTEMPT_MS);
    o->budget_ms = or_default(o->budget_ms, DEFAULT_BUDGET_MS);
    o->pause_ms = or_default(o->pause_ms, DEFAULT_PAUSE_MS);
}

int rest_client_new(const rest_options *options, rest_client **ret_client, lb_error *err)
{
    const char *ca = options->ca_file ? options->ca_file : getenv("SSL_CERT_FILE");
    int r = options->base_url ? check_base(options->base_url, err) : 0;
    if (r < 0)
        return r;
    rest_client *c = calloc(1, sizeof *c);
    if (!c)
        return lb_out_of_memory(err);
    c->options = *options;
    set_defaults(&c->options);
    c->retries = REST_RETRIES_MAX;
    c->base_url = rest_strdup(options->base_url);
    c->ca_file = rest_strdup(ca && *ca ? ca : NULL);
    c->user_agent = strdup(options->user_agent ? options->user_agent : "lbops");
    c->headers = copy_headers(options->headers);
    bool whole = c->user_agent && (c->base_url || !options->base_url) && (c->ca_file || !ca || !*ca) &&
                 has_all(c->headers, options->headers);
    r = whole ? make_handles(c, err) : lb_out_of_memory(err);
    if (r < 0) {
        rest_client_free(c);
        return r;
    }
    for (char *end = c->base_url ? c->base_url + strlen(c->base_url) : NULL; end && end[-1] == '/';)
        *--end = '\0';
    *ret_client = c;
    return 0;
}

rest_client *rest_client_free(rest_client *c)
{
    if (!c)
        return NULL;
    curl_easy_cleanup(c->easy);
    if (c->multi)
        (void)curl_multi_cleanup(c->multi); /* nothing is in it any more */
    for (size_t i = 0; c->headers && c->headers[i]; i++)
        rest_wipe(c->headers[i]); /* one may carry a credential */
    free(c->headers);
    free(c->base_url);
    free(c->ca_file);
    free(c->user_agent);
    free(c);
    return NULL;
}

const char *rest_base_url(const rest_client *c)
{
    return c->base_url ? c->base_url : "";
}

const char *rest_default_ca(void)
{
    static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/cert.pem"};
    const char *named = getenv("SSL_CERT_FILE");
    if (named && *named)
        return named;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (access(usual[i], R_OK) == 0)
            return usual[i];
    return NULL;
}

void rest_reply_done(rest_reply *reply)
{
    rest_buf_done(&reply->body);
    free(reply->next_url);
    *reply = (rest_reply){.status = 0};
}

/* ---- a call ---- */

static int authorization(rest_client *c, const rest_call *call, bool renew, int64_t deadline, const char **ret_value,
                         lb_error *err)
{
    *ret_value = NULL;
    if (!c->options.authorize || (call->flags & REST_ANONYMOUS))
        return 0;
    return c->options.authorize(c->options.arg, renew, deadline, ret_value, err);
}

/* One attempt with its answer judged. */
static int attempt_once(rest_attempt *a, bool renew, int64_t deadline, lb_error *err)
{
    const char *value = NULL;
    int r = authorization(a->client, a->call, renew, deadline, &value, err);
    if (r < 0) {
        a->problem.status = 401; /* final */
        return r;
    }
    r = rest_transfer(a, value, err);
    if (r == 0 && (a->reply->status < 200 || a->reply->status > 299))
        r = rest_fail_answer(a, err);
    if (r < 0 && a->client->options.hide) {
        a->client->options.hide(a->client->options.arg, err->message, sizeof err->message);
        a->client->options.hide(a->client->options.arg, err->hint, sizeof err->hint);
    }
    return r;
}

static bool may_renew(const rest_attempt *a, bool renewed)
{
    return a->problem.status == 401 && !renewed && a->reply->status == 401 && a->client->options.authorize &&
           !(a->call->flags & REST_ANONYMOUS);
}

static int run_attempts(rest_attempt *a, int64_t deadline, lb_error *err)
{
    bool renew = false, renewed = false, doubt = false;
    for (int attempts = 1;; attempts++) {
        rest_reply_done(a->reply);
        a->reply->attempts = attempts;
        doubt = doubt || (attempts > 1 && rest_is_ambiguous(&a->problem));
        a->problem = (rest_problem){.wait_ms = -1, .doubt = doubt};
        int r = attempt_once(a, renew, deadline, err);
        if (r == 0) {
            rest_refill(a->client);
            return 0;
        }
        renew = may_renew(a, renewed); /* a rejected token was not looked beyond: any call can be repeated */
        if (renew) {
            renewed = true;
            continue;
        }
        bool again = rest_is_transient(a, err) || (a->call->again && a->problem.status && !a->taken &&
                                                   a->call->again(a->call->again_arg, &a->problem));
        if (!again || rest_pause(a->client, a, attempts, deadline, err) < 0)
            return err->code;
    }
}

int rest_perform(rest_client *c, const rest_call *call, rest_reply *ret_reply, lb_error *err)
{
    char what[200];
    rest_reply reply = {.status = 0};
    if (call->what || (call->flags & REST_SECRET_URL))
        (void)snprintf(what, sizeof what, "%s", call->what ? call->what : call->method); /* cut */
    else
        (void)snprintf(what, sizeof what, "%s %.150s", call->method, call->path); /* cut */
    rest_attempt a = {.client = c, .call = call, .what = what, .reply = &reply};
    int64_t limit = c->options.host->now() + c->options.budget_ms * REST_MILLISECOND;
    int r = run_attempts(&a, limit < call->deadline ? limit : call->deadline, err);
    if (r < 0) {
        rest_reply_done(&reply);
        if (call->problem)
            *call->problem = a.problem;
        return r;
    }
    *ret_reply = reply;
    return 0;
}

/* ---- documents ---- */

int rest_document(rest_client *c, const rest_call *call, struct json_object *body, struct json_object **ret_document,
                  lb_error *err)
{
    rest_call sent = *call;
    rest_reply reply = {.status = 0};
    if (body) {
        sent.body = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!sent.body)
            return lb_out_of_memory(err);
        sent.body_length = strlen(sent.body);
    }
    int r = rest_perform(c, &sent, &reply, err);
    if (r < 0)
        return r;
    struct json_object *document =
        rest_json_parse(reply.body.data, reply.body.length, call->what ? call->what : call->path, err);
    rest_reply_done(&reply);
    if (!document)
        return err->code;
    *ret_document = document;
    return 0;
}

#define MOST_PAGES 1000 /* a server that never ends a list is not followed for ever */

static int each_of(struct json_object *page, const char *list,
                   int (*each)(void *arg, struct json_object *item, lb_error *err), void *arg, lb_error *err)
{
    struct json_object *items = rest_json_at(page, list);
    for (size_t i = 0; i < rest_json_count(items); i++) {
        int r = each(arg, json_object_array_get_idx(items, i), err);
        if (r < 0)
            return r;
    }
    return 0;
}

int rest_pages(rest_client *c, const rest_call *call, const char *list,
               int (*each)(void *arg, struct json_object *item, lb_error *err), void *arg, lb_error *err)
{
    rest_buf query = {.limit = 65536};
    rest_call page_call = *call;
    int r = 0;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        REST_JSON_AUTO *page = NULL;
        r = rest_document(c, &page_call, NULL, &page, err);
        if (r == 0)
            r = each_of(page, list, each, arg, err);
        const char *token = r < 0 ? NULL : rest_json_text(page, "next_page_token");
        if (!token || !*token) {
            rest_buf_done(&query);
            return r < 0 ? r : 0;
        }
        rest_buf_done(&query);
        rest_buf_text(&query, call->query ? call->query : "");
        rest_buf_text(&query, call->query && *call->query ? "&page_token=" : "page_token=");
        rest_buf_escaped(&query, token);
        page_call.query = query.data;
        if (query.failed)
            break;
    }
    bool too_long = query.failed;
    rest_buf_done(&query);
    return too_long ? lb_out_of_memory(err)
                    : lb_fail(err, LB_ERR_LIMIT, NULL, "the list of %s does not end within %d pages", call->path,
                              MOST_PAGES);
}
