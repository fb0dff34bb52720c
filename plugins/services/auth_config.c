#include "auth_config.h"

#include "rest_text.h"

#include <stdlib.h>

#define DEFAULT_SECTION "DEFAULT"

void auth_config_done(auth_config *c)
{
    char *const secrets[] = {c->host, c->token, c->client_id, c->client_secret, c->workspace_id};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        rest_wipe(secrets[i]);
    *c = (auth_config){.host = NULL};
}

static bool is_given(const char *text)
{
    return text && *text;
}

/* ---- the profile file ---- */

static bool needs_profile(const auth_settings *s)
{
    return is_given(s->profile) ||
           !(is_given(s->host) || is_given(s->token) || is_given(s->client_id) || is_given(s->client_secret));
}

static char *profile_path(const auth_settings *s)
{
    const char *home = getenv("HOME");
    if (is_given(s->config_file))
        return strncmp(s->config_file, "~/", 2) == 0 && home ? rest_printf("%s/%s", home, s->config_file + 2)
                                                             : strdup(s->config_file);
    return is_given(home) ? rest_printf("%s/.databrickscfg", home) : NULL;
}

/* Nobody named the file or a section: then it is fine that there is none. */
static bool may_be_missing(const auth_settings *s)
{
    return !is_given(s->profile) && !is_given(s->config_file);
}

static int load_profile(const auth_settings *s, auth_profile *profile, char *source, size_t size, lb_error *err)
{
    const char *section = is_given(s->profile) ? s->profile : DEFAULT_SECTION;
    if (!needs_profile(s)) {
        (void)snprintf(source, size, "the manifest or the environment"); /* short */
        return 0;
    }
    char *path = profile_path(s);
    if (!path)
        return lb_fail(err, LB_ERR_INVALID, "set HOME, or name config_file",
                       "it is not known where the profile file is");
    (void)snprintf(source, size, "profile %.60s of %.200s", section, path); /* cut */
    int r = auth_profile_read(path, section, profile, err);
    free(path);
    return r == LB_ERR_NOT_FOUND && may_be_missing(s) ? 0 : r;
}

/* ---- putting it together ---- */

static char *choose(const char *given, const char *from_profile)
{
    return rest_strdup(is_given(given) ? given : from_profile);
}

/* "name", "https://name:443/" and "https://name/?o=1" are all the same workspace. */
static int normal_host(char **host, lb_error *err)
{
    const char *text = *host;
    bool has_scheme = strstr(text, "://") != NULL;
    char *whole = rest_printf("%s%s", has_scheme ? "" : "https://", text);
    if (!whole)
        return lb_out_of_memory(err);
    char *authority = strstr(whole, "://") + 3;
    authority[strcspn(authority, "/?#")] = '\0';
    size_t length = strlen(authority);
    if (strncmp(whole, "https://", 8) == 0 && length > 4 && strcmp(authority + length - 4, ":443") == 0)
        authority[length -= 4] = '\0';
    bool odd =
        !length || strspn(authority, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") != length;
    free(*host);
    *host = whole;
    if (odd)
        return lb_fail(err, LB_ERR_INVALID, "https://NAME, as the browser shows it",
                       "the workspace's host is no address");
    return 0;
}

static int choose_method(auth_config *c, const char *auth_type, lb_error *err)
{
    bool m2m = c->client_id && c->client_secret, pat = c->token != NULL;
    bool wants_m2m = is_given(auth_type) && strcmp(auth_type, "oauth-m2m") == 0;
    bool wants_pat = is_given(auth_type) && strcmp(auth_type, "pat") == 0;
    if (is_given(auth_type) && !wants_m2m && !wants_pat)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "use oauth-m2m (a service principal) or pat",
                       "auth_type %.40s needs a person or another tool", auth_type);
    if (m2m && pat && !is_given(auth_type))
        return lb_fail(err, LB_ERR_INVALID, "say auth_type = \"oauth-m2m\" or \"pat\", or remove one of them",
                       "more than one authorization method configured: oauth-m2m and pat (%.200s)", c->source);
    if ((wants_m2m || !pat) && !m2m && (c->client_id || c->client_secret))
        return lb_fail(err, LB_ERR_INVALID, "give both: they belong together", "there is a %s without a %s (%.200s)",
                       c->client_id ? "client_id" : "client_secret", c->client_id ? "client_secret" : "client_id",
                       c->source);
    if ((wants_m2m && !m2m) || (wants_pat && !pat) || (!m2m && !pat))
        return lb_fail(err, LB_ERR_INVALID,
                       "give DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or DATABRICKS_TOKEN, in the "
                       "environment; or the same in the manifest or a profile",
                       "there are no credentials for the workspace (looked at %.200s)", c->source);
    c->method = m2m && !wants_pat ? AUTH_M2M : AUTH_PAT;
    return 0;
}

static int check_text(const char *name, const char *text, lb_error *err)
{
    for (const char *p = text; p && *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return lb_fail(err, LB_ERR_INVALID, "look for a line break or a space that came along",
                           "the %s holds a character that none has", name);
    return 0;
}

static int check_config(auth_config *c, const auth_profile *profile, const char *auth_type, lb_error *err)
{
    if (profile->has_password && !c->token && !c->client_secret)
        return lb_fail(
            err, LB_ERR_DENIED, "use a service principal (oauth-m2m) or a token",
            "%.200s has a username and a password: workspaces refuse them, and a password that never expires "
            "is not used here",
            c->source);
    if (!is_given(c->host))
        return lb_fail(err, LB_ERR_INVALID,
                       "give DATABRICKS_HOST, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET in the environment, or "
                       "the same in the "
                       "manifest or a profile",
                       "it is not known where the workspace is (looked at %.200s)", c->source);
    int r = normal_host(&c->host, err);
    if (r == 0)
        r = check_text("token", c->token, err);
    if (r == 0)
        r = check_text("client_id", c->client_id, err);
    if (r == 0)
        r = check_text("client_secret", c->client_secret, err);
    return r < 0 ? r : choose_method(c, auth_type, err);
}

int auth_config_load(const auth_settings *s, auth_config *ret_config, lb_error *err)
{
    auth_profile profile = {.host = NULL};
    auth_config c = {.host = NULL};
    int r = load_profile(s, &profile, c.source, sizeof c.source, err);
    if (r < 0)
        return r;
    c.host = choose(s->host, profile.host);
    c.token = choose(s->token, profile.token);
    c.client_id = choose(s->client_id, profile.client_id);
    c.client_secret = choose(s->client_secret, profile.client_secret);
    c.workspace_id = choose(s->workspace_id, profile.workspace_id);
    r = check_config(&c, &profile, is_given(s->auth_type) ? s->auth_type : profile.auth_type, err);
    auth_profile_done(&profile);
    if (r < 0) {
        auth_config_done(&c);
        return r;
    }
    *ret_config = c;
    return 0;
}
