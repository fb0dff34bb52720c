/* Statements: results, values, transactions, errors, time. */
#define BENCH_NAME "transport_local"
#include "harness/local_bench.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

/* ---- reading ---- */

static void reads_rows(void)
{
    start();
    CU_ASSERT(read_sql("SELECT 1 AS n, NULL::text AS nothing, true AS flag, E'a\\nb' AS t, 1.5::float8 / 3 AS f") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n|nothing|flag|t|f\n1|~|t|a\nb|0.5\n");
    CU_ASSERT(rows.affected == -1);
    CU_ASSERT(read_sql("SELECT 1 AS n WHERE false") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n");
    int major = 0;
    CU_ASSERT(local->server_version(session, &major, &err) == 0 && major >= 15 && major <= 18);
    finish();
}

static void pins_what_is_printed(void)
{
    start();
    alter(DATABASE, "ALTER DATABASE " DATABASE " SET timezone = 'Asia/Tokyo'");
    alter(DATABASE, "ALTER DATABASE " DATABASE " SET datestyle = 'German'");
    alter(DATABASE, "ALTER DATABASE " DATABASE " SET intervalstyle = 'iso_8601'");
    alter(DATABASE, "ALTER DATABASE " DATABASE " SET bytea_output = 'escape'");
    finish();
    start();
    CU_ASSERT(
        read_sql("SELECT '2026-01-31 00:00:00+00'::timestamptz AS at, '1 day'::interval AS i, '\\x01'::bytea AS b") ==
        0);
    ASSERT_TEXT(buf_text(&rows.text), "at|i|b\n2026-01-31 00:00:00+00|1 day|\\x01\n");
    alter(DATABASE, "ALTER DATABASE " DATABASE " RESET ALL");
    finish();
}

static void binds_values(void)
{
    static const char *const params[] = {"9223372036854775807", "o'x\\", NULL, "{1,2}", "pg_class", "t"};
    static const char *const types[] = {"int8", "text", "timestamptz", "int8[]", "regclass", "bool"};
    start();
    lb_command command = {.text = "SELECT $1 AS n, $2 AS t, $3 AS at, $4 AS l, $5 AS c, $6 AS f",
                          .params = params,
                          .param_types = types,
                          .param_count = 6};
    CU_ASSERT(run(&command, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n|t|at|l|c|f\n9223372036854775807|o'x\\|~|{1,2}|pg_class|t\n");
    static const char *const underscored[] = {"_text"}, *const list[] = {"{a,NULL}"}, *const odd[] = {"no_such_type"};
    command = (lb_command){.text = "SELECT $1 AS l", .params = list, .param_types = underscored, .param_count = 1};
    CU_ASSERT(run(&command, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "l\n{a,NULL}\n");
    command.param_types = odd;
    CU_ASSERT(run(&command, true) == LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "$1 has the type no_such_type");
    finish();
}

static void knows_its_types(void)
{
    static const char *const names[] = {"int8",
                                        "int4",
                                        "int2",
                                        "float8",
                                        "float4",
                                        "bool",
                                        "text",
                                        "varchar",
                                        "bpchar",
                                        "name",
                                        "\"char\"",
                                        "bytea",
                                        "numeric",
                                        "timestamptz",
                                        "timestamp",
                                        "date",
                                        "time",
                                        "timetz",
                                        "interval",
                                        "json",
                                        "jsonb",
                                        "uuid",
                                        "oid",
                                        "regclass",
                                        "regtype",
                                        "regproc",
                                        "regprocedure",
                                        "regnamespace",
                                        "regrole",
                                        "xid",
                                        "xid8",
                                        "cid",
                                        "tid",
                                        "pg_lsn",
                                        "inet",
                                        "cidr",
                                        "int2vector",
                                        "oidvector",
                                        "bigint",
                                        "integer",
                                        "double precision"};
    start();
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        for (int list = 0; list < 2; list++) {
            LB_AUTO_FREE char *type = base_printf("%s%s", names[i], list ? "[]" : "");
            LB_AUTO_FREE char *sql = base_printf("SELECT pg_typeof($1) = '%s'::regtype AS same", type);
            const char *const params[] = {NULL}, *const types[] = {type};
            CU_ASSERT(run(&(lb_command){.text = sql, .params = params, .param_types = types, .param_count = 1}, true) ==
                      0);
            ASSERT_TEXT(buf_text(&rows.text), "same\nt\n");
        }
    }
    finish();
}

static void hands_large_results_on(void)
{
    start();
    CU_ASSERT(read_sql("SELECT repeat('x', 1000) AS t FROM generate_series(1, 100000)") == 0);
    CU_ASSERT(rows.rows == 100000);
    rows.refuse_at = 3;
    CU_ASSERT(read_sql("SELECT generate_series(1, 1000000000) AS n") == LB_ERR_LIMIT);
    ASSERT_TEXT(err.message, "enough");
    CU_ASSERT(rows.rows == 3);
    rows.refuse_at = 0;
    CU_ASSERT(read_sql("SELECT 7 AS n") == 0); /* the session is whole */
    ASSERT_TEXT(buf_text(&rows.text), "n\n7\n");
    finish();
}

static void sends_large_values(void)
{
    size_t length = (size_t)32 << 20;
    LB_AUTO_FREE char *text = base_alloc(length + 1);
    memset(text, 'y', length);
    const char *const params[] = {text}, *const types[] = {"text"};
    start();
    CU_ASSERT(
        run(&(lb_command){.text = "SELECT length($1) AS n", .params = params, .param_types = types, .param_count = 1},
            true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n33554432\n");
    finish();
}

static int64_t round_trips(void)
{
    /* The statements of our session that the server has seen; the count itself is not among them. */
    LB_AUTO_FREE char *n = aside(DATABASE, "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database "
                                           "d ON d.oid = s.dbid WHERE d.datname = current_database()");
    return strtoll(n, NULL, 10);
}

static void a_warm_read_takes_one_round_trip(void)
{
    start();
    alter(DATABASE, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    int64_t idle = -round_trips();
    idle += round_trips();
    int64_t before = round_trips();
    for (int i = 0; i < 10; i++)
        CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    CU_ASSERT(round_trips() - before == 10 + idle);
    CU_ASSERT(local->reuse(session, "bench", probe_soon(30), &err) == 0);
    before = round_trips();
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    CU_ASSERT(round_trips() - before == 1 + idle);
    finish();
}

/* ---- reading and changing ---- */

static void reads_change_nothing(void)
{
    start();
    alter(DATABASE, "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)");
    alter(DATABASE, "TRUNCATE t");
    CU_ASSERT(read_sql("INSERT INTO t VALUES (1, 'x') RETURNING id") == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "25006");
    ASSERT_TEXT(err.hint, "reads must not change anything");
    CU_ASSERT(change_sql("INSERT INTO t VALUES (1, 'x'), (2, 'y')") == 0 && rows.affected == 2);
    CU_ASSERT(read_sql("DELETE FROM t") == LB_ERR_SQL); /* after a change as well */
    ASSERT_TEXT(err.sqlstate, "25006");
    CU_ASSERT(change_sql("UPDATE t SET v = 'z' WHERE id = 2 RETURNING id") == 0 && rows.affected == 1);
    ASSERT_TEXT(buf_text(&rows.text), "id\n2\n");
    CU_ASSERT(change_sql("COMMENT ON TABLE t IS 'x'") == 0 && rows.affected == -1);
    CU_ASSERT(change_sql("VACUUM t") == 0);
    CU_ASSERT(change_sql("CREATE INDEX CONCURRENTLY IF NOT EXISTS t_v ON t (v)") == 0);
    CU_ASSERT(read_sql("SELECT count(*) AS n FROM t") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n2\n");
    finish();
}

static void one_statement_at_a_time(void)
{
    start();
    CU_ASSERT(read_sql("SELECT 1; SELECT 2") == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "42601");
    CU_ASSERT(read_sql("") == 0);
    CU_ASSERT(rows.affected == -1);
    finish();
}

static void copy_is_no_statement(void)
{
    start();
    CU_ASSERT(read_sql("COPY (SELECT 1) TO STDOUT") == LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "COPY");
    CU_ASSERT(read_sql("SELECT 1") == LB_ERR_UNREACHABLE);
    finish();
}

static void transactions(void)
{
    start();
    alter(DATABASE, "CREATE TABLE IF NOT EXISTS g (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
    alter(DATABASE, "TRUNCATE g");
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(local->reuse(session, "x", probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(change_sql("INSERT INTO g VALUES (1)") == 0 && rows.affected == 1);
    CU_ASSERT(local->finish(session, false, probe_soon(9), &err) == 0);
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("INSERT INTO g VALUES (2)") == 0);
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == 0);
    CU_ASSERT(read_sql("SELECT id FROM g") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "id\n2\n");
    /* a statement fails: the whole group is gone */
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("INSERT INTO g VALUES (3)") == 0);
    CU_ASSERT(change_sql("SELECT 1/0") == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "22012");
    CU_ASSERT(change_sql("INSERT INTO g VALUES (4)") == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "25P02");
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == LB_ERR_SQL);
    ASSERT_CONTAINS(err.message, "taken back");
    /* the commit itself fails */
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("INSERT INTO g VALUES (2)") == 0);
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "23505");
    CU_ASSERT(read_sql("SELECT id FROM g") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "id\n2\n");
    finish();
}

static void reads_inside_a_transaction(void)
{
    start();
    alter(DATABASE, "DROP TABLE IF EXISTS i; CREATE TABLE i (id int)");
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("INSERT INTO i VALUES (1)") == 0);
    CU_ASSERT(read_sql("SELECT id FROM i") == 0); /* sees the group's own changes */
    ASSERT_TEXT(buf_text(&rows.text), "id\n1\n");
    CU_ASSERT(read_sql("INSERT INTO i VALUES (9)") == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "25006");
    CU_ASSERT(change_sql("INSERT INTO i VALUES (2)") == 0); /* and leaves it whole */
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == 0);
    CU_ASSERT(read_sql("SELECT count(*) AS n FROM i") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n2\n");
    finish();
}

static void a_late_run_still_rolls_back(void)
{
    start();
    alter(DATABASE, "DROP TABLE IF EXISTS i; CREATE TABLE i (id int)");
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("INSERT INTO i VALUES (1)") == 0);
    probe.cancelled = true;
    CU_ASSERT(change_sql("INSERT INTO i VALUES (2)") == LB_ERR_CANCELLED);
    CU_ASSERT(local->finish(session, false, probe_soon(-5), &err) == 0);
    probe.cancelled = false;
    CU_ASSERT(read_sql("SELECT count(*) AS n FROM i") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n0\n");
    finish();
}

/* ---- errors ---- */

static void maps_errors(void)
{
    static const struct {
        const char *sql, *sqlstate, *message;
        int code;
    } bad[] = {
        {"SELECT * FROM missing_table", "42P01", "test/statement: relation \"missing_table\" does not exist",
         LB_ERR_SQL},
        {"SELECT missing_column", "42703", "missing_column", LB_ERR_SQL},
        {"SELEC 1", "42601", "syntax error", LB_ERR_SQL},
        {"SELECT 1/0", "22012", "division by zero", LB_ERR_SQL},
        {"SELECT pg_read_file('/missing')", "58P01", "missing", LB_ERR_SQL},
        {"DO $$ BEGIN RAISE insufficient_privilege USING HINT = 'ask'; END $$", "42501", "", LB_ERR_DENIED},
        {"DO $$ BEGIN RAISE serialization_failure; END $$", "40001", "", LB_ERR_CONFLICT},
        {"DO $$ BEGIN RAISE lock_not_available; END $$", "55P03", "", LB_ERR_CONFLICT},
        {"DO $$ BEGIN RAISE feature_not_supported; END $$", "0A000", "", LB_ERR_UNSUPPORTED},
        {"DO $$ BEGIN RAISE disk_full; END $$", "53100", "", LB_ERR_LIMIT},
        {"DO $$ BEGIN RAISE program_limit_exceeded; END $$", "54000", "", LB_ERR_LIMIT},
        {"DO $$ BEGIN RAISE object_in_use; END $$", "55006", "", LB_ERR_CONFLICT},
    };
    start();
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        CU_ASSERT(read_sql(bad[i].sql) == bad[i].code);
        ASSERT_TEXT(err.sqlstate, bad[i].sqlstate);
        ASSERT_CONTAINS(err.message, bad[i].message);
        if (strstr(bad[i].sql, "HINT"))
            ASSERT_TEXT(err.hint, "ask");
    }
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    finish();
}

static int take_columns(void *heard, uint32_t count, const char *const *names, lb_error *ret_err)
{
    (void)heard, (void)count, (void)names, (void)ret_err; /* what is said counts */
    return 0;
}

static int take_row(void *heard, uint32_t count, const char *const *cells, lb_error *ret_err)
{
    return take_columns(heard, count, cells, ret_err);
}

static void hear(void *heard, const lb_notice *notice)
{
    buf_printf(heard, "%s %s %s %s\n", notice->severity, notice->sqlstate, notice->routine, notice->text);
}

/* Each statement's own, and no other one's; the sink of an older host has no ear. */
static void notices_go_to_whoever_listens(void)
{
    BUF_AUTO heard = BUF_INIT(1 << 20);
    lb_command command = {.size = sizeof command, .name = "test", .deadline = probe_soon(10)};
    lb_sink sink = {.size = sizeof sink, .state = &heard, .columns = take_columns, .row = take_row, .notice = hear};
    int64_t affected;
    start();
    CU_ASSERT(local->tells_notices);
    command.deadline = probe_soon(10);
    command.text = "SET client_min_messages TO debug1";
    CU_ASSERT(local->execute(session, &command, &sink, &affected, &err) == 0);
    buf_clear(&heard);
    command.text =
        "DO $$ BEGIN RAISE NOTICE 'psst'; RAISE DEBUG 'hush'; RAISE WARNING 'ouch' USING ERRCODE = 'U0001'; END $$";
    CU_ASSERT(local->execute(session, &command, &sink, &affected, &err) == 0);
    ASSERT_TEXT(buf_text(&heard), "NOTICE 00000 exec_stmt_raise psst\nDEBUG 00000 exec_stmt_raise hush\n"
                                  "WARNING U0001 exec_stmt_raise ouch\n");
    buf_clear(&heard);
    sink.size = offsetof(lb_sink, notice);
    CU_ASSERT(local->execute(session, &command, &sink, &affected, &err) == 0);
    sink = (lb_sink){.size = sizeof sink, .state = &heard, .columns = take_columns, .row = take_row};
    CU_ASSERT(local->execute(session, &command, &sink, &affected, &err) == 0);
    CU_ASSERT(local->execute(session, &command, NULL, &affected, &err) == 0);
    ASSERT_TEXT(buf_text(&heard), "");
    ASSERT_CONTAINS(buf_text(&probe.log), "psst"); /* always */
    finish();
}

static void waits_for_no_lock(void)
{
    start_with("lock_timeout_ms", 50);
    alter(DATABASE, "CREATE TABLE IF NOT EXISTS l (id int)");
    void *other = NULL;
    CU_ASSERT_FATAL(local->connect(state, &branch, "other", probe_soon(10), &other, &err) == 0);
    void *ours = session;
    session = other;
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("LOCK TABLE l") == 0);
    session = ours;
    CU_ASSERT(read_sql("SELECT * FROM l") == LB_ERR_CONFLICT);
    ASSERT_TEXT(err.sqlstate, "55P03");
    ASSERT_CONTAINS(err.hint, "lock_timeout_ms");
    local->disconnect(other);
    finish();
}

/* With no limit for all others, so that a read that waited like them would wait for its deadline. */
static void who_only_looks_waits_for_hardly_any_time(void)
{
    const lb_command look = {.text = "SELECT * FROM l", .brief = true, .deadline = probe_soon(20)},
                     tell = {.text = "SHOW lock_timeout", .brief = true, .deadline = probe_soon(20)};
    start_with("lock_timeout_ms", 0);
    alter(DATABASE, "CREATE TABLE IF NOT EXISTS l (id int)");
    void *other = NULL;
    CU_ASSERT_FATAL(local->connect(state, &branch, "other", probe_soon(30), &other, &err) == 0);
    void *ours = session;
    session = other;
    CU_ASSERT(local->begin(session, probe_soon(30), &err) == 0);
    CU_ASSERT(change_sql("LOCK TABLE l") == 0);
    session = ours;
    CU_ASSERT(run(&look, true) == LB_ERR_CONFLICT);
    ASSERT_TEXT(err.sqlstate, "55P03");
    ASSERT_CONTAINS(err.message, "exclusive lock on what it reads; it waited for 200 ms");
    ASSERT_CONTAINS(err.hint, "read_lock_timeout_ms");
    local->disconnect(other);
    CU_ASSERT(run(&look, true) == 0);
    CU_ASSERT(run(&tell, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n200ms\n");
    CU_ASSERT(local->begin(session, probe_soon(20), &err) == 0); /* what changes something waits as ever */
    CU_ASSERT(read_sql("SHOW lock_timeout") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n0\n");
    CU_ASSERT(run(&tell, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n0\n");
    CU_ASSERT(local->finish(session, false, probe_soon(20), &err) == 0);
    CU_ASSERT(run(&tell, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n200ms\n");
    CU_ASSERT(read_sql("SHOW lock_timeout") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n0\n");
    finish();
    start_with("lock_timeout_ms", 50); /* shorter for all */
    CU_ASSERT(run(&tell, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n50ms\n");
    finish();
    start_with("read_lock_timeout_ms", 0);
    CU_ASSERT(run(&tell, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n5s\n");
    finish();
}

/* ---- time ---- */

static void stops_at_the_deadline(void)
{
    start();
    int64_t began = clock_monotonic();
    CU_ASSERT(run(&(lb_command){.text = "SELECT pg_sleep(60)", .deadline = clock_monotonic() + 200000}, true) ==
              LB_ERR_TIMEOUT);
    ASSERT_CONTAINS(err.message, "test/statement: the deadline passed");
    CU_ASSERT(elapsed_since(began) < 30000);
    LB_AUTO_FREE char *busy =
        aside(DATABASE, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE "
                        "'SELECT pg_sleep%' AND state = 'active'");
    ASSERT_TEXT(busy, "0"); /* the server stopped, too */
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    CU_ASSERT(run(&(lb_command){.text = "SELECT 1", .deadline = clock_monotonic() - 1}, true) == LB_ERR_TIMEOUT);
    CU_ASSERT(run(&(lb_command){.text = "SELECT 1", .deadline = INT64_MIN}, true) == LB_ERR_TIMEOUT);
    /* rows without end, faster than they are taken */
    CU_ASSERT(
        run(&(lb_command){.text = "SELECT generate_series(1, 1000000000) AS n", .deadline = clock_monotonic() + 200000},
            true) == LB_ERR_TIMEOUT);
    CU_ASSERT(rows.rows > 0);
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    finish();
}

/* The statement's end and the deadline come together, in every order. */
static void a_cancel_hits_no_other_statement(void)
{
    static const char *const params[] = {"0.002"}, *const types[] = {"float8"};
    start();
    for (int i = 0; i < 100; i++) {
        lb_command command = {.text = "SELECT pg_sleep($1)",
                              .params = params,
                              .param_types = types,
                              .param_count = 1,
                              .deadline = clock_monotonic() + 1500 + INT64_C(20) * i};
        int r = run(&command, true);
        CU_ASSERT(r == 0 || r == LB_ERR_TIMEOUT);
        CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    }
    finish();
}

static void on_alarm(int number)
{
    (void)number;
    probe.cancelled = true;
}

static void stops_when_asked(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_value = {.tv_usec = 100000}};
    start();
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
    int64_t began = clock_monotonic();
    CU_ASSERT(change_sql("SELECT pg_sleep(60)") == LB_ERR_CANCELLED);
    ASSERT_CONTAINS(err.message, "test/statement: cancelled");
    CU_ASSERT(elapsed_since(began) < 30000);
    CU_ASSERT(read_sql("SELECT 1 AS n") == LB_ERR_CANCELLED); /* nothing is sent any more */
    probe.cancelled = false;
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    finish();
}

static void the_server_times_out_too(void)
{
    start_with("statement_timeout_ms", 100);
    CU_ASSERT(read_sql("SELECT pg_sleep(60)") == LB_ERR_TIMEOUT);
    ASSERT_TEXT(err.sqlstate, "57014");
    ASSERT_CONTAINS(err.hint, "statement_timeout_ms");
    finish();
    start(); /* one that a group has set for itself */
    CU_ASSERT(local->begin(session, probe_soon(60), &err) == 0);
    CU_ASSERT(change_sql("SET LOCAL statement_timeout TO 50") == 0);
    CU_ASSERT(change_sql("SELECT pg_sleep(60)") == LB_ERR_TIMEOUT);
    ASSERT_CONTAINS(err.hint, "the statement_timeout that holds there");
    finish();
    start();
    CU_ASSERT(read_sql("SHOW statement_timeout") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "statement_timeout\n32s\n");
    CU_ASSERT(run(&(lb_command){.text = "SHOW statement_timeout", .deadline = clock_monotonic() + 3600 * CLOCK_SECOND},
                  true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "statement_timeout\n4096s\n");
    CU_ASSERT(run(&(lb_command){.text = "SHOW statement_timeout", .deadline = clock_monotonic() + 3500 * CLOCK_SECOND},
                  true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "statement_timeout\n4096s\n");
    CU_ASSERT(read_sql("SHOW lock_timeout") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lock_timeout\n5s\n");
    CU_ASSERT(read_sql("SHOW idle_in_transaction_session_timeout") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "idle_in_transaction_session_timeout\n1min\n");
    finish();
}

/* What the connection really has: over TCP the server asks the kernel. */
static void the_server_notices_a_dead_client(void)
{
    start();
    CU_ASSERT(
        read_sql("SELECT concat_ws(' ', current_setting('tcp_keepalives_idle'), "
                 "current_setting('tcp_keepalives_interval'), current_setting('tcp_keepalives_count')) AS kept") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "kept\n30 10 3\n");
    finish();
}

static void somebody_cancels_at_the_server(void)
{
    start();
    pid_t child = fork();
    if (child == 0) {
        char *done = base_strdup("0");
        for (int i = 0; i < 100 && strcmp(done, "1") != 0; i++) {
            free(done);
            (void)poll(NULL, 0, 50);
            done = aside(DATABASE, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = "
                                   "current_database() AND query LIKE 'SELECT pg_sleep%' "
                                   "AND state = 'active'");
        }
        _exit(0);
    }
    CU_ASSERT(read_sql("SELECT pg_sleep(60)") == LB_ERR_CANCELLED);
    ASSERT_CONTAINS(err.hint, "at the server");
    CU_ASSERT(waitpid(child, NULL, 0) == child);
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0);
    finish();
}

LOCAL_SUITE(TEST(reads_rows), TEST(pins_what_is_printed), TEST(binds_values), TEST(knows_its_types),
            TEST(hands_large_results_on), TEST(sends_large_values), TEST(a_warm_read_takes_one_round_trip),
            TEST(reads_change_nothing), TEST(one_statement_at_a_time), TEST(copy_is_no_statement), TEST(transactions),
            TEST(reads_inside_a_transaction), TEST(a_late_run_still_rolls_back), TEST(maps_errors),
            TEST(notices_go_to_whoever_listens), TEST(waits_for_no_lock),
            TEST(who_only_looks_waits_for_hardly_any_time), TEST(stops_at_the_deadline),
            TEST(a_cancel_hits_no_other_statement), TEST(stops_when_asked), TEST(the_server_times_out_too),
            TEST(the_server_notices_a_dead_client), TEST(somebody_cancels_at_the_server))
