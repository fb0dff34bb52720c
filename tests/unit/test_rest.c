/* The HTTP client against a server that plays a script. */
#include "suite.h"

#include "harness/http_script.h"
#include "harness/transport_probe.h"

#include "rest_client.h"

#include <fcntl.h>

#define TOKEN "Bearer planted-secret-token"

static script_server server;
static rest_client *client;
static rest_problem problem;
static rest_reply reply;
static lb_error err;
static int renewals;

static int authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *e)
{
    (void)arg;
    (void)deadline;
    renewals += renew;
    if (renewals > 5)
        return lb_fail(e, LB_ERR_DENIED, NULL, "no more");
    *ret_value = renew ? TOKEN "-2" : TOKEN;
    return 0;
}

static void hide(void *arg, char *text, size_t size)
{
    (void)arg;
    rest_hide(text, size, "planted-secret-token");
}

static void start_with(const rest_options *wanted, const script_step *steps, size_t count)
{
    probe_reset();
    renewals = 0;
    problem = (rest_problem){.status = -1};
    script_start(&server, steps, count);
    rest_options options = *wanted;
    options.host = &probe_host;
    options.base_url = options.base_url ? options.base_url : server.url;
    options.pause_ms = options.pause_ms ? options.pause_ms : 1;
    CU_ASSERT_FATAL(rest_client_new(&options, &client, &err) == 0);
}

#define START(...)                                                                                                     \
    do {                                                                                                               \
        const script_step steps_[] = {__VA_ARGS__};                                                                    \
        start_with(&(rest_options){.authorize = authorize, .hide = hide}, steps_, sizeof steps_ / sizeof steps_[0]);   \
    } while (0)

static void finish(void)
{
    rest_reply_done(&reply);
    rest_client_free(client);
    script_stop(&server);
    probe_reset();
}

static int call(const rest_call *given)
{
    rest_call c = *given;
    rest_reply_done(&reply);
    c.method = c.method ? c.method : "GET";
    c.path = c.path ? c.path : "/x";
    c.deadline = c.deadline ? c.deadline : probe_soon(20);
    c.problem = &problem;
    int r = rest_perform(client, &c, &reply, &err);
    CU_ASSERT(r <= 0);
    return r;
}

#define CALL(...) call(&(rest_call){__VA_ARGS__})

/* ---- requests and answers ---- */

static void sends_and_reads(void)
{
    START({.status = 200,
           .headers = "x-request-id: r-1\r\nDate: Wed, 19 Aug 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n"
                      "Link: <https://h/a?page=1>; rel=\"prev\", <https://h/a?page=3>; rel=\"next\"\r\n",
           .body = "{\"a\":1}"},
          {.status = 204}, {.status = 200, .body = "ok"});
    CU_ASSERT(CALL(.query = "a=b%20c") == 0);
    ASSERT_TEXT(reply.body.data, "{\"a\":1}");
    ASSERT_TEXT(reply.request_id, "r-1");
    ASSERT_TEXT(reply.next_url, "https://h/a?page=3");
    ASSERT_TEXT(reply.content_type, "application/json");
    CU_ASSERT(reply.server_time == rest_time("2026-08-19T10:00:00Z") && reply.attempts == 1);
    ASSERT_CONTAINS(script_request(&server, 0), "GET /x?a=b%20c HTTP/1.1\r\n");
    ASSERT_CONTAINS(script_request(&server, 0), "Authorization: " TOKEN "\r\n");
    static const char *const headers[] = {"X-Own: 1", NULL};
    CU_ASSERT(CALL(.method = "POST", .body = "{\"b\":2}", .body_length = 7, .headers = headers) == 0);
    ASSERT_TEXT(reply.body.data, "");
    ASSERT_CONTAINS(script_request(&server, 1), "POST /x HTTP/1.1\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "Content-Type: application/json\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "X-Own: 1\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "\r\n\r\n{\"b\":2}");
    CU_ASSERT(CALL(.method = "DELETE") == 0);
    ASSERT_CONTAINS(script_request(&server, 2), "DELETE /x HTTP/1.1\r\n");
    finish();
}

static void sends_files(void)
{
    char path[] = "/tmp/lbops-rest.XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd > 0 && write(fd, "0123456789", 10) == 10 && unlink(path) == 0);
    START({.status = 503, .headers = "Retry-After: 0\r\n"}, {.status = 200}, {.status = 200});
    CU_ASSERT(CALL(.method = "PUT", .body_fd = fd, .body_length = 10, .content_type = "application/octet-stream") == 0);
    CU_ASSERT(reply.attempts == 2);
    ASSERT_CONTAINS(script_request(&server, 0), "\r\n\r\n0123456789");
    ASSERT_CONTAINS(script_request(&server, 1), "Content-Type: application/octet-stream\r\n");
    ASSERT_CONTAINS(script_request(&server, 1), "\r\n\r\n0123456789");
    CU_ASSERT(CALL(.method = "PUT", .body_fd = fd, .body_length = 20) == LB_ERR_IO); /* shorter than was said */
    close(fd);
    finish();
}

typedef struct taken {
    size_t length;
    bool refuses;
} taken;

static int take(void *arg, const char *bytes, size_t length, lb_error *e)
{
    taken *t = arg;
    (void)bytes;
    t->length += length;
    return t->refuses ? lb_fail(e, LB_ERR_LIMIT, NULL, "enough") : 0;
}

static void hands_pieces_on(void)
{
    taken t = {.length = 0}, no = {.refuses = true};
    START({.status = 200, .body = "0123456789"}, {.status = 200, .body = "0123"}, {.status = 404, .body = "{}"},
          {SCRIPT_RESET, 200, NULL, "01234"}, {.status = 200});
    CU_ASSERT(CALL(.take = take, .take_arg = &t) == 0 && t.length == 10);
    CU_ASSERT(CALL(.take = take, .take_arg = &no) == LB_ERR_LIMIT);
    ASSERT_TEXT(err.message, "enough");
    CU_ASSERT(CALL(.take = take, .take_arg = &t) == LB_ERR_NOT_FOUND && t.length == 10);
    CU_ASSERT(CALL(.take = take, .take_arg = &t) == LB_ERR_UNREACHABLE); /* what was taken is not fetched again */
    CU_ASSERT(server.next == 4);
    finish();
}

static void bounds_answers(void)
{
    START({.status = 200, .body = "0123456789"});
    CU_ASSERT(CALL(.limit = 5) == LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "longer than 5 bytes");
    CU_ASSERT(server.next == 1);
    finish();
}

/* ---- errors ---- */

static void reads_errors(void)
{
    static const struct {
        script_step step;
        int code;
        const char *message, *error_code, *request_id;
    } cases[] = {
        {{.status = 404,
          .body = "{\"error_code\":\"NOT_FOUND\",\"message\":\"branch id not found\",\"details\":[{\"@type\":"
                  "\"type.googleapis.com/google.rpc.RequestInfo\",\"request_id\":\"8f6\"}]}"},
         LB_ERR_NOT_FOUND,
         "GET /x: branch id not found (NOT_FOUND, request 8f6)",
         "NOT_FOUND",
         "8f6"},
        {{.status = 403, .headers = "x-request-id: h-1\r\n"},
         LB_ERR_DENIED,
         "GET /x: the server answered 403 (request h-1)",
         "",
         "h-1"},
        {{.status = 400, .body = "{\"error\":\"invalid_client\",\"error_description\":\"no such client\"}"},
         LB_ERR_INVALID,
         "GET /x: no such client (invalid_client)",
         "invalid_client",
         ""},
        {{.status = 400, .body = "{\"detail\":\"bad filter\",\"status\":\"400\"}"},
         LB_ERR_INVALID,
         "GET /x: bad filter",
         "",
         ""},
        {{.status = 400, .body = "{\"message\":\"one\",\"error\":\"two\"}"}, LB_ERR_INVALID, "GET /x: two", "", ""},
        {{.status = 400, .body = "MALFORMED_REQUEST: what is that"},
         LB_ERR_INVALID,
         "GET /x: what is that (MALFORMED_REQUEST)",
         "MALFORMED_REQUEST",
         ""},
        {{.status = 500, .body = "<html><title>Oh no</title><body>x</body></html>"},
         LB_ERR_UNREACHABLE,
         "GET /x: Oh no",
         "",
         ""},
        {{.status = 400, .body = "<html><body><pre>\nbad\n</pre>"}, LB_ERR_INVALID, "GET /x: bad", "", ""},
        {{.status = 400, .body = "{\"message\":\"half"}, LB_ERR_INVALID, "GET /x: the server answered 400", "", ""},
        {{.status = 400,
          .body = "{\"error_code\":\"BAD_REQUEST\",\"message\":\"root\",\"details\":[{\"@type\":\"x.ErrorInfo\","
                  "\"reason\":\"RESOURCE_CONFLICT\"}]}"},
         LB_ERR_INVALID,
         "GET /x: root (BAD_REQUEST)",
         "BAD_REQUEST",
         ""},
        {{.status = 403, .body = "{\"message\":\"planted-secret-token is not known\"}"},
         LB_ERR_DENIED,
         "GET /x: *** is not known",
         "",
         ""},
        {{.status = 302, .headers = "Location: /login.html\r\n"},
         LB_ERR_UNREACHABLE,
         "GET /x: the server sends us elsewhere (302), as one does that asks for a login",
         "",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        START(cases[i].step);
        CU_ASSERT(CALL(.flags = 0) == cases[i].code);
        ASSERT_TEXT(err.message, cases[i].message);
        ASSERT_TEXT(problem.error_code, cases[i].error_code);
        ASSERT_TEXT(problem.request_id, cases[i].request_id);
        CU_ASSERT(problem.status == cases[i].step.status && server.next == 1);
        finish();
    }
}

/* ---- again ---- */

static void retries_what_passes(void)
{
    START({.status = 429, .headers = "Retry-After: 0\r\n"}, {.status = 503}, {.status = 502}, {.status = 504},
          {SCRIPT_RESET, 0, NULL, NULL}, {SCRIPT_RESET, 200, NULL, "half"}, {SCRIPT_DROP, 0, NULL, NULL},
          {.status = 400, .body = "{\"message\":\"Please try again later or try a faster operation\"}"},
          {.status = 200, .body = "{}"});
    CU_ASSERT(CALL(.flags = 0) == 0 && reply.attempts == 9);
    finish();
}

static void sends_changes_once(void)
{
    START({SCRIPT_RESET, 0, NULL, NULL}, {.status = 200});
    CU_ASSERT(CALL(.method = "POST") == LB_ERR_UNREACHABLE);
    CU_ASSERT(problem.sent && rest_is_ambiguous(&problem) && server.next == 1);
    finish();
    START({.status = 504}, {.status = 200});
    CU_ASSERT(CALL(.method = "POST") == LB_ERR_TIMEOUT && rest_is_ambiguous(&problem) && server.next == 1);
    finish();
    START({SCRIPT_RESET, 0, NULL, NULL}, {.status = 200});
    CU_ASSERT(CALL(.method = "POST", .flags = REST_REPEATABLE) == 0 && reply.attempts == 2);
    finish();
    START({.status = 429, .headers = "Retry-After: 0\r\n"}, {.status = 503}, {.status = 200}); /* refused: it may */
    CU_ASSERT(CALL(.method = "POST") == 0 && reply.attempts == 3);
    finish();
    START({SCRIPT_RESET, 0, NULL, NULL}, {.status = 404}); /* gone: by us? */
    CU_ASSERT(CALL(.method = "DELETE") == LB_ERR_NOT_FOUND && problem.doubt && !rest_is_ambiguous(&problem));
    finish();
}

static bool on_conflict(void *arg, const rest_problem *p)
{
    ++*(int *)arg;
    return p->status == 409;
}

static void asks_the_caller(void)
{
    int asked = 0;
    START({.status = 409}, {.status = 409}, {.status = 404});
    CU_ASSERT(CALL(.method = "POST", .again = on_conflict, .again_arg = &asked) == LB_ERR_NOT_FOUND);
    CU_ASSERT(asked == 3 && server.next == 3);
    finish();
}

static void heeds_retry_after(void)
{
    START({.status = 429, .headers = "Retry-After: 120\r\n"});
    CU_ASSERT(CALL(.deadline = probe_soon(5)) == LB_ERR_LIMIT);
    ASSERT_TEXT(err.hint, "the server asks to wait 120 s, and there is no time for that");
    finish();
    START({.status = 503,
           .headers = "Date: Wed, 19 Aug 2026 10:00:00 GMT\r\nRetry-After: Wed, 19 Aug 2026 11:00:00 GMT\r\n"});
    CU_ASSERT(CALL(.deadline = probe_soon(5)) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "wait 3600 s");
    finish();
    START({.status = 429, .headers = "Retry-After: soon\r\n"}, {.status = 200});
    CU_ASSERT(CALL(.flags = 0) == 0);
    finish();
    START({.status = 429,
           .body = "{\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retry_delay\":\"90s\"}]}"});
    CU_ASSERT(CALL(.deadline = probe_soon(5)) == LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.hint, "wait 90 s");
    finish();
    START({.status = 429, .headers = "Retry-After: 1\r\n"}, {.status = 200});
    int64_t began = clock_monotonic();
    CU_ASSERT(CALL(.flags = 0) == 0 && clock_monotonic() - began >= CLOCK_SECOND);
    finish();
}

static void ends_by_its_budgets(void)
{
    script_step busy[SCRIPT_MAX];
    for (size_t i = 0; i < SCRIPT_MAX; i++)
        busy[i] = (script_step){.status = 503, .headers = "Retry-After: 0\r\n"};
    start_with(&(rest_options){.pause_ms = 1}, busy, SCRIPT_MAX);
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "too many calls to this server failed");
    int used = server.next;
    CU_ASSERT(used > 20 && used < 40);
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_UNREACHABLE && server.next == used + 1); /* the budget is the client's */
    finish();
    start_with(&(rest_options){.pause_ms = 60000, .budget_ms = 300}, (script_step[]){{.status = 503}, {.status = 503}},
               2);
    int64_t began = clock_monotonic();
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_UNREACHABLE && clock_monotonic() - began < 20 * CLOCK_SECOND);
    finish();
}

static void renews_once(void)
{
    START({.status = 401, .body = "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"revoked\"}"}, {.status = 200});
    CU_ASSERT(CALL(.method = "POST") == 0 && renewals == 1);
    ASSERT_CONTAINS(script_request(&server, 1), "Authorization: " TOKEN "-2\r\n");
    finish();
    START({.status = 401}, {.status = 401}, {.status = 200});
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_DENIED && renewals == 1 && server.next == 2);
    finish();
}

/* ---- time ---- */

static void ends_by_its_deadline(void)
{
    START({SCRIPT_STALL, 0, NULL, NULL});
    int64_t began = clock_monotonic();
    CU_ASSERT(CALL(.deadline = began + CLOCK_SECOND / 5) == LB_ERR_TIMEOUT);
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND && problem.sent);
    ASSERT_CONTAINS(err.message, "the deadline passed");
    finish();
    START({SCRIPT_STALL, 200, NULL, "half"}, {.status = 200});
    CU_ASSERT(CALL(.attempt_ms = 100) == 0 && reply.attempts == 2); /* one attempt is not all the time there is */
    finish();
    START({.status = 200});
    CU_ASSERT(CALL(.deadline = clock_monotonic()) == LB_ERR_TIMEOUT);
    finish();
}

static void stops_when_asked(void)
{
    START({SCRIPT_STALL, 0, NULL, NULL});
    probe.cancel_after = 2;
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_CANCELLED);
    finish();
    START({.status = 503, .headers = "Retry-After: 5\r\n"}, {.status = 200});
    probe.cancelled = true;
    CU_ASSERT(CALL(.flags = 0) == LB_ERR_CANCELLED);
    finish();
}

static void says_who_is_not_there(void)
{
    rest_client *nobody = NULL;
    const rest_options options = {
        .host = &probe_host, .base_url = "http://127.0.0.1:1", .pause_ms = 1, .budget_ms = 300};
    CU_ASSERT_FATAL(rest_client_new(&options, &nobody, &err) == 0);
    rest_call c = {.method = "POST", .path = "/x", .deadline = probe_soon(10), .problem = &problem};
    int r = LB_ERR_TIMEOUT; /* the last attempt may begin with so little time left that it ends by that */
    for (int i = 0; i < 5 && r == LB_ERR_TIMEOUT; i++)
        r = rest_perform(nobody, &c, &reply, &err);
    CU_ASSERT(r == LB_ERR_UNREACHABLE);
    CU_ASSERT(!problem.sent && problem.status == 0 && !rest_is_ambiguous(&problem));
    rest_client_free(nobody);
    const rest_options unknown = {.host = &probe_host, .base_url = "https://no.such.name.invalid", .budget_ms = 300};
    CU_ASSERT_FATAL(rest_client_new(&unknown, &nobody, &err) == 0);
    CU_ASSERT(rest_perform(nobody, &c, &reply, &err) == LB_ERR_UNREACHABLE);
    rest_client_free(nobody);
}

/* ---- credentials ---- */

static void guards_credentials(void)
{
    static const char *const refused[] = {"http://example.com", "https://user:pass@example.com", "ftp://x", "https://"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        rest_client *c = NULL;
        CU_ASSERT(rest_client_new(&(rest_options){.host = &probe_host, .base_url = refused[i]}, &c, &err) ==
                  LB_ERR_INVALID);
        CU_ASSERT(!strstr(err.message, "pass"));
    }
    START({.status = 200}, {.status = 200});
    CU_ASSERT(CALL(.path = "https://elsewhere.example/x") == LB_ERR_DENIED);
    LB_AUTO_FREE char *lookalike = base_printf("%s.evil.example/x", server.url);
    CU_ASSERT(CALL(.path = lookalike) == LB_ERR_DENIED);
    LB_AUTO_FREE char *own = base_printf("%s/y?a=1", server.url);
    CU_ASSERT(CALL(.path = own, .query = "b=2") == 0);
    ASSERT_CONTAINS(script_request(&server, 0), "GET /y?a=1&b=2 HTTP/1.1\r\n");
    CU_ASSERT(CALL(.path = own, .flags = REST_ANONYMOUS) == 0);
    CU_ASSERT(!strstr(script_request(&server, 1), "Authorization"));
    finish();
}

static void keeps_secret_urls(void)
{
    START({.status = 404, .body = "{}"});
    CU_ASSERT(CALL(.path = "/hook/planted-secret", .flags = REST_SECRET_URL, .what = "the webhook") ==
              LB_ERR_NOT_FOUND);
    ASSERT_TEXT(err.message, "the webhook: the server answered 404");
    finish();
}

/* ---- pages ---- */

static int count_item(void *arg, struct json_object *item, lb_error *e)
{
    int *seen = arg;
    int n = (int)rest_json_number(item, "n", -1);
    CU_ASSERT(n == *seen);
    *seen += 1;
    return n == 99 ? lb_fail(e, LB_ERR_LIMIT, NULL, "enough") : 0;
}

static void reads_pages(void)
{
    int seen = 0;
    START({.status = 200, .body = "{\"items\":[{\"n\":0},{\"n\":1}],\"next_page_token\":\"a/+=\"}"},
          {.status = 200, .body = "{\"next_page_token\":\"b\"}"},
          {.status = 200, .body = "{\"items\":[{\"n\":2}],\"next_page_token\":\"\"}"});
    const rest_call c = {.method = "GET", .path = "/list", .query = "page_size=2", .deadline = probe_soon(9)};
    CU_ASSERT(rest_pages(client, &c, "items", count_item, &seen, &err) == 0 && seen == 3);
    ASSERT_CONTAINS(script_request(&server, 0), "GET /list?page_size=2 HTTP");
    ASSERT_CONTAINS(script_request(&server, 1), "GET /list?page_size=2&page_token=a%2F%2B%3D HTTP");
    ASSERT_CONTAINS(script_request(&server, 2), "page_token=b HTTP");
    finish();
    START({.status = 200, .body = "{\"items\":[{\"n\":99}],\"next_page_token\":\"a\"}"});
    seen = 99;
    CU_ASSERT(rest_pages(client, &c, "items", count_item, &seen, &err) == LB_ERR_LIMIT);
    finish();
}

static void bad_documents(void)
{
    struct json_object *d = NULL;
    START({.status = 200, .body = "<html>login</html>"}, {.status = 200, .body = ""});
    const rest_call c = {.method = "GET", .path = "/list", .deadline = probe_soon(9)};
    CU_ASSERT(rest_document(client, &c, NULL, &d, &err) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "/list: the answer is not the JSON that it should be");
    CU_ASSERT(rest_document(client, &c, NULL, &d, &err) == 0 && json_object_object_length(d) == 0);
    json_object_put(d);
    finish();
}

SUITE(rest, TEST(sends_and_reads), TEST(sends_files), TEST(hands_pieces_on), TEST(bounds_answers), TEST(reads_errors),
      TEST(retries_what_passes), TEST(sends_changes_once), TEST(asks_the_caller), TEST(heeds_retry_after),
      TEST(ends_by_its_budgets), TEST(renews_once), TEST(ends_by_its_deadline), TEST(stops_when_asked),
      TEST(says_who_is_not_there), TEST(guards_credentials), TEST(keeps_secret_urls), TEST(reads_pages),
      TEST(bad_documents))
