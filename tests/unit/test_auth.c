/* Where credentials are found, and how a workspace's token lives. */
#include "suite.h"

#include "harness/http_script.h"
#include "harness/transport_probe.h"
#include "scratch.h"

#include "auth_lease.h"
#include "auth_token.h"

#include <sys/stat.h>

static lb_error err;
static auth_config config;

/* ---- where they are found ---- */

static const char *profiles(const char *dir, const char *text, unsigned mode)
{
    static char path[300];
    (void)snprintf(path, sizeof path, "%s/.databrickscfg", dir);
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs(text, f);
    fclose(f);
    CU_ASSERT(chmod(path, mode) == 0);
    return path;
}

static const char file_text[] = "; a comment\n"
                                "[DEFAULT]\n"
                                "host  = https://default.example.com/\n"
                                "token = dapi-default # not a part of it\n"
                                "\n"
                                "[ops]\r\n"
                                "host = ops.example.com:443/?o=1\r\n"
                                "client_id = 1111-2222\r\n"
                                "client_secret = dose#0123\r\n"
                                "workspace_id = 77\n"
                                "[both]\n"
                                "host = https://both.example.com\n"
                                "token = t\nclient_id = c\nclient_secret = s\n"
                                "[chosen]\n"
                                "host = https://both.example.com\n"
                                "token = t\nclient_id = c\nclient_secret = s\nauth_type = pat\n"
                                "[old]\n"
                                "host = https://old.example.com\nusername = me\npassword = planted-secret\n"
                                "[half]\n"
                                "host = https://half.example.com\nclient_id = c\n"
                                "[person]\n"
                                "host = https://person.example.com\nauth_type = databricks-cli\n"
                                "[nobody]\n"
                                "host = https://nobody.example.com\n";

static int load(const auth_settings *s)
{
    auth_config_done(&config);
    return auth_config_load(s, &config, &err);
}

static void reads_profiles(void)
{
    SCRATCH dir = scratch_new();
    const char *path = profiles(dir, file_text, 0600);
    CU_ASSERT(load(&(auth_settings){.config_file = path}) == 0);
    CU_ASSERT(config.method == AUTH_PAT);
    ASSERT_TEXT(config.host, "https://default.example.com");
    ASSERT_TEXT(config.token, "dapi-default");
    CU_ASSERT(load(&(auth_settings){.config_file = path, .profile = "ops"}) == 0);
    CU_ASSERT(config.method == AUTH_M2M && !config.token);
    ASSERT_TEXT(config.host, "https://ops.example.com");
    ASSERT_TEXT(config.client_id, "1111-2222");
    ASSERT_TEXT(config.client_secret, "dose#0123");
    ASSERT_TEXT(config.workspace_id, "77");
    CU_ASSERT(load(&(auth_settings){.config_file = path, .profile = "chosen"}) == 0 && config.method == AUTH_PAT);
    CU_ASSERT(load(&(auth_settings){.config_file = path, .profile = "both", .auth_type = "oauth-m2m"}) == 0);
    CU_ASSERT(config.method == AUTH_M2M);
    auth_config_done(&config);
}

static void refuses_profiles(void)
{
    static const struct {
        const char *profile;
        int code;
        const char *message;
    } bad[] = {
        {"both", LB_ERR_INVALID, "more than one authorization method configured"},
        {"old", LB_ERR_DENIED, "a password that never expires is not used here"},
        {"half", LB_ERR_INVALID, "there is a client_id without a client_secret"},
        {"person", LB_ERR_UNSUPPORTED, "auth_type databricks-cli needs a person or another tool"},
        {"nobody", LB_ERR_INVALID, "there are no credentials for the workspace"},
        {"missing", LB_ERR_NOT_FOUND, "has no missing profile configured"},
    };
    SCRATCH dir = scratch_new();
    const char *path = profiles(dir, file_text, 0600);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT(load(&(auth_settings){.config_file = path, .profile = bad[i].profile}) == bad[i].code);
        ASSERT_CONTAINS(err.message, bad[i].message);
        CU_ASSERT(!strstr(err.message, "planted-secret") && err.hint[0]);
    }
    profiles(dir, file_text, 0644);
    CU_ASSERT(load(&(auth_settings){.config_file = path}) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "others have access");
    CU_ASSERT(load(&(auth_settings){.config_file = dir}) == LB_ERR_INVALID);
    CU_ASSERT(unlink(path) == 0 && load(&(auth_settings){.config_file = path}) == LB_ERR_NOT_FOUND);
}

static void keeps_the_order(void)
{
    SCRATCH dir = scratch_new();
    profiles(dir, file_text, 0600);
    CU_ASSERT(setenv("HOME", dir, 1) == 0);
    CU_ASSERT(load(&(auth_settings){.host = NULL}) == 0); /* nothing is said: [DEFAULT] of the home */
    ASSERT_TEXT(config.host, "https://default.example.com");
    /* Something is said, and no profile named: the file is not read, though it could complete it. */
    CU_ASSERT(load(&(auth_settings){.host = "https://given.example.com"}) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message,
                    "there are no credentials for the workspace (looked at the manifest or the environment)");
    CU_ASSERT(load(&(auth_settings){.token = "t"}) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "it is not known where the workspace is");
    CU_ASSERT(load(&(auth_settings){.host = "given.example.com", .token = "t"}) == 0);
    ASSERT_TEXT(config.host, "https://given.example.com");
    /* A profile completes what is said, and what is said wins. */
    CU_ASSERT(load(&(auth_settings){.host = "given.example.com", .profile = "ops"}) == 0);
    ASSERT_TEXT(config.host, "https://given.example.com");
    ASSERT_TEXT(config.client_id, "1111-2222");
    CU_ASSERT(load(&(auth_settings){.token = "t", .profile = "ops"}) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "more than one authorization method configured: oauth-m2m and pat");
    CU_ASSERT(load(&(auth_settings){.host = "h", .token = ""}) == LB_ERR_INVALID); /* an empty one is none */
    auth_config_done(&config);
    CU_ASSERT(setenv("HOME", "/nonexistent", 1) == 0);
    CU_ASSERT(load(&(auth_settings){.host = NULL}) == LB_ERR_INVALID); /* no file is fine; having nothing is not */
}

static void refuses_odd_values(void)
{
    static const char *const hosts[] = {"https://", "https://a b", "https://me@host", "https://h/../x y?"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(load(&(auth_settings){.host = hosts[i], .token = "t"}) == LB_ERR_INVALID);
        ASSERT_TEXT(err.message, "the workspace's host is no address");
    }
    CU_ASSERT(load(&(auth_settings){.host = "h", .token = "planted-secret\r\nX-Other: 1"}) == LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "the token holds a character that none has");
}

/* ---- leases ---- */

static void leases(void)
{
    const int64_t second = 1000000;
    auth_lease l = {.secret = NULL};
    CU_ASSERT(auth_lease_look(&l, 0) == AUTH_LEASE_OVER);
    auth_lease_set(&l, strdup("a"), 100 * second, 3600 * second); /* 50 minutes of 60 */
    CU_ASSERT(auth_lease_look(&l, 100 * second + 3000 * second - 1) == AUTH_LEASE_GOOD);
    CU_ASSERT(auth_lease_look(&l, 100 * second + 3000 * second) == AUTH_LEASE_AGING);
    auth_lease_put_off(&l, 3100 * second); /* the renewal failed: not again for a minute */
    CU_ASSERT(auth_lease_look(&l, 3159 * second) == AUTH_LEASE_GOOD);
    CU_ASSERT(auth_lease_look(&l, 3160 * second) == AUTH_LEASE_AGING);
    CU_ASSERT(auth_lease_look(&l, 3659 * second) == AUTH_LEASE_AGING);
    CU_ASSERT(auth_lease_look(&l, 3660 * second) == AUTH_LEASE_OVER); /* not used in its last 40 s */
    auth_lease_set(&l, strdup("b"), 0, 6 * second);                   /* five sixths of what it is */
    CU_ASSERT(auth_lease_look(&l, 5 * second - 1) == AUTH_LEASE_GOOD);
    CU_ASSERT(auth_lease_look(&l, 5 * second) == AUTH_LEASE_AGING);
    CU_ASSERT(auth_lease_look(&l, 6 * second) == AUTH_LEASE_OVER);
    auth_lease_set(&l, strdup("c"), 0, -5); /* over before it came */
    CU_ASSERT(auth_lease_look(&l, 0) == AUTH_LEASE_OVER);
    auth_lease_set_endless(&l, strdup("d"));
    CU_ASSERT(auth_lease_look(&l, INT64_MAX - 1) == AUTH_LEASE_GOOD);
    auth_lease_drop(&l);
    CU_ASSERT(!l.secret && auth_lease_look(&l, 0) == AUTH_LEASE_OVER);
}

/* ---- tokens ---- */

static script_server server;
static auth *who;

static void start(const script_step *steps, size_t count, bool pat)
{
    probe_reset();
    script_start(&server, steps, count);
    auth_config c = {.method = pat ? AUTH_PAT : AUTH_M2M,
                     .host = server.url,
                     .client_id = (char[]){"app id"},
                     .client_secret = (char[]){"planted-secret"},
                     .token = (char[]){"planted-pat"}};
    const rest_options options = {.host = &probe_host, .pause_ms = 1};
    CU_ASSERT_FATAL(auth_new(&c, &options, &who, &err) == 0);
}

static void finish(void)
{
    who = auth_free(who);
    script_stop(&server);
    probe_reset();
}

#define START(...)                                                                                                     \
    do {                                                                                                               \
        const script_step steps_[] = {__VA_ARGS__};                                                                    \
        start(steps_, sizeof steps_ / sizeof steps_[0], false);                                                        \
    } while (0)

static const char *value(bool renew)
{
    const char *text = NULL;
    int64_t deadline = probe.step ? probe.time + 20 * CLOCK_SECOND : probe_soon(20);
    return auth_authorize(who, renew, deadline, &text, &err) == 0 ? text : NULL;
}

static void gets_a_token_once(void)
{
    START({.status = 503, .headers = "Retry-After: 0\r\n"},
          {.status = 200, .body = "{\"access_token\":\"one\",\"token_type\":\"Bearer\",\"expires_in\":3600}"},
          {.status = 200, .body = "{\"access_token\":\"two\",\"expires_in\":\"3600\"}"});
    CU_ASSERT(server.next == 0); /* nobody is asked before it is needed */
    ASSERT_TEXT(value(false), "Bearer one");
    ASSERT_TEXT(value(false), "Bearer one");
    ASSERT_CONTAINS(script_request(&server, 1), "POST /oidc/v1/token HTTP/1.1\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "Authorization: Basic YXBwIGlkOnBsYW50ZWQtc2VjcmV0\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "Content-Type: application/x-www-form-urlencoded\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "\r\n\r\ngrant_type=client_credentials&scope=all-apis");
    ASSERT_TEXT(value(true), "Bearer two"); /* the workspace refused the first */
    CU_ASSERT(server.next == 3);
    finish();
}

static void renews_ahead(void)
{
    START({.status = 200, .body = "{\"access_token\":\"one\",\"expires_in\":60}"}, {.status = 400},
          {.status = 200, .body = "{\"access_token\":\"two\",\"expires_in\":60}"},
          {.status = 401, .body = "{\"error\":\"invalid_client\",\"error_description\":\"planted-secret is bad\"}"});
    probe.step = 1;
    probe.time = 1000 * CLOCK_SECOND;
    ASSERT_TEXT(value(false), "Bearer one");
    probe.time = 1049 * CLOCK_SECOND;
    ASSERT_TEXT(value(false), "Bearer one");
    CU_ASSERT(server.next == 1);
    probe.time = 1051 * CLOCK_SECOND; /* the renewal fails, and the old one still does */
    ASSERT_TEXT(value(false), "Bearer one");
    CU_ASSERT(server.next == 2);
    ASSERT_CONTAINS(buf_text(&probe.log), "could not be renewed yet");
    probe.time = 1052 * CLOCK_SECOND; /* not again at once */
    ASSERT_TEXT(value(false), "Bearer one");
    CU_ASSERT(server.next == 2);
    probe.time = 1054 * CLOCK_SECOND;
    ASSERT_TEXT(value(false), "Bearer two");
    probe.time = 1200 * CLOCK_SECOND; /* it is over, and there is no new one */
    CU_ASSERT(!value(false) && err.code == LB_ERR_DENIED);
    ASSERT_TEXT(err.message, "the workspace refuses the service principal app id: invalid_client");
    CU_ASSERT(!strstr(buf_text(&probe.log), "planted"));
    finish();
}

static void says_what_is_no_token(void)
{
    START({.status = 200, .body = "{}"}, {.status = 200, .body = "<html>"});
    CU_ASSERT(!value(false) && err.code == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "gave no token");
    CU_ASSERT(!value(false) && err.code == LB_ERR_UNREACHABLE);
    finish();
}

static void personal_tokens(void)
{
    char text[] = "planted-pat was refused, and planted-secret is not known";
    start(NULL, 0, true);
    ASSERT_TEXT(value(false), "Bearer planted-pat");
    CU_ASSERT(!auth_client_id(who));
    auth_hide(who, text, sizeof text);
    ASSERT_TEXT(text, "*** was refused, and planted-secret is not known");
    CU_ASSERT(!value(true) && err.code == LB_ERR_DENIED && server.next == 0);
    CU_ASSERT(!strstr(err.message, "planted"));
    finish();
}

SUITE(auth, TEST(reads_profiles), TEST(refuses_profiles), TEST(keeps_the_order), TEST(refuses_odd_values), TEST(leases),
      TEST(gets_a_token_once), TEST(renews_ahead), TEST(says_what_is_no_token), TEST(personal_tokens))
