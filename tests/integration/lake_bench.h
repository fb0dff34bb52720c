/* lake_bench.h: transport_lakebase at work in the emulated workspace (tests/emulator), which a test program starts for
 * itself and which ends with it. Without Python or servers the program is skipped (exit code 77). LAKE_HOSTS says how
 * its databases are found: "names" that share one address, or "addresses" of their own. */
#ifndef LBOPS_TESTS_LAKE_BENCH_H
#define LBOPS_TESTS_LAKE_BENCH_H

#include "harness/transport_probe.h"
#include "suite.h"

#include "rest_client.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

extern const lb_plugin lb_plugin_v1_transport_lakebase;
extern char **environ;

#define READY_FD 3

static struct {
    pid_t pid;
    struct json_object *ready;
    rest_client *client;
} emulator;

static const lb_transport *lakebase;
static void *state, *session;
static probe_rows rows;
static lb_error err;
static struct json_object *answer; /* of the last call that succeeded */

PROBE_UNUSED static const lb_target production = {.project = "shop", .branch = "production"};

static const char *ready(const char *name)
{
    return rest_json_text(emulator.ready, name);
}

/* ---- the emulator ---- */

static void read_ready(int fd, buf *into)
{
    char piece[512];
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buf_put(into, piece, (size_t)n);
}

/* False: it does not start here. */
static bool start_emulator(const char *const *settings)
{
    const char *argv[32] = {"python3", LBOPS_EMULATOR, "--follow-parent", "--ready-fd", "3", "--pg-hosts", LAKE_HOSTS};
    size_t count = 7;
    for (size_t i = 0; settings[i]; i++) {
        argv[count++] = "--set";
        argv[count++] = settings[i];
    }
    int ends[2];
    posix_spawn_file_actions_t actions;
    buf line = BUF_INIT(1 << 16);
    union {
        const char **in;
        char *const *out;
    } words = {argv};
    if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0)
        return false;
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], READY_FD); /* without it nothing is ready */
    int failed = posix_spawnp(&emulator.pid, "python3", &actions, NULL, words.out, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (!failed)
        read_ready(ends[0], &line);
    (void)close(ends[0]);
    if (line.length)
        emulator.ready = rest_json_parse(buf_text(&line), line.length, "emulator", &err);
    buf_done(&line);
    return emulator.ready != NULL;
}

static void stop_emulator(void)
{
    int status = 0;
    rest_client_free(emulator.client);
    json_object_put(emulator.ready);
    if (emulator.pid > 0 && kill(emulator.pid, SIGTERM) == 0)
        (void)waitpid(emulator.pid, &status, 0);
}

/* A call to the emulator's own side; the caller puts what it returns. */
static struct json_object *emulate(const char *method, const char *path, const char *body)
{
    struct json_object *document = NULL, *text = body ? json_tokener_parse(body) : NULL;
    if (!emulator.client)
        CU_ASSERT_FATAL(
            rest_client_new(&(rest_options){.host = &probe_host, .base_url = ready("url"), .ca_file = ready("ca_file")},
                            &emulator.client, &err) == 0);
    LB_AUTO_FREE char *whole = base_printf("/_emulator/%s", path);
    const rest_call call = {
        .method = method, .path = whole, .flags = REST_REPEATABLE, .deadline = clock_monotonic() + 30 * CLOCK_SECOND};
    int r = rest_document(emulator.client, &call, text, &document, &err);
    if (r < 0)
        printf("\n    %s %s: %s\n", method, path, err.message);
    CU_ASSERT_FATAL(r == 0);
    json_object_put(text);
    return document;
}

static void tell(const char *method, const char *path, const char *body)
{
    json_object_put(emulate(method, path, body));
}

PROBE_UNUSED static void fault(const char *rule)
{
    tell("POST", "faults", rule);
}

PROBE_UNUSED static void settings(const char *values)
{
    tell("PATCH", "settings", values);
}

/* How many calls of this method and path there were since the last `forget_calls`. */
PROBE_UNUSED static size_t calls(const char *method, const char *path)
{
    rest_buf query = {.limit = 1000};
    rest_buf_text(&query, "requests?path=");
    rest_buf_escaped(&query, path);
    rest_buf_text(&query, "&method=");
    rest_buf_text(&query, method);
    struct json_object *document = emulate("GET", query.data, NULL);
    size_t count = rest_json_count(rest_json_at(document, "requests"));
    json_object_put(document);
    rest_buf_done(&query);
    return count;
}

PROBE_UNUSED static void forget_calls(void)
{
    tell("DELETE", "requests", NULL);
}

/* ---- the transport ---- */

static bool wakes; /* the run may wake computes */

static bool may_wake(void)
{
    return wakes;
}

typedef struct wishes {
    const char *token, *client_secret, *via, *ca_file, *ssl_mode, *password, *role;
    bool proves; /* before each change */
    bool sleeps; /* suspended computes are left asleep */
} wishes;

static int open_lake(const wishes *w)
{
    lakebase = lb_plugin_v1_transport_lakebase.ops;
    probe_args args = probe_args_new(lakebase);
    const char *address = ready("pg_hostaddr"); /* only with names */
    LB_AUTO_FREE char *via =
        address ? base_printf("%s:%lld", address, (long long)rest_json_number(emulator.ready, "pg_port", 0)) : NULL;
    probe_set_text(&args, "host", ready("url"));
    probe_set_text(&args, w->token ? "token" : "client_id", w->token ? w->token : ready("client_id"));
    if (!w->token)
        probe_set_text(&args, "client_secret", w->client_secret ? w->client_secret : ready("client_secret"));
    probe_set_text(&args, "ca_file", w->ca_file ? w->ca_file : ready("ca_file"));
    probe_set_text(&args, "via", w->via ? w->via : via);
    probe_set_text(&args, "ssl_mode", w->ssl_mode ? w->ssl_mode : "verify-full");
    probe_set_text(&args, "database", "databricks_postgres");
    probe_set_text(&args, "password", w->password);
    probe_set_text(&args, "role", w->role);
    if (w->proves)
        probe_set_i64(&args, "prove_after_s", 0);
    probe_set_i64(&args, "poll_ms", 20);
    probe_set_i64(&args, "retry_pause_ms", 20);
    static lb_service_host host;
    host = probe_host;
    host.may_wake = may_wake;
    wakes = !w->sleeps;
    int r = lakebase->open(&host, args.bytes, &state, &err);
    free(args.bytes);
    return r;
}

static void start_with(const wishes *w)
{
    probe_reset();
    int r = open_lake(w);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_FATAL(r == 0);
}

PROBE_UNUSED static void start(void)
{
    start_with(&(wishes){.token = NULL});
}

static void finish(void)
{
    if (session)
        lakebase->disconnect(session);
    session = NULL;
    if (state)
        lakebase->close(state);
    state = NULL;
    json_object_put(answer);
    answer = NULL;
    probe_rows_clear(&rows);
    probe_reset();
    tell("DELETE", "faults", NULL);
}

static int keep_answer(void *arg, const char *json, lb_error *e)
{
    (void)arg;
    json_object_put(answer);
    answer = rest_json_parse(json, strlen(json), "reply", e);
    struct json_object *response = rest_json_at(answer, "response");
    if (response) { /* of a change: it is done */
        CU_ASSERT(rest_json_flag(answer, "done") && rest_json_text(answer, "name"));
        struct json_object *operation = answer;
        answer = json_object_get(response);
        json_object_put(operation);
    }
    return answer ? 0 : e->code;
}

static int control_by(int64_t deadline, const char *method, const char *path, const char *query, const char *body)
{
    const lb_request request = {.method = method, .path = path, .query = query, .body = body};
    return lakebase->control(state, &request, deadline, keep_answer, NULL, &err);
}

static int control(const char *method, const char *path, const char *query, const char *body)
{
    return control_by(probe_soon(60), method, path, query, body);
}

/* A call that has to succeed. */
PROBE_UNUSED static void must(const char *method, const char *path, const char *query, const char *body)
{
    int r = control(method, path, query, body);
    if (r < 0)
        printf("\n    %s %s: %s (%s)\n", method, path, err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
}

PROBE_UNUSED static int connect_to(const lb_target *target)
{
    return lakebase->connect(state, target, "bench", probe_soon(30), &session, &err);
}

PROBE_UNUSED static void must_connect(const lb_target *target)
{
    int r = connect_to(target);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
}

PROBE_UNUSED static int run_sql(const char *sql, bool read_only)
{
    lb_sink sink = probe_sink(&rows);
    const lb_command command = {.size = sizeof command,
                                .name = "test/statement",
                                .text = sql,
                                .read_only = read_only,
                                .deadline = probe_soon(30)};
    return lakebase->execute(session, &command, &sink, &rows.affected, &err);
}

static void must_run(const char *sql, bool read_only, const char *expected)
{
    int r = run_sql(sql, read_only);
    if (r < 0)
        printf("\n    %s: %s (%s)\n", sql, err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
    if (expected)
        ASSERT_TEXT(buf_text(&rows.text), expected);
}

PROBE_UNUSED static void must_read(const char *sql, const char *expected)
{
    must_run(sql, true, expected);
}

PROBE_UNUSED static void must_change(const char *sql)
{
    must_run(sql, false, NULL);
}

PROBE_UNUSED static void make_project(void)
{
    must("POST", "projects", "project_id=shop",
         "{\"spec\":{\"display_name\":\"Shop\",\"pg_version\":17,"
         "\"default_endpoint_settings\":{\"autoscaling_limit_min_cu\":0.5,\"autoscaling_limit_max_cu\":1,"
         "\"suspend_timeout_duration\":\"300s\"}}}");
}

#define PRIMARY "projects/shop/branches/production/endpoints/primary"

PROBE_UNUSED static void revoke_tokens(const char *kind)
{
    LB_AUTO_FREE char *body = base_printf("{\"kind\":\"%s\"}", kind);
    tell("POST", "tokens/revoke", body);
}

PROBE_UNUSED static void terminate(const char *endpoint)
{
    LB_AUTO_FREE char *body = base_printf("{\"endpoint\":\"%s\"}", endpoint);
    tell("POST", "computes/terminate", body);
}

/* The news of its end has come here. */
PROBE_UNUSED static void see_the_end(void)
{
    int64_t limit = probe_soon(10);
    while (lakebase->reuse(session, "bench", limit, &err) == 0 && clock_monotonic() < limit)
        (void)poll(NULL, 0, 1);
}

/* ---- the program ---- */

typedef struct lake_test {
    const char *title;
    void (*fn)(void);
} lake_test;

static int test_lake(const char *name, const char *const *wanted, const lake_test *tests, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; suite && i < count; i++)
        if (!CU_add_test(suite, tests[i].title, tests[i].fn))
            return 1;
    if (!start_emulator(wanted)) {
        printf("skipped: the emulated workspace does not start here\n");
        CU_cleanup_registry();
        return 77;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    stop_emulator();
    return failed ? 1 : 0;
}

#define LAKE_SETTINGS(...) static const char *const lake_settings[] = {__VA_ARGS__, NULL}

#define LAKE_SUITE(name, ...)                                                                                          \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const lake_test tests[] = {__VA_ARGS__};                                                                \
        return test_lake(#name, lake_settings, tests, LB_COUNT(tests));                                                \
    }

#endif
