/* Sessions: connecting, losing, keeping, recording. */
#define BENCH_NAME "local_sessions"
#include "harness/local_bench.h"

#include <ftw.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern const lb_plugin lb_plugin_v1_transport_mock;

/* ---- sessions ---- */

static void kill_sessions(void)
{
    alter("postgres", "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = '" DATABASE
                      "' AND application_name LIKE 'lbops/%'");
}

static void notices_a_lost_session(void)
{
    start();
    CU_ASSERT(local->reuse(session, "x", probe_soon(9), &err) == 0);
    kill_sessions();
    CU_ASSERT(local->reuse(session, "x", probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    CU_ASSERT(read_sql("SELECT 1") == LB_ERR_UNREACHABLE);
    int major;
    CU_ASSERT(local->server_version(session, &major, &err) == LB_ERR_UNREACHABLE);
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    finish();
    start(); /* while nobody looked */
    kill_sessions();
    CU_ASSERT(read_sql("SELECT 1") == LB_ERR_UNREACHABLE);
    finish();
    start(); /* in the middle of a group: a rollback is what happened anyhow */
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    kill_sessions();
    CU_ASSERT(change_sql("SELECT 1") == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "taken back");
    CU_ASSERT(local->finish(session, true, probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    CU_ASSERT(local->finish(session, false, probe_soon(9), &err) == 0);
    finish();
    start(); /* a change that dies on the way */
    CU_ASSERT(change_sql("SELECT pg_terminate_backend(pg_backend_pid())") == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "not known whether it took effect");
    finish();
}

/* What the server says of a cancel in another language, as code that catches it would. */
#define SAYS_OTHERWISE " EXCEPTION WHEN query_canceled THEN RAISE EXCEPTION 'storniert' USING ERRCODE = '57014'; END $$"

static void a_timeout_is_one_in_any_language(void)
{
    (void)setenv("PGOPTIONS", "-c lc_messages=POSIX", 1);
    start();
    (void)unsetenv("PGOPTIONS");
    CU_ASSERT(read_sql("SHOW lc_messages") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "lc_messages\nC\n");
    CU_ASSERT(local->begin(session, probe_soon(60), &err) == 0);
    CU_ASSERT(change_sql("SET LOCAL statement_timeout TO 50") == 0);
    CU_ASSERT(change_sql("DO $$ BEGIN PERFORM pg_sleep(60);" SAYS_OTHERWISE) == LB_ERR_TIMEOUT);
    ASSERT_CONTAINS(err.message, "storniert");
    ASSERT_TEXT(err.sqlstate, "57014");
    ASSERT_CONTAINS(err.hint, "the statement_timeout that holds there");
    CU_ASSERT(local->finish(session, false, probe_soon(9), &err) == 0);
    CU_ASSERT(change_sql("DO $$ BEGIN PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(60);" SAYS_OTHERWISE) ==
              LB_ERR_CANCELLED); /* the limit went with its transaction */
    ASSERT_CONTAINS(err.hint, "somebody cancelled it");
    finish();
}

static void a_transaction_that_takes_too_long_ends(void)
{
    int major = 0;
    start();
    CU_ASSERT(local->server_version(session, &major, &err) == 0);
    if (major >= 17) {
        CU_ASSERT(local->begin(session, probe_soon(60), &err) == 0);
        CU_ASSERT(change_sql("SET LOCAL transaction_timeout TO 200") == 0);
        CU_ASSERT(change_sql("SELECT pg_sleep(60)") == LB_ERR_TIMEOUT);
        ASSERT_TEXT(err.sqlstate, "25P04");
        ASSERT_CONTAINS(err.hint, "raise the transaction_timeout that holds there");
        CU_ASSERT(read_sql("SELECT 1") == LB_ERR_UNREACHABLE); /* the server has ended the session */
    }
    finish();
}

static void idle_transactions_end(void)
{
    start_with("idle_in_transaction_timeout_ms", 50);
    CU_ASSERT(local->begin(session, probe_soon(9), &err) == 0);
    alter(DATABASE, "DO $$ BEGIN WHILE (SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name = 'lbops/bench') LOOP "
                    "PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$");
    int r = change_sql("SELECT 1");
    CU_ASSERT(r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE); /* the last words may not have arrived */
    CU_ASSERT(local->reuse(session, "x", probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    finish();
}

static void names_itself(void)
{
    start();
    CU_ASSERT(read_sql("SELECT current_setting('application_name') AS a, current_database() AS d") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "a|d\nlbops/bench|" DATABASE "\n");
    CU_ASSERT(local->reuse(session, "it's; DROP", probe_soon(9), &err) == 0);
    CU_ASSERT(read_sql("SELECT current_setting('application_name') AS a") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "a\nlbops/it?s? DROP\n");
    local->disconnect(session);
    CU_ASSERT(local->connect(state, &own, NULL, probe_soon(9), &session, &err) == 0); /* no such database: the dsn's */
    CU_ASSERT(read_sql("SELECT current_setting('application_name') AS a, current_database() AS d") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "a|d\nlbops/-|postgres\n");
    local->disconnect(session);
    CU_ASSERT(local->connect(state, &(lb_target){0}, "w", probe_soon(9), &session, &err) == 0);
    CU_ASSERT(read_sql("SELECT current_database() AS d") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "d\npostgres\n");
    finish();
}

static void belongs_to_its_process(void)
{
    start();
    pid_t child = fork();
    if (child == 0) {
        int r = read_sql("SELECT 1");
        local->disconnect(session);
        _exit(r == LB_ERR_INTERNAL ? 0 : 1);
    }
    int status = -1;
    CU_ASSERT(waitpid(child, &status, 0) == child && status == 0);
    CU_ASSERT(read_sql("SELECT 1 AS n") == 0); /* the child's end did not end it */
    finish();
}

static void a_branch_is_a_database(void)
{
    static const lb_target missing = {
        .project = "p", .branch = "no_such_database", .branch_class = LB_BRANCH_THROWAWAY};
    void *made = NULL;
    start();
    CU_ASSERT(local->connect(state, &missing, "t", probe_soon(9), &made, &err) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "no branch no_such_database");
    CU_ASSERT(local->control(state, &(lb_request){.method = "POST", .path = "projects"}, probe_soon(9), NULL, NULL,
                             &err) == LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.hint, "leave the dsn out");
    CU_ASSERT(local->control(state, &(lb_request){.method = "GET", .path = "projects/given/branches/none"},
                             probe_soon(9), NULL, NULL, &err) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "branch id not found");
    finish();
}

/* ---- connecting ---- */

static int connect_by(const char *dsn)
{
    void *made = NULL;
    int r = open_with(dsn, "connect_timeout_s", 1);
    if (r < 0)
        return r;
    r = local->connect(state, &own, "t", probe_soon(5), &made, &err);
    if (r == 0)
        local->disconnect(made);
    local->close(state);
    return r;
}

static void refuses_connections(void)
{
    LB_AUTO_FREE char *missing = base_printf("%s_missing?password=hunter2", url);
    CU_ASSERT(connect_by(missing) == LB_ERR_NOT_FOUND);
    ASSERT_TEXT(err.sqlstate, "3D000");
    ASSERT_CONTAINS(err.message, "database \"postgres_missing\" does not exist");
    CU_ASSERT(!strstr(err.message, "hunter2"));
    LB_AUTO_FREE char *role = base_printf("%s?user=nobody_here&password=hunter2", url);
    CU_ASSERT(connect_by(role) == LB_ERR_DENIED);
    CU_ASSERT(strncmp(err.sqlstate, "28", 2) == 0);
    ASSERT_CONTAINS(err.message, "as nobody_here");
    CU_ASSERT(!strstr(err.message, "hunter2"));
    CU_ASSERT(connect_by("host=127.0.0.1 port=1 password=hunter2 user=u dbname=d") == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "cannot connect to 127.0.0.1:1/d as u: Connection refused");
    CU_ASSERT(connect_by("postgresql://u:hunter2@127.0.0.1/d?sslmode=hunter2") == LB_ERR_UNREACHABLE);
    CU_ASSERT(!strstr(err.message, "hunter2"));
}

/* Nobody answers: the listener's queue takes the connection, and nothing comes. */
static void waits_for_no_answer(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof a;
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&a, length) == 0 && listen(fd, 8) == 0);
    CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&a, &length) == 0);
    LB_AUTO_FREE char *dsn = base_printf("postgresql://u@127.0.0.1:%u/d", ntohs(a.sin_port));
    int64_t began = clock_monotonic();
    CU_ASSERT(connect_by(dsn) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "no answer in 1000 ms");
    CU_ASSERT(elapsed_since(began) < 20000);
    void *made = NULL;
    CU_ASSERT_FATAL(open_with(dsn, NULL, 0) == 0);
    CU_ASSERT(local->connect(state, &own, "t", clock_monotonic() + 50000, &made, &err) == LB_ERR_TIMEOUT);
    probe.cancelled = true;
    CU_ASSERT(local->connect(state, &own, "t", probe_soon(9), &made, &err) == LB_ERR_CANCELLED);
    probe.cancelled = false;
    local->close(state);
    (void)close(fd);
}

static void bad_connection_strings(void)
{
    static const char *const bad[] = {
        "postgresql://u:hunter2",         "hunter2",
        "host=h password='hunter2",       "postgresql://u:hun@ter2@h/d",
        "postgresql://u:hun/ter2@h/d",    "postgresql://u:12/hunter2@h/d",
        "postgresql://u:12/hunter?2@h/d", "postgresql://u:hunter2@h:hunter2/d",
        "host=h passwrd=hunter2",         "postgresql://u:%zzhunter2@h/d",
    };
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        int r = open_with(bad[i], NULL, 0);
        if (r == 0)
            printf("\n    accepted %s", bad[i]);
        CU_ASSERT_FATAL(r == LB_ERR_INVALID);
        CU_ASSERT(!strstr(err.message, "hun") && !strstr(err.message, "ter2"));
        CU_ASSERT(!strstr(err.hint, "hunter2"));
    }
    static const char *const good[] = {"host=/tmp", "", "postgresql://u:p%40ss@h:1,h2:2/d",
                                       "postgresql:///d?host=/tmp&user=a@b", "postgresql://u:p?ss@h/d"};
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        CU_ASSERT(open_with(good[i], NULL, 0) == 0);
        local->close(state);
    }
}

/* ---- recording ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void ask_for_recording(buf *into)
{
    static const char *const params[] = {"2"}, *const types[] = {"int8"};
    lb_command command = {.name = "test/series",
                          .text = "SELECT n, CASE WHEN n > 1 THEN E'a\\t\"' || n END AS t, now() AS at FROM "
                                  "generate_series(1, $1) AS n",
                          .params = params,
                          .param_types = types,
                          .param_count = 1,
                          .args = LB_ARGS(lb_i64("n", 2))};
    buf_printf(into, "%d ", run(&command, true));
    buf_puts(into, buf_text(&rows.text));
    command = (lb_command){.name = "test/missing", .text = "SELECT * FROM missing_table"};
    buf_printf(into, "%d ", run(&command, true));
    buf_printf(into, "%s %s\n", err.sqlstate, err.message);
    command = (lb_command){.name = "test/change", .text = "INSERT INTO r SELECT generate_series(1, 3)"};
    buf_printf(into, "%d ", run(&command, false));
    buf_printf(into, "%lld\n", (long long)rows.affected);
}

static void a_recording_answers_the_same(void)
{
    char dir[] = "/tmp/lbops-record-XXXXXX";
    BUF_AUTO live = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
    int major = 0, then = 0;
    CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
    start();
    alter(DATABASE, "CREATE TABLE IF NOT EXISTS r (id int)");
    CU_ASSERT(local->server_version(session, &major, &err) == 0);
    recording = fixture_recording_new(dir);
    fixture_record_target(recording, session, &branch, major);
    ask_for_recording(&live);
    CU_ASSERT(fixture_recording_failure(recording) == NULL);
    recording = fixture_recording_free(recording);
    finish();

    local = lb_plugin_v1_transport_mock.ops;
    probe_args args = probe_args_new(local);
    probe_set_text(&args, "fixtures", dir);
    CU_ASSERT_FATAL(local->open(&probe_host, args.bytes, &state, &err) == 0);
    CU_ASSERT_FATAL(local->connect(state, &branch, "t", probe_soon(9), &session, &err) == 0);
    ask_for_recording(&again);
    ASSERT_TEXT(buf_text(&again), buf_text(&live));
    CU_ASSERT(local->server_version(session, &then, &err) == 0 && then == major);
    free(args.bytes);
    finish();
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
}

LOCAL_SUITE(TEST(kill_sessions), TEST(notices_a_lost_session), TEST(a_timeout_is_one_in_any_language),
            TEST(a_transaction_that_takes_too_long_ends), TEST(idle_transactions_end), TEST(names_itself),
            TEST(belongs_to_its_process), TEST(a_branch_is_a_database), TEST(refuses_connections),
            TEST(waits_for_no_answer), TEST(bad_connection_strings), TEST(a_recording_answers_the_same))
