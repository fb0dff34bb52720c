#include "auth_token.h"

#include "auth_lease.h"

#include <stdlib.h>

#define AHEAD             (10 * REST_SECOND) /* a renewal that could wait takes no more of a run's time */
#define DEFAULT_LIFETIME  3600
#define LONGEST_LIFETIME  INT64_C(86400)
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)

struct auth {
    auth_method method;
    char *host, *client_id, *client_secret;
    const lb_service_host *service;
    rest_client *client; /* to the token server; NULL for a personal token */
    auth_lease lease;    /* the header's value, "Bearer ..." */
};

/* ---- HTTP basic ---- */

static void base64(const char *text, size_t length, char *into)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < length ? (uint32_t)p[i + 1] << 8 : 0) |
                        (i + 2 < length ? (uint32_t)p[i + 2] : 0);
        *into++ = digits[bits >> 18];
        *into++ = digits[bits >> 12 & 63];
        *into++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
        *into++ = i + 2 < length ? digits[bits & 63] : '=';
    }
    *into = '\0';
}

static char *basic_header(const auth_config *c)
{
    char *pair = rest_printf("%s:%s", c->client_id, c->client_secret);
    char *code = pair ? malloc(BASE64_SIZE(strlen(pair))) : NULL;
    char *line = NULL;
    if (code) {
        base64(pair, strlen(pair), code);
        line = rest_printf("Authorization: Basic %s", code);
    }
    rest_wipe(pair);
    rest_wipe(code);
    return line;
}

/* ---- life ---- */

static void hide_secret(void *arg, char *text, size_t size)
{
    const auth *a = arg;
    rest_hide(text, size, a->client_secret);
}

static int make_client(auth *a, const auth_config *config, const rest_options *transport, lb_error *err)
{
    char *basic = basic_header(config);
    if (!basic)
        return lb_out_of_memory(err);
    const char *const headers[] = {basic, NULL};
    rest_options options = *transport;
    options.base_url = a->host;
    options.headers = headers;
    options.authorize = NULL;
    options.hide = hide_secret;
    options.arg = a;
    int r = rest_client_new(&options, &a->client, err);
    rest_wipe(basic);
    return r;
}

int auth_new(const auth_config *config, const rest_options *transport, auth **ret_auth, lb_error *err)
{
    auth *a = calloc(1, sizeof *a);
    if (!a)
        return lb_out_of_memory(err);
    bool m2m = config->method == AUTH_M2M;
    a->method = config->method;
    a->service = transport->host;
    a->host = rest_strdup(config->host);
    a->client_id = m2m ? rest_strdup(config->client_id) : NULL;
    a->client_secret = m2m ? rest_strdup(config->client_secret) : NULL;
    int r = a->host && (!m2m || (a->client_id && a->client_secret)) ? 0 : lb_out_of_memory(err);
    if (r == 0 && m2m)
        r = make_client(a, config, transport, err);
    if (r == 0 && !m2m) {
        char *value = rest_printf("Bearer %s", config->token);
        r = value ? 0 : lb_out_of_memory(err);
        auth_lease_set_endless(&a->lease, value);
    }
    if (r < 0) {
        auth_free(a);
        return r;
    }
    *ret_auth = a;
    return 0;
}

auth *auth_free(auth *a)
{
    if (!a)
        return NULL;
    rest_client_free(a->client);
    auth_lease_drop(&a->lease);
    rest_wipe(a->client_secret);
    free(a->client_id);
    free(a->host);
    free(a);
    return NULL;
}

const char *auth_host(const auth *a)
{
    return a->host;
}

const char *auth_client_id(const auth *a)
{
    return a->client_id;
}

void auth_hide(void *arg, char *text, size_t size)
{
    const auth *a = arg;
    const char *space = a->lease.secret ? strchr(a->lease.secret, ' ') : NULL;
    rest_hide(text, size, space ? space + 1 : NULL);
    rest_hide(text, size, a->client_secret);
}

/* ---- tokens ---- */

static int take_token(auth *a, const rest_reply *reply, lb_error *err)
{
    REST_JSON_AUTO *document = rest_json_parse(reply->body.data, reply->body.length, "the token server", err);
    if (!document)
        return err->code;
    const char *token = rest_json_text(document, "access_token");
    int64_t lifetime = rest_json_number(document, "expires_in", DEFAULT_LIFETIME);
    if (!token || !*token)
        return lb_fail(err, LB_ERR_UNREACHABLE, "is the host that of the workspace itself?",
                       "the token server of %s gave no token", a->host);
    char *value = rest_printf("Bearer %s", token);
    if (!value)
        return lb_out_of_memory(err);
    auth_lease_set(&a->lease, value, reply->sent_at,
                   (lifetime < LONGEST_LIFETIME ? lifetime : LONGEST_LIFETIME) * REST_SECOND);
    return 0;
}

/* A token more does no harm: the call may be repeated. */
static int ask_token(auth *a, int64_t deadline, lb_error *err)
{
    static const char body[] = "grant_type=client_credentials&scope=all-apis";
    rest_reply reply = {.status = 0};
    rest_problem problem = {.status = 0};
    const rest_call call = {.method = "POST",
                            .path = "/oidc/v1/token",
                            .content_type = "application/x-www-form-urlencoded",
                            .body = body,
                            .body_length = sizeof body - 1,
                            .flags = REST_REPEATABLE,
                            .what = "a token for the workspace",
                            .deadline = deadline,
                            .problem = &problem};
    int r = rest_perform(a->client, &call, &reply, err);
    if (r < 0 && (problem.status == 400 || problem.status == 401))
        return lb_fail(err, LB_ERR_DENIED, "check client_id and client_secret: the secret may be revoked or expired",
                       "the workspace refuses the service principal %.60s: %s", a->client_id,
                       problem.error_code[0] ? problem.error_code : "not authenticated");
    if (r < 0)
        return r;
    r = take_token(a, &reply, err);
    rest_reply_done(&reply);
    return r;
}

LB_PRINTF(2, 3) static void warn(const auth *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    a->service->vlog(LB_LOG_WARN, fmt, args);
    va_end(args);
}

static int renew_ahead(auth *a, int64_t now, int64_t deadline)
{
    lb_error failure;
    int r = ask_token(a, now + AHEAD < deadline ? now + AHEAD : deadline, &failure);
    if (r < 0) {
        auth_lease_put_off(&a->lease, now);
        warn(a, "the workspace's token could not be renewed yet, and is used until it ends: %s", failure.message);
    }
    return r;
}

int auth_authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err)
{
    auth *a = arg;
    int64_t now = a->service->now();
    int r = 0;
    if (renew && a->method == AUTH_PAT)
        return lb_fail(err, LB_ERR_DENIED, "make a new one, or use a service principal",
                       "the workspace %s refuses the personal access token", a->host);
    if (renew)
        auth_lease_drop(&a->lease);
    switch (auth_lease_look(&a->lease, now)) {
    case AUTH_LEASE_GOOD:
        break;
    case AUTH_LEASE_AGING:
        (void)renew_ahead(a, now, deadline); /* what we have still does */
        break;
    case AUTH_LEASE_OVER:
        r = ask_token(a, deadline, err);
        break;
    }
    if (r == 0)
        *ret_value = a->lease.secret;
    return r;
}
