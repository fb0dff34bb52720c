/* Who we are to a database, and the short-lived token that proves it. */
#include "lake.h"

#include <stdlib.h>

#define AHEAD            (10 * REST_SECOND) /* a renewal that could wait takes no more of a run's time */
#define LONGEST_LIFETIME (INT64_C(86400) * REST_SECOND)

int lake_authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err)
{
    const lake *l = arg;
    return auth_authorize(l->auth, renew, deadline, ret_value, err);
}

void lake_hide(void *arg, char *text, size_t size)
{
    const lake *l = arg;
    auth_hide(l->auth, text, size);
    for (const lake_place *p = l->places; p; p = p->next)
        rest_hide(text, size, p->credential.secret);
}

/* ---- the role ---- */

/* A service principal's role is its application id; a person's is the name of the account. */
static int ask_name(lake *l, int64_t deadline, char **ret_name, lb_error *err)
{
    struct json_object *me = NULL;
    const rest_call call = {
        .method = "GET", .path = LAKE_ME_ROOT LAKE_ME, .what = "who we are in the workspace", .deadline = deadline};
    int r = rest_document(l->client, &call, NULL, &me, err);
    if (r < 0)
        return r;
    const char *name = rest_json_text(me, "userName");
    char *copy = name && *name ? strdup(name) : NULL;
    (void)json_object_put(me); /* read */
    if (!copy)
        return lb_fail(err, LB_ERR_NOT_FOUND, "name the role in the manifest", "the workspace does not say who we are");
    *ret_name = copy;
    return 0;
}

int lake_identity(lake *l, int64_t deadline, const char **ret_role, lb_error *err)
{
    if (!l->role) {
        const char *id = auth_client_id(l->auth);
        int r = id ? 0 : ask_name(l, deadline, &l->role, err);
        if (r < 0)
            return r;
        if (id && !(l->role = strdup(id)))
            return lb_out_of_memory(err);
    }
    *ret_role = l->role;
    return 0;
}

/* ---- the token ---- */

/* How long it holds, by the platform's own clock; ours may be wrong. */
static int64_t lifetime_of(struct json_object *document, const rest_reply *reply)
{
    int64_t ends_at = rest_time(rest_json_text(document, "expire_time"));
    int64_t now = reply->server_time == REST_NO_TIME ? rest_wall_clock() : reply->server_time;
    if (ends_at == REST_NO_TIME)
        return INT64_C(3600) * REST_SECOND; /* what the platform documents */
    int64_t lifetime = ends_at - now;
    return lifetime < LONGEST_LIFETIME ? lifetime : LONGEST_LIFETIME;
}

static int take_credential(lake_place *place, const rest_reply *reply, lb_error *err)
{
    REST_JSON_AUTO *document = rest_json_parse(reply->body.data, reply->body.length, "a database credential", err);
    if (!document)
        return err->code;
    const char *token = rest_json_text(document, "token");
    if (!token || !*token)
        return lb_fail(err, LB_ERR_UNREACHABLE, NULL, "the workspace gave no token for %s", place->endpoint);
    char *copy = strdup(token);
    if (!copy)
        return lb_out_of_memory(err);
    auth_lease_set(&place->credential, copy, reply->sent_at, lifetime_of(document, reply));
    return 0;
}

static struct json_object *make_request(const lake *l, const lake_place *place)
{
    char ttl[32];
    struct json_object *body = json_object_new_object();
    (void)snprintf(ttl, sizeof ttl, "%llds", (long long)l->credential_ttl_s); /* short */
    if (body && rest_json_add_text(body, "endpoint", place->endpoint) &&
        (!l->credential_ttl_s || rest_json_add_text(body, "ttl", ttl)))
        return body;
    (void)json_object_put(body); /* half made; NULL is fine */
    return NULL;
}

/* One token more does no harm: the call may be repeated. */
static int ask_credential(lake *l, lake_place *place, int64_t deadline, lb_error *err)
{
    char what[160];
    rest_reply reply = {.status = 0};
    REST_JSON_AUTO *body = make_request(l, place);
    const char *text = body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN) : NULL;
    if (!text)
        return lb_out_of_memory(err);
    (void)snprintf(what, sizeof what, "a credential for %s", place->endpoint); /* cut */
    const rest_call call = {.method = "POST",
                            .path = LAKE_ROOT "credentials",
                            .body = text,
                            .body_length = strlen(text),
                            .flags = REST_REPEATABLE,
                            .what = what,
                            .deadline = deadline};
    int r = rest_perform(l->client, &call, &reply, err);
    if (r < 0)
        return r;
    r = take_credential(place, &reply, err);
    rest_reply_done(&reply);
    return r;
}

static void renew_ahead(lake *l, lake_place *place, int64_t now, int64_t deadline)
{
    lb_error failure;
    if (ask_credential(l, place, now + AHEAD < deadline ? now + AHEAD : deadline, &failure) == 0)
        return;
    auth_lease_put_off(&place->credential, now);
    lake_log(l, LB_LOG_WARN, "the credential for %s could not be renewed yet, and is used until it ends: %s",
             place->endpoint, failure.message);
}

int lake_credential(lake *l, lake_place *place, int64_t deadline, const char **ret_token, lb_error *err)
{
    int64_t now = l->host->now();
    int r = 0;
    switch (auth_lease_look(&place->credential, now)) {
    case AUTH_LEASE_GOOD:
        break;
    case AUTH_LEASE_AGING:
        renew_ahead(l, place, now, deadline);
        break;
    case AUTH_LEASE_OVER:
        r = ask_credential(l, place, deadline, err);
        break;
    }
    if (r == 0)
        *ret_token = place->credential.secret;
    return r;
}

int lake_credential_new(lake *l, lake_place *place, int64_t deadline, const char **ret_token, lb_error *err)
{
    int64_t now = l->host->now();
    bool has_one = auth_lease_look(&place->credential, now) != AUTH_LEASE_OVER;
    int r = ask_credential(l, place, has_one && now + AHEAD < deadline ? now + AHEAD : deadline, err);
    if (r < 0 && !has_one)
        return r;
    if (r < 0)
        lake_log(l, LB_LOG_WARN, "there is no new credential for %s, so the one that we have is lent: %s",
                 place->endpoint, err->message);
    *ret_token = place->credential.secret;
    return 0;
}
