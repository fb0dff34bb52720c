/* local_bench.h: transport_local at work on real servers: those that LBOPS_TEST_PG15 to LBOPS_TEST_PG18 name, as
 * superuser. Without any, a test program is skipped (exit code 77). Each server gets a database for the program, gone
 * at its end. */
#ifndef LBOPS_TESTS_LOCAL_BENCH_H
#define LBOPS_TESTS_LOCAL_BENCH_H

#include "harness/transport_probe.h"
#include "unit/suite.h"

#include "fixture.h"

#include <libpq-fe.h>

extern const lb_plugin lb_plugin_v1_transport_local;

#define DATABASE "lbops_" BENCH_NAME

static const char *url; /* of the server that is tested now */
PROBE_UNUSED static const lb_target own = {.project = "p", .branch = "no_such_database"};
static const lb_target branch = {.project = "p", .branch = DATABASE};
static const lb_transport *local;
static void *state, *session;
static fixture_recording *recording;
static probe_rows rows;
static lb_error err;

/* ---- the bench --------------------------------------------------------------------------------------------------- */

/* A second session, for what others do to ours. Returns the first cell. */
static char *aside(const char *database, const char *sql)
{
    const char *names[] = {"dbname", "dbname", "options", NULL};
    const char *values[] = {url, database, "-c client_min_messages=warning", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        printf("\n    %s: %s", sql, PQerrorMessage(conn));
    CU_ASSERT(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    char *cell = base_strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return cell;
}

PROBE_UNUSED static void alter(const char *database, const char *sql)
{
    free(aside(database, sql));
}

static int open_with(const char *dsn, const char *name, int64_t number)
{
    local = lb_plugin_v1_transport_local.ops;
    probe_args args = probe_args_new(local);
    probe_set_text(&args, "dsn", dsn);
    if (name)
        probe_set_i64(&args, name, number);
    int r = local->open(&probe_host, args.bytes, &state, &err);
    free(args.bytes);
    return r;
}

PROBE_UNUSED static void start_with(const char *name, int64_t number)
{
    probe_reset();
    CU_ASSERT_FATAL(open_with(url, name, number) == 0);
    int r = local->connect(state, &branch, "bench", probe_soon(10), &session, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_FATAL(r == 0);
}

PROBE_UNUSED static void start(void)
{
    start_with(NULL, 0);
}

static void finish(void)
{
    local->disconnect(session);
    local->close(state);
    probe_rows_clear(&rows);
    probe_reset();
}

static int run(const lb_command *given, bool read_only)
{
    lb_sink sink = probe_sink(&rows);
    lb_command command = *given;
    command.size = sizeof command;
    command.name = command.name ? command.name : "test/statement";
    command.read_only = read_only;
    command.deadline = command.deadline ? command.deadline : probe_soon(30);
    return recording ? fixture_record_execute(recording, local, session, &command, &sink, &rows.affected, &err)
                     : local->execute(session, &command, &sink, &rows.affected, &err);
}

PROBE_UNUSED static int read_sql(const char *sql)
{
    return run(&(lb_command){.text = sql}, true);
}

PROBE_UNUSED static int change_sql(const char *sql)
{
    return run(&(lb_command){.text = sql}, false);
}

PROBE_UNUSED static int64_t elapsed_since(int64_t began)
{
    return (clock_monotonic() - began) / 1000;
}

/* ---- the servers ------------------------------------------------------------------------------------------------- */

typedef struct bench_test {
    const char *title;
    void (*fn)(void);
} bench_test;

static unsigned test_server(const char *name, const bench_test *tests, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; suite && i < count; i++)
        if (!CU_add_test(suite, tests[i].title, tests[i].fn))
            return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed;
}

static bool run_aside(const char *sql)
{
    const char *names[] = {"dbname", "options", NULL}, *values[] = {url, "-c client_min_messages=warning", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    PGresult *result = PQexec(conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        printf("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return ok;
}

/* The exit code. */
static int test_servers(const bench_test *tests, size_t count)
{
    static const char *const servers[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG16", "LBOPS_TEST_PG17", "LBOPS_TEST_PG18"};
    unsigned failed = 0, tested = 0;
    for (size_t i = 0; i < LB_COUNT(servers); i++) {
        url = getenv(servers[i]);
        if (!url || !*url)
            continue;
        tested++;
        if (!run_aside("DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)") || !run_aside("CREATE DATABASE " DATABASE))
            return 1;
        failed += test_server(servers[i], tests, count);
        failed += !run_aside("DROP DATABASE " DATABASE " WITH (FORCE)");
    }
    if (!tested)
        printf("skipped: LBOPS_TEST_PG15 to LBOPS_TEST_PG18 name no server\n");
    return failed ? 1 : tested ? 0 : 77;
}

#define LOCAL_SUITE(...)                                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const bench_test tests[] = {__VA_ARGS__};                                                               \
        return test_servers(tests, LB_COUNT(tests));                                                                   \
    }

#endif
