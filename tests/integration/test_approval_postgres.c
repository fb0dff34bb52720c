/* approval_postgres: hosts on one side, people's statements on the other. */
#include "state_servers.h"

#include <lbops/approval.h>

#include <poll.h>
#include <pthread.h>

extern const lb_plugin lb_plugin_v1_approval_postgres;

static const lb_approval *ops;
static lb_error err;
static buf said = {.limit = 1 << 16};

#define SCHEMA "\"odd 'approvals\""
#define OURS   "application_name = 'lbops/approval' AND datname = current_database()"

static void *start(void)
{
    void *state = NULL, *args = stage_args(ops->params, ops->args_size);
    stage_set_text(ops->params, args, "dsn", dsn);
    stage_set_text(ops->params, args, "schema", "odd 'approvals");
    int r = ops->open(&stage_host, args, "/nowhere", stage_soon(10), &state, &err);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
    free(args);
    return state;
}

static int publish(void *state, const char *id, int64_t revision)
{
    int r = ops->publish(state, id, revision, "{\"tool\":\"drop_index\",\"odd\":\"o'x\\u0000\"}", stage_soon(10), &err);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    return r;
}

/* What a person's program does. */
static bool decide(const char *id, const char *verdict)
{
    LB_AUTO_FREE char *sql = base_printf("UPDATE " SCHEMA ".approval SET verdict = '%s', decided_by = 'Ada', "
                                         "reason = 'it''s right' WHERE id = '%s'",
                                         verdict, id);
    return alter(sql);
}

static int take(void *arg, const lb_decision *d, lb_error *ret_err)
{
    if (arg)
        return lb_fail(ret_err, LB_ERR_TOOL, NULL, "not now");
    buf_printf(&said, "%s/%lld %s by %s: %s\n", d->id, (long long)d->revision, d->approved ? "yes" : "no", d->by,
               d->because);
    CU_ASSERT(d->at > INT64_C(1600000000000000));
    return 0;
}

static const char *collect_for(void *state, int64_t microseconds)
{
    buf_clear(&said);
    int r = ops->collect(state, clock_monotonic() + microseconds, take, NULL, &err);
    if (r < 0)
        buf_printf(&said, "failed: %d %s", r, err.message);
    return buf_text(&said);
}

static void brings_decisions(void)
{
    void *state = start();
    CU_ASSERT(publish(state, "a", 1) == 0 && publish(state, "b", 1) == 0 && publish(state, "c", 1) == 0);
    LB_AUTO_FREE char *pending = aside_in(dsn, "SELECT string_agg(id, ' ' ORDER BY id) FROM " SCHEMA ".pending");
    ASSERT_TEXT(pending, "a b c");
    ASSERT_TEXT(collect_for(state, 200000), "");
    CU_ASSERT(decide("a", "approve") && decide("b", "deny"));
    CU_ASSERT(ops->collect(state, stage_soon(10), take, &err, &err) == LB_ERR_TOOL); /* refused: it comes again */
    ASSERT_TEXT(collect_for(state, 10000000), "a/1 yes by Ada: it's right\nb/1 no by Ada: it's right\n");
    ASSERT_TEXT(collect_for(state, 200000), "");
    ops->close(state);
    state = start(); /* what is not settled comes again */
    ASSERT_TEXT(collect_for(state, 10000000), "a/1 yes by Ada: it's right\nb/1 no by Ada: it's right\n");
    CU_ASSERT(ops->settle(state, "a", "executed", stage_soon(10), &err) == 0);
    CU_ASSERT(ops->settle(state, "b", "denied", stage_soon(10), &err) == 0);
    CU_ASSERT(ops->settle(state, "nobody", "denied", stage_soon(10), &err) == 0);
    ops->close(state);
    state = start();
    ASSERT_TEXT(collect_for(state, 200000), "");
    ops->close(state);
}

static void publishes_once(void)
{
    void *state = start();
    CU_ASSERT(publish(state, "p", 2) == 0 && decide("p", "approve"));
    CU_ASSERT(publish(state, "p", 2) == 0 && publish(state, "p", 1) == 0); /* the decision stands */
    ASSERT_TEXT(collect_for(state, 10000000), "p/2 yes by Ada: it's right\n");
    CU_ASSERT(publish(state, "p", 3) == 0); /* the fingerprint moved: pending anew */
    ASSERT_TEXT(collect_for(state, 200000), "");
    CU_ASSERT(decide("p", "deny"));
    ASSERT_TEXT(collect_for(state, 10000000), "p/3 no by Ada: it's right\n");
    CU_ASSERT(ops->settle(state, "p", "denied", stage_soon(10), &err) == 0);
    ops->close(state);
}

/* Statements that the table has to refuse; quietly, since they are meant to fail. */
static bool is_refused(const char *sql, const char *because)
{
    PGconn *conn = PQconnectdb(dsn);
    PGresult *result = PQexec(conn, sql);
    bool refused = PQresultStatus(result) == PGRES_FATAL_ERROR && strstr(PQresultErrorMessage(result), because);
    if (!refused)
        printf("\n    %s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(conn);
    return refused;
}

#define DECIDE(id, rest) "UPDATE " SCHEMA ".approval SET " rest " WHERE id = '" id "'"

static void refuses_bad_decisions(void)
{
    void *state = start();
    CU_ASSERT(publish(state, "r", 1) == 0);
    CU_ASSERT(is_refused(DECIDE("r", "verdict = 'approve'"), "decision_has_name_and_reason"));
    CU_ASSERT(is_refused(DECIDE("r", "verdict = 'approve', decided_by = 'Ada'"), "decision_has_name_and_reason"));
    CU_ASSERT(
        is_refused(DECIDE("r", "verdict = 'approve', decided_by = ' ', reason = 'x'"), "decision_has_name_and_reason"));
    CU_ASSERT(is_refused(DECIDE("r", "verdict = 'perhaps', decided_by = 'Ada', reason = 'x'"), "verdict_check"));
    CU_ASSERT(decide("r", "deny"));
    CU_ASSERT(is_refused(DECIDE("r", "verdict = 'approve'"), "approval r was decided already (deny by Ada)"));
    CU_ASSERT(is_refused(DECIDE("r", "verdict = NULL"), "approval r was decided already"));
    CU_ASSERT(publish(state, "s", 1) == 0 && ops->settle(state, "s", "expired", stage_soon(10), &err) == 0);
    CU_ASSERT(is_refused(DECIDE("s", "verdict = 'approve', decided_by = 'Ada', reason = 'x'"),
                         "approval s is settled: expired"));
    CU_ASSERT(ops->settle(state, "r", "denied", stage_soon(10), &err) == 0);
    LB_AUTO_FREE char *role = aside_in(dsn, "SELECT decided_role FROM " SCHEMA ".approval WHERE id = 'r'");
    ASSERT_TEXT(role, "postgres");
    ops->close(state);
}

static void *decide_when_it_listens(void *arg)
{
    int64_t limit = stage_soon(10);
    bool waits = false;
    while (!waits && clock_monotonic() < limit) {
        LB_AUTO_FREE char *cell = aside_in(dsn, "SELECT count(*) FROM pg_stat_activity WHERE " OURS
                                                " AND state = 'idle' AND query LIKE '%ORDER BY decided_at%'");
        waits = cell && strcmp(cell, "1") == 0;
    }
    *(bool *)arg = decide("w", "approve");
    return NULL;
}

static void wakes_at_once(void)
{
    void *state = start();
    pthread_t person;
    bool decided = false;
    CU_ASSERT(publish(state, "w", 1) == 0);
    CU_ASSERT_FATAL(pthread_create(&person, NULL, decide_when_it_listens, &decided) == 0);
    int64_t began = clock_monotonic();
    ASSERT_TEXT(collect_for(state, 60 * CLOCK_SECOND), "w/1 yes by Ada: it's right\n");
    CU_ASSERT(clock_monotonic() - began < 30 * CLOCK_SECOND);
    CU_ASSERT(pthread_join(person, NULL) == 0 && decided);
    CU_ASSERT(ops->settle(state, "w", "executed", stage_soon(10), &err) == 0);
    /* For a host that waits for several things. */
    CU_ASSERT(publish(state, "f", 1) == 0);
    ASSERT_TEXT(collect_for(state, 100000), "");
    struct pollfd p = {.fd = ops->descriptor(state), .events = POLLIN};
    CU_ASSERT(p.fd >= 0 && poll(&p, 1, 0) == 0);
    CU_ASSERT(decide("f", "deny"));
    CU_ASSERT(poll(&p, 1, 10000) == 1);
    ASSERT_TEXT(collect_for(state, 10000000), "f/1 no by Ada: it's right\n");
    CU_ASSERT(ops->settle(state, "f", "denied", stage_soon(10), &err) == 0);
    ops->close(state);
}

static void *end_sessions(void *arg)
{
    *(bool *)arg =
        alter("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS) && decide("l", "deny");
    return NULL;
}

static void listens_again(void)
{
    void *state = start();
    pthread_t person;
    bool done = false;
    CU_ASSERT(publish(state, "l", 1) == 0);
    CU_ASSERT_FATAL(pthread_create(&person, NULL, end_sessions, &done) == 0);
    ASSERT_TEXT(collect_for(state, 60 * CLOCK_SECOND), "l/1 no by Ada: it's right\n");
    CU_ASSERT(pthread_join(person, NULL) == 0 && done);
    CU_ASSERT(ops->settle(state, "l", "denied", stage_soon(10), &err) == 0);
    ops->close(state);
}

static void people_need_little(void)
{
    void *state = start();
    CU_ASSERT(publish(state, "g", 1) == 0);
    CU_ASSERT(alter("CREATE ROLE lbops_decider; GRANT USAGE ON SCHEMA " SCHEMA
                    " TO lbops_decider; GRANT SELECT ON " SCHEMA ".approval, " SCHEMA
                    ".pending TO lbops_decider; GRANT UPDATE (verdict, decided_by, reason) ON " SCHEMA
                    ".approval TO lbops_decider"));
    CU_ASSERT(is_refused("SET ROLE lbops_decider; " DECIDE("g", "revision = 9"), "permission denied"));
    CU_ASSERT(is_refused("SET ROLE lbops_decider; " DECIDE("g", "outcome = NULL"), "permission denied"));
    CU_ASSERT(alter("SET ROLE lbops_decider; " DECIDE("g", "verdict = 'deny', decided_by = 'Bob', reason = 'no'")));
    ASSERT_TEXT(collect_for(state, 10000000), "g/1 no by Bob: no\n");
    CU_ASSERT(ops->settle(state, "g", "denied", stage_soon(10), &err) == 0);
    CU_ASSERT(alter("DROP OWNED BY lbops_decider; DROP ROLE lbops_decider"));
    ops->close(state);
}

static void forgets_what_is_old(void)
{
    CU_ASSERT(alter("UPDATE " SCHEMA ".approval SET settled_at = now() - interval '91 days' WHERE id = 'a'"));
    void *state = start();
    LB_AUTO_FREE char *left = aside_in(dsn, "SELECT count(*) FILTER (WHERE id = 'a') || ' ' || "
                                            "count(*) FILTER (WHERE id = 'b') FROM " SCHEMA ".approval");
    ASSERT_TEXT(left, "0 1");
    ops->close(state);
}

static unsigned test_server(const char *server)
{
    static const state_case tests[] = {
        TEST(brings_decisions), TEST(publishes_once),     TEST(refuses_bad_decisions), TEST(wakes_at_once),
        TEST(listens_again),    TEST(people_need_little), TEST(forgets_what_is_old),
    };
    return stage_run_only(server, tests, LB_COUNT(tests));
}

int main(void)
{
    ops = lb_plugin_v1_approval_postgres.ops;
    return on_each_server("lbops_approval_postgres", test_server);
}
