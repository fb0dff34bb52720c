/* The Postgres store: the cases of all stores, then what is a matter of servers. */
#include "state_servers.h"

#include <pthread.h>
#include <sys/wait.h>

extern const lb_plugin lb_plugin_v1_state_postgres;

static const lb_state *postgres;
static lb_error err;

/* ---- opening ---- */

typedef struct wish {
    const char *dsn, *schema, *password;
    bool must_exist;
} wish;

static int open_as(wish w, void **ret_state)
{
    void *args = stage_args(postgres->params, postgres->args_size);
    stage_set_text(postgres->params, args, "dsn", w.dsn ? w.dsn : dsn);
    if (w.schema)
        stage_set_text(postgres->params, args, "schema", w.schema);
    if (w.password)
        stage_set_text(postgres->params, args, "password", w.password);
    if (w.must_exist)
        stage_set_bool(postgres->params, args, "create", false);
    int r = postgres->open(&stage_host, args, "/nowhere", stage_soon(20), ret_state, &err);
    free(args);
    return r;
}

static int open_fails(wish w)
{
    void *state = NULL;
    int r = open_as(w, &state);
    if (r == 0)
        postgres->close(state);
    return r;
}

static void *start_in(const char *schema)
{
    void *state = NULL;
    int r = open_as((wish){.schema = schema}, &state);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
    return state;
}

static int open_stage(void **ret_state, lb_error *ret_err)
{
    int r = open_as((wish){.schema = NULL}, ret_state);
    *ret_err = err;
    return r;
}

static int put_one(void *state, int64_t number, const char *key)
{
    const lb_state_op op = PUT("space", key);
    return stage_apply_with(state, "test", number, &(lb_state_txn){&op, 1}, 1);
}

static int64_t count_in(void *state)
{
    void *before = stage.state;
    stage.state = state;
    int64_t count = stage_count("space");
    stage.state = before;
    return count;
}

/* ---- schemas ---- */

static void keeps_to_its_schema(void)
{
    void *one = start_in("plain"), *odd = start_in("Odd \"name'; DROP SCHEMA plain; --");
    CU_ASSERT(put_one(one, 1, "a") == 0 && put_one(one, 2, "b") == 0);
    CU_ASSERT(count_in(one) == 2 && count_in(odd) == 0);
    CU_ASSERT(put_one(odd, 1, "a") == 0 && count_in(odd) == 1);
    postgres->close(one);
    postgres->close(odd);
    CU_ASSERT(open_fails((wish){.schema = "a name that is longer than the sixty-three bytes that the server allows"}) ==
              LB_ERR_INVALID);
}

static void refuses_other_layouts(void)
{
    void *state = start_in("layouts");
    postgres->close(state);
    CU_ASSERT(alter("UPDATE layouts.store SET layout = 2"));
    CU_ASSERT(open_fails((wish){.schema = "layouts"}) == LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "schema layouts has layout 2; this lbops knows 1");
    CU_ASSERT(alter("UPDATE layouts.store SET layout = 1, application = 'other'"));
    CU_ASSERT(open_fails((wish){.schema = "layouts"}) == LB_ERR_IO);
    CU_ASSERT(alter("DELETE FROM layouts.store"));
    CU_ASSERT(open_fails((wish){.schema = "layouts"}) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "does not hold what it should, lbops state, or is damaged");
    CU_ASSERT(alter("DROP TABLE layouts.batch"));
    CU_ASSERT(open_fails((wish){.schema = "layouts"}) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "schema layouts is damaged: 2 of its 3 tables are there");
}

static void is_never_silently_new(void)
{
    CU_ASSERT(open_fails((wish){.schema = "fresh", .must_exist = true}) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "state: there is nothing in schema fresh of database lbops_state_postgres");
    void *state = start_in("fresh");
    CU_ASSERT(put_one(state, 1, "a") == 0);
    CU_ASSERT(open_fails((wish){.schema = "fresh", .must_exist = true}) == 0);
    /* A store that vanished while we use it is missed, not made again. */
    CU_ASSERT(alter("DROP SCHEMA fresh CASCADE"));
    CU_ASSERT(put_one(state, 2, "b") < 0);
    CU_ASSERT(alter("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lbops/state' AND "
                    "datname = current_database()"));
    CU_ASSERT(put_one(state, 2, "b") == LB_ERR_NOT_FOUND);
    postgres->close(state);
}

static void names_the_grant_it_needs(void)
{
    CU_ASSERT(alter("DROP ROLE IF EXISTS lbops_poor"));
    CU_ASSERT(alter("CREATE ROLE lbops_poor LOGIN PASSWORD 'secret'"));
    LB_AUTO_FREE char *poor =
        base_printf("host=127.0.0.1 port=%.5s dbname=lbops_state_postgres user=lbops_poor", strrchr(url, ':') + 1);
    CU_ASSERT(open_fails((wish){.dsn = poor}) == LB_ERR_DENIED); /* a schema of others */
    ASSERT_CONTAINS(err.hint, "GRANT USAGE ON SCHEMA \"lbops_state\"");
    CU_ASSERT(open_fails((wish){.dsn = poor, .schema = "mine"}) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.hint, "GRANT CREATE ON DATABASE \"lbops_state_postgres\"");
    CU_ASSERT(alter("CREATE SCHEMA mine; GRANT USAGE ON SCHEMA mine TO lbops_poor"));
    CU_ASSERT(open_fails((wish){.dsn = poor, .schema = "mine"}) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.hint, "GRANT USAGE, CREATE ON SCHEMA \"mine\"");
    CU_ASSERT(alter("GRANT CREATE ON SCHEMA mine TO lbops_poor"));
    CU_ASSERT(open_fails((wish){.dsn = poor, .schema = "mine", .password = "secret"}) == 0);
    CU_ASSERT(alter("DROP OWNED BY lbops_poor; DROP ROLE lbops_poor; DROP SCHEMA mine"));
}

static void keeps_the_password_apart(void)
{
    CU_ASSERT(open_fails((wish){.dsn = "postgresql://me:hush@127.0.0.1/postgres"}) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "there is a password in the dsn");
    CU_ASSERT(!strstr(err.message, "hush") && !strstr(err.hint, "hush"));
    CU_ASSERT(open_fails((wish){.dsn = "no connection string"}) == LB_ERR_INVALID);
    CU_ASSERT(open_fails((wish){.dsn = "host=/nowhere dbname=postgres", .password = "hush"}) == LB_ERR_UNREACHABLE);
    CU_ASSERT(!strstr(err.message, "hush") && !strstr(err.hint, "hush"));
}

static void pins_what_it_relies_on(void)
{
    CU_ASSERT(alter("ALTER DATABASE lbops_state_postgres SET default_transaction_isolation = 'serializable'"));
    CU_ASSERT(alter("ALTER DATABASE lbops_state_postgres SET synchronous_commit = off"));
    CU_ASSERT(alter("ALTER DATABASE lbops_state_postgres SET search_path = plain"));
    CU_ASSERT(alter("ALTER DATABASE lbops_state_postgres SET default_transaction_read_only = on"));
    void *state = start_in("pinned");
    CU_ASSERT(put_one(state, 1, "a") == 0 && count_in(state) == 1);
    LB_AUTO_FREE char *reset = aside_in(url, "ALTER DATABASE lbops_state_postgres RESET ALL");
    CU_ASSERT_PTR_NOT_NULL(reset);
    postgres->close(state);
}

/* ---- connections ---- */

#define OURS "application_name = 'lbops/state' AND datname = current_database()"

static void connects_again(void)
{
    void *state = start_in("again");
    for (int64_t i = 1; i <= 5; i++) {
        CU_ASSERT(put_one(state, i, "a") == 0);
        CU_ASSERT(alter("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS));
    }
    CU_ASSERT(count_in(state) == 1);
    postgres->close(state);
}

typedef struct locker {
    PGconn *conn;
    pthread_t thread;
    const char *wait_for, *then;
} locker;

static PGresult *ask(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        printf("\n    %s: %s", sql, PQerrorMessage(conn));
    return result;
}

/* Waits until a statement says yes, then does something. */
static void *wait_and_do(void *arg)
{
    const locker *l = arg;
    int64_t limit = stage_soon(20);
    bool there = false;
    while (!there && clock_monotonic() < limit) {
        PGresult *result = ask(l->conn, l->wait_for);
        there = PQntuples(result) == 1 && *PQgetvalue(result, 0, 0) == 't';
        PQclear(result);
    }
    PQclear(ask(l->conn, l->then));
    return NULL;
}

static void start_locker(locker *l, const char *first, const char *wait_for, const char *then)
{
    *l = (locker){.conn = PQconnectdb(dsn), .wait_for = wait_for, .then = then};
    PQclear(ask(l->conn, first));
    CU_ASSERT_FATAL(pthread_create(&l->thread, NULL, wait_and_do, l) == 0);
}

static void end_locker(locker *l)
{
    CU_ASSERT(pthread_join(l->thread, NULL) == 0);
    PQfinish(l->conn);
}

/* A transaction keeps the picture that it has seen once. */
#define WAITS                                                                                                          \
    "SELECT pg_stat_clear_snapshot(); SELECT count(*) > 0 FROM pg_stat_activity WHERE " OURS                           \
    " AND wait_event_type = 'Lock'"

/* The server ends the session in the middle of a batch; it is sent again and applied once. */
static void sends_a_batch_again(void)
{
    locker l;
    void *state = start_in("lost");
    CU_ASSERT(put_one(state, 1, "a") == 0);
    start_locker(&l, "BEGIN; SELECT * FROM lost.store FOR UPDATE", WAITS,
                 "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS "; COMMIT");
    const lb_state_op op = INSERT("space", "b");
    CU_ASSERT(stage_apply_with(state, "test", 2, &(lb_state_txn){&op, 1}, 1) == 0);
    CU_ASSERT(stage_verdicts[0].failed == APPLIED && count_in(state) == 2);
    end_locker(&l);
    postgres->close(state);
}

/* A person's session takes rows in another order: the server throws one of the two out, ours if the other one is
 * waiting by then. */
static void gets_over_a_deadlock(void)
{
    locker l;
    void *state = start_in("deadlock");
    CU_ASSERT(put_one(state, 1, "a") == 0);
    CU_ASSERT(alter("ALTER DATABASE lbops_state_postgres SET deadlock_timeout = '300ms'"));
    start_locker(&l, "SET deadlock_timeout = '3s'; BEGIN; UPDATE deadlock.document SET at = 5", WAITS,
                 "SELECT counter FROM deadlock.store FOR UPDATE; COMMIT");
    CU_ASSERT(alter("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS));
    CU_ASSERT(put_one(state, 2, "a") == 0);
    end_locker(&l);
    CU_ASSERT(count_in(state) == 1);
    LB_AUTO_FREE char *reset = aside_in(url, "ALTER DATABASE lbops_state_postgres RESET ALL");
    CU_ASSERT_PTR_NOT_NULL(reset);
    postgres->close(state);
}

static void gives_up_at_its_deadline(void)
{
    void *state = start_in("locked");
    CU_ASSERT(put_one(state, 1, "a") == 0);
    PGconn *other = PQconnectdb(dsn);
    PQclear(ask(other, "BEGIN"));
    PQclear(ask(other, "SELECT * FROM locked.store FOR UPDATE"));
    const lb_state_op op = INSERT("space", "b");
    const lb_state_txn txn = {&op, 1};
    int64_t began = clock_monotonic();
    int r = postgres->apply(state, "test", 2, &txn, 1, stage_verdicts, began + 200000, &err);
    CU_ASSERT(r == LB_ERR_TIMEOUT && clock_monotonic() - began < 10 * CLOCK_SECOND);
    ASSERT_CONTAINS(err.hint, "does a session hold locked.store?");
    CU_ASSERT(count_in(state) == 1); /* reading goes on */
    PQfinish(other);
    CU_ASSERT(stage_apply_with(state, "test", 2, &txn, 1) == 0 && stage_verdicts[0].failed == APPLIED);
    postgres->close(state);
}

/* ---- several hosts ---- */

enum { LEASES = 1000, HOSTS = 2 };

static void take_leases(int host)
{
    void *state = NULL;
    char owner[16], key[16];
    (void)snprintf(owner, sizeof owner, "host %d", host);
    if (open_as((wish){.schema = "race"}, &state) < 0)
        _exit(3);
    for (int i = 0; i < LEASES; i++) {
        int n = host % 2 ? LEASES - 1 - i : i; /* from both ends */
        (void)snprintf(key, sizeof key, "t%d", n);
        const lb_state_op ops[] = {ACQUIRE("lease", key, owner, 600 * CLOCK_SECOND),
                                   INSERT("won", key, .owner = owner)};
        if (stage_apply_with(state, owner, i + 1, &(lb_state_txn){ops, 2}, 1) < 0)
            _exit(4);
        if (stage_verdicts[0].failed != APPLIED && stage_verdicts[0].failed != 0)
            _exit(5); /* who has the lease finds nobody else's mark */
    }
    _exit(0);
}

/* Both make the schema, too. */
static void races_for_leases(void)
{
    pid_t children[HOSTS];
    int status = 0;
    (void)fflush(stdout); /* so that the children have nothing to say */
    for (int h = 0; h < HOSTS; h++) {
        children[h] = fork();
        if (children[h] == 0)
            take_leases(h);
    }
    for (int h = 0; h < HOSTS; h++) {
        CU_ASSERT(waitpid(children[h], &status, 0) == children[h]);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    void *state = start_in("race"), *before = stage.state;
    stage.state = state;
    CU_ASSERT(stage_count("lease") == LEASES && stage_count("won") == LEASES);
    stage.state = before;
    postgres->close(state);
    LB_AUTO_FREE char *other =
        aside_in(dsn, "SELECT count(*) FROM race.document AS l JOIN race.document AS w USING (key) "
                      "WHERE l.space = 'lease' AND w.space = 'won' AND l.owner <> w.owner");
    ASSERT_TEXT(other, "0");
}

/* ---- all of them ---- */

static unsigned test_server(const char *server)
{
    static const state_case own[] = {
        TEST(keeps_to_its_schema),      TEST(refuses_other_layouts),    TEST(is_never_silently_new),
        TEST(names_the_grant_it_needs), TEST(keeps_the_password_apart), TEST(pins_what_it_relies_on),
        TEST(connects_again),           TEST(sends_a_batch_again),      TEST(gets_over_a_deadlock),
        TEST(gives_up_at_its_deadline), TEST(races_for_leases),
    };
    stage = (state_stage){.ops = postgres, .open = open_stage};
    if (open_stage(&stage.state, &stage_error) < 0) {
        printf("%s: %s\n", server, stage_error.message);
        return 1;
    }
    unsigned failed = stage_run(server, own, LB_COUNT(own));
    postgres->close(stage.state);
    return failed;
}

int main(void)
{
    postgres = lb_plugin_v1_state_postgres.ops;
    return on_each_server("lbops_state_postgres", test_server);
}
