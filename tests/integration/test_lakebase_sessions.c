/* Sessions in the emulated workspace: real servers over TLS, tokens that truly end, computes that sleep. */
#define LAKE_HOSTS "addresses"
#include "lake_bench.h"

#include <poll.h>

LAKE_SETTINGS("operation_s=0", "settle_s=0.05");

static void makes_the_project(void)
{
    start();
    make_project();
    finish();
}

static void suspend(const char *endpoint)
{
    LB_AUTO_FREE char *body = base_printf("{\"endpoint\":\"%s\",\"force\":true}", endpoint);
    tell("POST", "computes/suspend", body);
}

/* ---- connecting ---- */

static void reads_and_changes(void)
{
    int major = 0;
    start();
    must_connect(&production);
    CU_ASSERT(lakebase->server_version(session, &major, &err) == 0 && major == 17);
    must_read("SELECT current_database() AS d, 1.5::numeric AS n, NULL AS x", "d|n|x\ndatabricks_postgres|1.5|~\n");
    must_read("SELECT current_setting('application_name') AS a", "a\nlbops/bench\n");
    must_read("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", NULL);
    must_read(
        "SELECT current_setting('lock_timeout') AS l, current_setting('idle_in_transaction_session_timeout') AS i",
        "l|i\n5s|1min\n");
    must_change("CREATE TABLE t (n int PRIMARY KEY)");
    must_change("INSERT INTO t VALUES (1), (2)");
    CU_ASSERT(rows.affected == 2);
    CU_ASSERT(run_sql("INSERT INTO t VALUES (3)", true) == LB_ERR_SQL); /* reads must not change anything */
    CU_ASSERT(lakebase->begin(session, probe_soon(9), &err) == 0);
    must_change("INSERT INTO t VALUES (4)");
    CU_ASSERT(lakebase->finish(session, false, probe_soon(9), &err) == 0);
    must_read("SELECT count(*) AS n FROM t", "n\n2\n");
    CU_ASSERT(lakebase->reuse(session, "other", probe_soon(9), &err) == 0);
    must_read("SELECT current_setting('application_name') AS a", "a\nlbops/other\n");
    finish();
}

/* The door of a workspace passes on what the server sent as records of TLS that are larger than the server's own. Of
 * sizes like these some end in the middle of what libpq takes at once. */
static void reads_what_is_left_in_tls(void)
{
    int64_t slowest = 0;
    start();
    must_connect(&production);
    for (int width = 1200; width < 4000 && CU_get_number_of_failures() == 0; width += 12) {
        LB_AUTO_FREE char *sql = base_printf("SELECT repeat('x', %d) AS t FROM generate_series(1, %d)", width,
                                             (3 * 16384 - 100) / (width + 11));
        int64_t began = clock_monotonic();
        must_read(sql, NULL);
        int64_t took = clock_monotonic() - began;
        slowest = took > slowest ? took : slowest;
    }
    CU_ASSERT(slowest < 5 * CLOCK_SECOND); /* and not until the deadline */
    finish();
}

static void logs_in_as_who_it_is(void)
{
    LB_AUTO_FREE char *principal = base_printf("u\n%s\n", ready("client_id"));
    start();
    must_connect(&production);
    must_read("SELECT current_user AS u", principal);
    finish();
    start_with(&(wishes){.token = ready("pat")}); /* its role has to be made first */
    CU_ASSERT(connect_to(&production) == LB_ERR_DENIED);
    ASSERT_TEXT(err.sqlstate, "28P01");
    ASSERT_CONTAINS(err.hint, "does this branch have a role of that name with OAuth login?");
    LB_AUTO_FREE char *role =
        base_printf("{\"spec\":{\"postgres_role\":\"%s\",\"identity_type\":\"USER\"}}", ready("user"));
    must("POST", "projects/shop/branches/production/roles", "role_id=person", role);
    LB_AUTO_FREE char *person = base_printf("u\n%s\n", ready("user"));
    must_connect(&production);
    must_read("SELECT current_user AS u", person);
    finish();
}

static void says_what_is_not_there(void)
{
    static const struct {
        lb_target target;
        int code;
    } bad[] = {{{.project = "shop", .branch = "nothing"}, LB_ERR_NOT_FOUND},
               {{.project = "nothing", .branch = "production"}, LB_ERR_NOT_FOUND},
               {{.project = "../x", .branch = "production"}, LB_ERR_INVALID},
               {{.project = "shop", .branch = "Production"}, LB_ERR_INVALID},
               {{.project = "shop"}, LB_ERR_INVALID}};
    start();
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        CU_ASSERT(connect_to(&bad[i].target) == bad[i].code);
    finish();
}

/* ---- certificates and names ---- */

static void refuses_other_certificates(void)
{
    start();
    fault("{\"kind\":\"pg_wrong_host\",\"count\":0,\"match\":{\"path\":\"" PRIMARY "\"}}");
    int64_t began = clock_monotonic();
    CU_ASSERT(connect_to(&production) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "certificate");
    ASSERT_CONTAINS(err.message, "does not match host name");
    ASSERT_CONTAINS(err.hint, "the certificate must be for 127.");
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND); /* it is not asked again and again */
    finish();
    start_with(&(wishes){.ssl_mode = "require"}); /* the manifest's own wish */
    fault("{\"kind\":\"pg_wrong_host\",\"count\":0,\"match\":{\"path\":\"" PRIMARY "\"}}");
    ASSERT_CONTAINS(buf_text(&probe.log), "ssl_mode is require");
    must_connect(&production);
    finish();
    start();
    fault("{\"kind\":\"pg_expired_certificate\",\"match\":{\"path\":\"" PRIMARY "\"}}");
    CU_ASSERT(connect_to(&production) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "certificate");
    finish();
    start();
    fault("{\"kind\":\"pg_no_tls\",\"match\":{\"path\":\"" PRIMARY "\"}}");
    CU_ASSERT(connect_to(&production) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "server does not support SSL");
    finish();
}

/* The workspace's own certificate counts as much. */
static void refuses_other_workspaces(void)
{
    start_with(&(wishes){.ca_file = "/etc/ssl/certs/ca-certificates.crt"});
    CU_ASSERT(control("GET", "projects", NULL, NULL) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "the server's certificate is not to be trusted");
    CU_ASSERT(connect_to(&production) == LB_ERR_UNREACHABLE);
    finish();
}

/* ---- tokens ---- */

/* A run whose tokens live for seconds, and which goes on for longer: new sessions, the control plane, and the session
 * that it has. */
static void outlives_its_tokens(void)
{
    settings("{\"token_s\":2,\"credential_s\":2}");
    start();
    must_connect(&production);
    int64_t until = clock_monotonic() + 7 * CLOCK_SECOND;
    forget_calls();
    for (int i = 0; clock_monotonic() < until; i++) {
        must_read("SELECT 1 AS n", "n\n1\n");
        if (i % 20 == 0) {
            lakebase->disconnect(session);
            session = NULL;
            must_connect(&production);
        } else if (i % 7 == 0) {
            must("GET", "projects/shop", NULL, NULL);
        }
        (void)poll(NULL, 0, 10); /* not every instant: it is time that has to pass */
    }
    size_t credentials = calls("POST", "/credentials$"), tokens = calls("POST", "/oidc/");
    CU_ASSERT(credentials >= 3 && credentials <= 6 && tokens >= 3 && tokens <= 6);
    CU_ASSERT(!strstr(buf_text(&probe.log), "could not"));
    settings("{\"token_s\":3600,\"credential_s\":0}");
    finish();
}

static void renews_what_was_revoked(void)
{
    start();
    must_connect(&production);
    revoke_tokens("database");
    forget_calls();
    void *first = session;
    must_connect(&production); /* the token that we had is refused, and there is one more */
    CU_ASSERT(calls("POST", "/credentials$") == 1);
    lakebase->disconnect(first);
    revoke_tokens("workspace");
    lakebase->disconnect(session);
    session = NULL;
    must_connect(&production);
    must_read("SELECT 1 AS n", "n\n1\n");
    finish();
}

static void goes_on_with_what_it_has(void)
{
    settings("{\"credential_s\":6}");
    start();
    must_connect(&production);
    int64_t aging = clock_monotonic() + 5 * CLOCK_SECOND + CLOCK_SECOND / 5;
    fault("{\"kind\":\"status\",\"status\":500,\"count\":0,\"match\":{\"path\":\"/credentials$\"}}");
    CU_ASSERT(rest_wait(&probe_host, aging, aging + CLOCK_SECOND, "aging", &err) == 0);
    lakebase->disconnect(session);
    session = NULL;
    must_connect(&production);
    ASSERT_CONTAINS(buf_text(&probe.log), "could not be renewed yet, and is used until it ends");
    settings("{\"credential_s\":0}");
    finish();
}

/* ---- sessions that get lost ---- */

static void reads_again(void)
{
    start();
    must_connect(&production);
    must_read("SELECT 1 AS n", "n\n1\n");
    terminate(PRIMARY);
    see_the_end();
    must_read("SELECT 2 AS n", "n\n2\n");
    ASSERT_CONTAINS(buf_text(&probe.log), "shop/production: the session was lost: connecting again");
    finish();
}

static void changes_again_only_when_safe(void)
{
    start();
    must_connect(&production);
    must_change("CREATE TABLE changes (n int)");
    terminate(PRIMARY);
    see_the_end();
    must_change("INSERT INTO changes VALUES (1)"); /* nothing had been sent */
    must_read("SELECT count(*) AS n FROM changes", "n\n1\n");
    /* Lost while it runs: it may have been carried out, so nobody repeats it. */
    CU_ASSERT(run_sql("INSERT INTO changes SELECT 2 FROM pg_terminate_backend(pg_backend_pid())", false) ==
              LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "it is not known whether it took effect");
    must_read("SELECT count(*) AS n FROM changes", "n\n1\n");
    /* Inside a transaction, what was before is gone: nothing is repeated there. */
    CU_ASSERT(lakebase->begin(session, probe_soon(9), &err) == 0);
    must_change("INSERT INTO changes VALUES (3)");
    terminate(PRIMARY);
    CU_ASSERT(run_sql("INSERT INTO changes VALUES (4)", false) == LB_ERR_UNREACHABLE);
    CU_ASSERT(run_sql("SELECT 1", true) == LB_ERR_UNREACHABLE);
    CU_ASSERT(lakebase->finish(session, false, probe_soon(9), &err) <= 0);
    must_read("SELECT count(*) AS n FROM changes", "n\n1\n");
    finish();
}

static void cut_in_the_middle(void)
{
    start();
    fault("{\"kind\":\"pg_cut\",\"bytes\":200000,\"count\":1,\"match\":{\"path\":\"" PRIMARY "\"}}");
    must_connect(&production);
    CU_ASSERT(run_sql("SELECT repeat('x', 1000) AS t FROM generate_series(1, 2000)", true) == LB_ERR_UNREACHABLE);
    CU_ASSERT(rows.rows > 0); /* some had come: it is not read again behind the host's back */
    must_read("SELECT 1 AS n", "n\n1\n");
    finish();
}

static void silent_servers(void)
{
    start();
    fault("{\"kind\":\"pg_silent\",\"count\":0,\"match\":{\"path\":\"" PRIMARY "\"}}");
    int64_t began = clock_monotonic();
    CU_ASSERT(lakebase->connect(state, &production, "bench", probe_soon(1), &session, &err) == LB_ERR_TIMEOUT);
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND);
    finish();
    start();
    fault("{\"kind\":\"pg_starting\",\"count\":1,\"match\":{\"path\":\"" PRIMARY "\"}}");
    must_connect(&production); /* it says so, and is asked again */
    finish();
}

static void cancels_on_deadline(void)
{
    start();
    must_connect(&production);
    const lb_command slow = {.size = sizeof slow,
                             .name = "test/slow",
                             .text = "SELECT pg_sleep(30)",
                             .read_only = true,
                             .deadline = probe_soon(1)};
    CU_ASSERT(lakebase->execute(session, &slow, NULL, &rows.affected, &err) == LB_ERR_TIMEOUT);
    must_read("SELECT 1 AS n", "n\n1\n");
    finish();
}

/* ---- sleep ---- */

static void leaves_sleepers_asleep(void)
{
    suspend(PRIMARY);
    start_with(&(wishes){.sleeps = true});
    CU_ASSERT(connect_to(&production) == LB_ERR_SUSPENDED);
    ASSERT_TEXT(err.message, "the compute of shop/production is suspended");
    must("GET", PRIMARY, NULL, NULL);
    ASSERT_TEXT(rest_json_text(answer, "status.current_state"), "IDLE");
    finish();
    start(); /* it may be woken */
    must_connect(&production);
    must_read("SELECT 1 AS n", "n\n1\n");
    ASSERT_CONTAINS(buf_text(&probe.log), "shop/production: waking its compute");
    finish();
    /* A session that the suspension ended does not wake it either. */
    start_with(&(wishes){.sleeps = true});
    must_connect(&production);
    suspend(PRIMARY);
    see_the_end();
    CU_ASSERT(run_sql("SELECT 1", true) == LB_ERR_SUSPENDED);
    CU_ASSERT(run_sql("CREATE TABLE sleepy ()", false) == LB_ERR_SUSPENDED);
    finish();
}

/* ---- proof ---- */

static void proves_its_branch(void)
{
    const lb_target other = {.project = "shop", .branch = "other"};
    start();
    must("POST", "projects/shop/branches", "branch_id=other", "{\"spec\":{\"no_expiry\":true}}");
    must_connect(&other);
    forget_calls();
    must_change("CREATE TABLE mine (n int)");
    must_change("INSERT INTO mine VALUES (1)");
    CU_ASSERT(calls("GET", "/branches/other$") == 0); /* a fresh look counts for a while */
    must("DELETE", "projects/shop/branches/other", "purge=true", NULL);
    see_the_end();
    must("POST", "projects/shop/branches", "branch_id=other", "{\"spec\":{\"no_expiry\":true}}");
    /* The old compute is gone with the branch; the session finds the new one, and says so. */
    CU_ASSERT(run_sql("SELECT count(*) FROM mine", true) == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "42P01");
    ASSERT_CONTAINS(buf_text(&probe.log), "branch shop/other is a new one of that name");
    must("DELETE", "projects/shop/branches/other", "purge=true", NULL);
    see_the_end();
    CU_ASSERT(run_sql("SELECT 1", true) == LB_ERR_NOT_FOUND);
    finish();
}

static void changes_nothing_without_proof(void)
{
    start_with(&(wishes){.proves = true});
    must_connect(&production);
    forget_calls();
    must_change("CREATE TABLE proved (n int)");
    CU_ASSERT(calls("GET", "/branches/production$") == 1);
    must_read("SELECT count(*) AS n FROM proved", "n\n0\n"); /* reads need none */
    CU_ASSERT(calls("GET", "/branches/production$") == 1);
    fault("{\"kind\":\"status\",\"status\":200,\"match\":{\"path\":\"/branches/production$\"},"
          "\"body\":{\"name\":\"projects/shop/branches/production\",\"uid\":\"br-another\"}}");
    CU_ASSERT(run_sql("INSERT INTO proved VALUES (1)", false) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "is not the branch any more that this session is on: nothing was changed");
    fault("{\"kind\":\"status\",\"status\":500,\"count\":0,\"match\":{\"path\":\"/branches/production$\"}}");
    CU_ASSERT(lakebase->begin(session, probe_soon(3), &err) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "it cannot be proved which branch this is, so that nothing is changed");
    must_read("SELECT count(*) AS n FROM proved", "n\n0\n");
    finish();
}

LAKE_SUITE(lakebase_sessions, TEST(makes_the_project), TEST(reads_and_changes), TEST(reads_what_is_left_in_tls),
           TEST(logs_in_as_who_it_is), TEST(says_what_is_not_there), TEST(refuses_other_certificates),
           TEST(refuses_other_workspaces), TEST(outlives_its_tokens), TEST(renews_what_was_revoked),
           TEST(goes_on_with_what_it_has), TEST(reads_again), TEST(changes_again_only_when_safe),
           TEST(cut_in_the_middle), TEST(silent_servers), TEST(cancels_on_deadline), TEST(leaves_sleepers_asleep),
           TEST(proves_its_branch), TEST(changes_nothing_without_proof))
