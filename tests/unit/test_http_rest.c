/* http_rest against a server that plays a script: what it sends, and what becomes of what it hears. */
#include "suite.h"

#include "harness/http_script.h"
#include "harness/transport_probe.h"

#include <lbops/http.h>

#define TOKEN "ghp_planted0secret"

extern const lb_plugin lb_plugin_v1_http_rest;

static script_server server;
static const lb_http_service *http;
static void *state;
static lb_error err;
static buf heard = {.limit = 1 << 20};

static int hear(void *arg, const char *json, lb_error *e)
{
    (void)arg, (void)e;
    buf_clear(&heard);
    buf_puts(&heard, json);
    return 0;
}

static void start_as(const char *kind, const char *token, const script_step *steps, size_t count)
{
    probe_reset();
    script_start(&server, steps, count);
    http = lb_plugin_v1_http_rest.ops;
    const lb_site site = {.size = sizeof site, .name = "github", .url = server.url, .kind = kind, .token = token};
    CU_ASSERT_FATAL(http->open(&probe_host, NULL, &site, &state, &err) == 0);
}

#define START(...)                                                                                                     \
    do {                                                                                                               \
        const script_step steps_[] = {__VA_ARGS__};                                                                    \
        start_as("github", TOKEN, steps_, sizeof steps_ / sizeof steps_[0]);                                           \
    } while (0)

static void finish(void)
{
    http->close(state);
    script_stop(&server);
    buf_done(&heard);
    CU_ASSERT_PTR_NULL(strstr(err.message, TOKEN));
    CU_ASSERT_PTR_NULL(strstr(err.hint, TOKEN));
}

static int call(const char *method, const char *path, const char *body)
{
    const lb_request request = {.method = method, .path = path, .query = body ? NULL : "page=1", .body = body};
    return http->call(state, &request, probe_soon(30), hear, NULL, &err);
}

static void sends_what_the_kind_says(void)
{
    START({.status = 200, .body = "[1]"}, {.status = 201, .body = "{\"id\":7}"}, {.status = 204});
    CU_ASSERT(call("GET", "repos/acme/shop", NULL) == 0);
    ASSERT_TEXT(buf_text(&heard), "[1]");
    ASSERT_CONTAINS(script_request(&server, 0), "GET /repos/acme/shop?page=1 HTTP/1.1\r\n");
    ASSERT_CONTAINS(script_request(&server, 0), "Authorization: Bearer " TOKEN "\r\n");
    ASSERT_CONTAINS(script_request(&server, 0), "X-GitHub-Api-Version: 2022-11-28\r\n");
    ASSERT_CONTAINS(script_request(&server, 0), "User-Agent: lbops\r\n");
    CU_ASSERT(call("POST", "repos/acme/shop/issues/2/comments", "{\"body\":\"x\"}") == 0);
    ASSERT_CONTAINS(script_request(&server, 1), "Content-Type: application/json\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "\r\n\r\n{\"body\":\"x\"}");
    CU_ASSERT(call("DELETE", "repos/acme/shop/issues/comments/7", NULL) == 0);
    ASSERT_TEXT(buf_text(&heard), "null");
    finish();
    start_as("json", NULL, (const script_step[]){{.status = 200, .body = "{}"}}, 1);
    CU_ASSERT(call("GET", "status", NULL) == 0);
    CU_ASSERT_PTR_NULL(strstr(script_request(&server, 0), "Authorization"));
    CU_ASSERT_PTR_NULL(strstr(script_request(&server, 0), "X-GitHub"));
    finish();
}

static void turns_refusals_into_our_errors(void)
{
    static const struct {
        script_step step;
        int code;
        const char *message, *hint;
    } refused[] = {
        {{.status = 401, .body = "{\"message\":\"Bad credentials " TOKEN "\"}"},
         LB_ERR_DENIED,
         "Bad credentials ***",
         "has it expired?"},
        {{.status = 403,
          .headers = "X-GitHub-Request-Id: AB12:3\r\n",
          .body = "{\"message\":\"Resource not accessible\"}"},
         LB_ERR_DENIED,
         "github: POST repos/acme/shop: Resource not accessible (request AB12:3)",
         "the token of [http.github] lacks a permission"},
        {{.status = 404, .body = "{\"message\":\"Not Found\"}"},
         LB_ERR_NOT_FOUND,
         "Not Found",
         "what the token of [http.github] may not see"},
        {{.status = 422, .body = "{\"message\":\"Validation Failed\",\"errors\":[{\"message\":\"Body is too long\"}]}"},
         LB_ERR_INVALID,
         "Validation Failed: Body is too long",
         ""},
        {{.status = 301, .headers = "Location: https://elsewhere.invalid/\r\n"},
         LB_ERR_UNREACHABLE,
         "elsewhere",
         "it has moved"},
        {{.status = 500}, LB_ERR_UNREACHABLE, "answered 500", "in trouble"},
        {{.status = 200, .body = "<html>"}, LB_ERR_UNREACHABLE, "github: POST repos/acme/shop", ""},
        {{.action = SCRIPT_RESET, .status = 200, .body = "{"}, LB_ERR_UNREACHABLE, "connection was lost", ""},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        START(refused[i].step, {.status = 200, .body = "{}"});
        int r = call("POST", "repos/acme/shop", "{}");
        if (r != refused[i].code)
            printf("\n    %zu: %d %s (%s)\n", i, r, err.message, err.hint);
        CU_ASSERT_EQUAL(r, refused[i].code);
        ASSERT_CONTAINS(err.message, refused[i].message);
        ASSERT_CONTAINS(err.hint, refused[i].hint);
        CU_ASSERT_EQUAL(server.next, 1); /* what may have been carried out is not sent again */
        finish();
    }
}

static void comes_back_when_it_is_told_to(void)
{
    START({.status = 503, .headers = "Retry-After: 0\r\n"},
          {.status = 403, .headers = "Retry-After: 0\r\n", .body = "{\"message\":\"secondary rate limit\"}"},
          {.status = 429, .headers = "Retry-After: 0\r\n"}, {.status = 201, .body = "{}"});
    CU_ASSERT(call("POST", "x", "{}") == 0 && server.next == 4);
    finish();
    START({.status = 403, .headers = "Retry-After: 3600\r\n", .body = "{\"message\":\"secondary rate limit\"}"});
    CU_ASSERT(call("POST", "x", "{}") == LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.hint, "asks to wait 3600 s");
    finish();
    START({.status = 502}, {.status = 200, .body = "[]"});
    CU_ASSERT(call("GET", "x", NULL) == 0 && server.next == 2);
    finish();
}

static void ends_with_the_run(void)
{
    START({.action = SCRIPT_STALL});
    const lb_request request = {.method = "GET", .path = "x"};
    CU_ASSERT(http->call(state, &request, clock_monotonic() + CLOCK_SECOND / 20, hear, NULL, &err) == LB_ERR_TIMEOUT);
    probe.cancelled = true;
    CU_ASSERT(call("GET", "x", NULL) == LB_ERR_CANCELLED);
    finish();
}

static void takes_no_token_that_is_none(void)
{
    const lb_site site = {.size = sizeof site,
                          .name = "github",
                          .url = "http://127.0.0.1:1",
                          .kind = "json",
                          .token = "ghp_x\r\nHost: evil"};
    http = lb_plugin_v1_http_rest.ops;
    CU_ASSERT(http->open(&probe_host, NULL, &site, &state, &err) == LB_ERR_INVALID);
    CU_ASSERT_PTR_NULL(strstr(err.message, "ghp_x"));
    const lb_site plain = {.size = sizeof plain, .name = "x", .url = "http://example.org", .kind = "json"};
    CU_ASSERT(http->open(&probe_host, NULL, &plain, &state, &err) == LB_ERR_INVALID);
}

SUITE(http_rest, TEST(sends_what_the_kind_says), TEST(turns_refusals_into_our_errors),
      TEST(comes_back_when_it_is_told_to), TEST(ends_with_the_run), TEST(takes_no_token_that_is_none))
