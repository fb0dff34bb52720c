/* What the transport lends in the emulated workspace: connections to programs, and a session to a watch. */
#define LAKE_HOSTS "addresses"
#include "lake_bench.h"

#include <libpq-fe.h>
#include <pthread.h>

LAKE_SETTINGS("operation_s=0", "settle_s=0.05");

static void makes_the_project(void)
{
    start();
    make_project();
    finish();
}

/* ---- to programs ---- */

typedef struct lent {
    char *names[64], *values[64];
    int count;
} lent;

static int take(void *arg, const char *name, const char *value)
{
    lent *l = arg;
    CU_ASSERT_FATAL(l->count < 63);
    l->names[l->count] = base_strdup(name);
    l->values[l->count++] = base_strdup(value);
    return 0;
}

static const char *lent_value(const lent *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->names[i], name) == 0)
            return l->values[i];
    return "";
}

static void give_back(lent *l)
{
    for (int i = 0; i < l->count; i++) {
        free(l->names[i]);
        free(l->values[i]);
    }
    l->count = 0;
}

/* What a program sees that has these variables and nothing else of ours. */
static void log_in_with(const lent *l, const char *expected)
{
    for (int i = 0; i < l->count; i++)
        CU_ASSERT(setenv(l->names[i], l->values[i], 1) == 0);
    PGconn *conn = PQconnectdb("");
    if (PQstatus(conn) != CONNECTION_OK)
        printf("\n    %s\n", PQerrorMessage(conn));
    CU_ASSERT_FATAL(PQstatus(conn) == CONNECTION_OK);
    PGresult *result = PQexec(conn, "SELECT current_user || '/' || current_database()");
    ASSERT_TEXT(PQgetvalue(result, 0, 0), expected);
    PQclear(result);
    PQfinish(conn);
    for (int i = 0; i < l->count; i++)
        CU_ASSERT(unsetenv(l->names[i]) == 0);
}

static void must_lend(lent *l)
{
    int r = lakebase->lend(session, take, l, &err);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
}

/* A session goes on after its token's end; who logs in by what it lends needs one that holds. */
static void lends_what_still_holds(void)
{
    lent l = {.count = 0};
    LB_AUTO_FREE char *us = base_printf("%s/databricks_postgres", ready("client_id"));
    start();
    must_connect(&production);
    revoke_tokens("database");
    must_read("SELECT 1 AS n", "n\n1\n");
    must_lend(&l);
    ASSERT_TEXT(lent_value(&l, "PGSSLMODE"), "verify-full");
    log_in_with(&l, us);
    LB_AUTO_FREE char *first = base_strdup(lent_value(&l, "PGPASSWORD"));
    give_back(&l);
    must_lend(&l); /* each has its whole life before it */
    CU_ASSERT(strcmp(lent_value(&l, "PGPASSWORD"), first) != 0);
    give_back(&l);
    terminate(PRIMARY); /* a session that is lost meanwhile */
    see_the_end();
    must_lend(&l);
    log_in_with(&l, us);
    give_back(&l);
    fault("{\"kind\":\"status\",\"status\":400,\"count\":0,\"match\":{\"path\":\"/credentials$\"}}");
    must_lend(&l); /* there are no others now */
    log_in_with(&l, us);
    ASSERT_CONTAINS(buf_text(&probe.log), "so the one that we have is lent");
    give_back(&l);
    finish();
}

static void lends_nothing_without_proof(void)
{
    lent l = {.count = 0};
    start_with(&(wishes){.proves = true});
    must_connect(&production);
    fault("{\"kind\":\"status\",\"status\":200,\"match\":{\"path\":\"/branches/production$\"},"
          "\"body\":{\"name\":\"projects/shop/branches/production\",\"uid\":\"br-another\"}}");
    CU_ASSERT(lakebase->lend(session, take, &l, &err) == LB_ERR_CONFLICT && l.count == 0);
    finish();
}

/* ---- to a watch ---- */

typedef struct watcher {
    void *session;
    pthread_t thread;
    int answers, code;
    lb_error error;
} watcher;

#define LOOKS 200

static void *look_on(void *arg)
{
    watcher *w = arg;
    probe_rows seen = {.rows = 0};
    lb_sink sink = probe_sink(&seen);
    const lb_command command = {.size = sizeof command,
                                .name = "test/beside",
                                .text = "SELECT count(*) AS n FROM pg_catalog.pg_stat_activity",
                                .read_only = true,
                                .deadline = probe_soon(30)};
    while (w->code == 0 && w->answers < LOOKS) {
        w->code = lakebase->sample(w->session, &command, &sink, &w->error);
        w->answers += w->code == 0;
    }
    probe_rows_clear(&seen);
    return NULL;
}

static void watch_while(watcher *w, void (*work)(void))
{
    w->answers = w->code = 0;
    CU_ASSERT_FATAL(pthread_create(&w->thread, NULL, look_on, w) == 0);
    work();
    CU_ASSERT(pthread_join(w->thread, NULL) == 0);
}

static void work_on(void)
{
    revoke_tokens("database");
    must_change("INSERT INTO watched SELECT generate_series(1, 1000)");
    must("GET", "projects/shop", NULL, NULL);
    lakebase->disconnect(session);
    session = NULL;
    must_connect(&production);
    must_read("SELECT count(*) AS n FROM watched", "n\n1000\n");
}

static void lose_all(void)
{
    terminate(PRIMARY);
}

/* A watch asks from a thread of its own, on a session of its own, while the run goes on with the workspace. One that
 * is lost is an error: it is not for that thread to connect again. */
static void watches_beside(void)
{
    watcher w = {.answers = 0};
    start();
    must_connect(&production);
    must_change("CREATE TABLE watched (n int)");
    w.session = session;
    session = NULL;
    must_connect(&production);
    watch_while(&w, work_on);
    CU_ASSERT(w.code == 0 && w.answers == LOOKS);
    watch_while(&w, lose_all);
    CU_ASSERT(w.code == LB_ERR_UNREACHABLE || w.answers == LOOKS); /* it may be done before */
    if (w.code == 0)
        watch_while(&w, lose_all);
    CU_ASSERT(w.code == LB_ERR_UNREACHABLE);
    lakebase->disconnect(w.session);
    finish();
}

LAKE_SUITE(lakebase_lending, TEST(makes_the_project), TEST(lends_what_still_holds), TEST(lends_nothing_without_proof),
           TEST(watches_beside))
