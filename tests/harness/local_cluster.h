/* local_cluster.h: a local Lakebase of a test's own, through transport_local as the host sees it: control calls,
 * sessions, and what is on disk. It is gone, servers and all, when the test program ends. */
#ifndef LBOPS_TESTS_LOCAL_CLUSTER_H
#define LBOPS_TESTS_LOCAL_CLUSTER_H

#include "harness/transport_probe.h"
#include "unit/scratch.h"
#include "unit/suite.h"

#include "json.h"
#include "local.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

extern const lb_plugin lb_plugin_v1_transport_local;

static const lb_transport *local;
static void *state;
static char *directory;
static int64_t major; /* of its servers */
static doc *answer;   /* of the last call */
static lb_error err;
static probe_rows rows;
static bool wakes;

static int64_t woken_for; /* what the last waking was told to last */

static void note_waking(int64_t sleeps_after)
{
    woken_for = sleeps_after;
}

static bool may_wake(void)
{
    return wakes;
}

static const lb_service_host cluster_host = {.size = sizeof cluster_host,
                                             .vlog = probe_log,
                                             .cancelled = probe_cancelled,
                                             .now = probe_now,
                                             .may_wake = may_wake,
                                             .woke = note_waking};

PROBE_UNUSED static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Waits for something that has no descriptor to wait on: a file, a state, the end of somebody else's process. */
#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        int64_t limit_ = clock_monotonic() + 30 * CLOCK_SECOND;                                                        \
        while (!(condition) && clock_monotonic() < limit_)                                                             \
            pause_ms(10);                                                                                              \
        CU_ASSERT(clock_monotonic() < limit_);                                                                         \
    } while (0)

/* ---- the transport ---- */

static int open_as(const lb_service_host *host, const char *const *projects, size_t count, void **ret_state)
{
    local = lb_plugin_v1_transport_local.ops;
    probe_args args = probe_args_new(local);
    probe_set_text(&args, "directory", directory);
    probe_set_text(&args, "keeper", LBOPS_KEEPER);
    probe_set_i64(&args, "version", major);
    probe_set_i64(&args, "linger_s", 1);
    probe_set_i64(&args, "shortest_suspend_s", 1);
    probe_set_i64(&args, "connect_timeout_s", 3);
    lb_texts *texts = probe_member(&args, "projects");
    *texts = (lb_texts){.items = projects, .count = count};
    int r = local->open(host, args.bytes, ret_state, &err);
    free(args.bytes);
    return r;
}

static int take_reply(void *arg, const char *json, lb_error *e)
{
    doc **into = arg;
    *into = json_parse(json, strlen(json), e);
    return *into ? 0 : e->code;
}

/* 0, or the code of the refusal in err. */
static int call(const char *method, const char *path, const char *query, const char *body)
{
    const lb_request request = {.method = method, .path = path, .query = query, .body = body};
    if (answer)
        (void)json_object_put(answer);
    answer = NULL;
    err = (lb_error){0};
    return local->control(state, &request, probe_soon(60), take_reply, &answer, &err);
}

/* Follows the answer's operation to its end; 0 when it went well. */
static int finish_operation(void)
{
    LB_AUTO_FREE char *name = base_strdup(doc_text(answer, "name"));
    int64_t limit = clock_monotonic() + 60 * CLOCK_SECOND;
    while (name && answer && !doc_flag(answer, "done") && clock_monotonic() < limit) {
        pause_ms(20);
        int r = call("GET", name, NULL, NULL);
        if (r < 0)
            return r;
    }
    if (!answer || !doc_flag(answer, "done"))
        return LB_ERR_TIMEOUT;
    if (doc_at(answer, "error"))
        return lb_fail(&err, LB_ERR_TOOL, NULL, "%s", doc_text(answer, "error.message"));
    return 0;
}

static int change(const char *method, const char *path, const char *query, const char *body)
{
    int r = call(method, path, query, body);
    return r < 0 ? r : finish_operation();
}

PROBE_UNUSED static void expect(int r, const char *method, const char *path)
{
    if (r != 0)
        printf("\n    %s %s: %d %s\n", method, path, r, err.message);
    CU_ASSERT(r == 0);
}

PROBE_UNUSED static void must(const char *method, const char *path, const char *query, const char *body)
{
    expect(change(method, path, query, body), method, path);
}

#define MAKE(branch, spec) must("POST", "projects/p/branches", "branch_id=" branch, "{\"spec\":{" spec "}}")

/* ---- sessions ---- */

static int connect_to(const char *branch, void **ret_session)
{
    const lb_target target = {.project = "p", .branch = branch};
    err = (lb_error){0};
    return local->connect(state, &target, "test", probe_soon(60), ret_session, &err);
}

static int run_in(void *session, const char *sql, bool read_only)
{
    lb_sink sink = probe_sink(&rows);
    const lb_command command = {.size = sizeof command,
                                .name = "test/statement",
                                .text = sql,
                                .read_only = read_only,
                                .deadline = probe_soon(30)};
    return local->execute(session, &command, &sink, &rows.affected, &err);
}

/* One statement in a session of its own. */
PROBE_UNUSED static int run_on(const char *branch, const char *sql)
{
    void *session = NULL;
    int r = connect_to(branch, &session);
    if (r < 0)
        return r;
    r = run_in(session, sql, false);
    local->disconnect(session);
    return r;
}

/* The first cell; "" after a failure. */
PROBE_UNUSED static const char *ask(const char *branch, const char *sql)
{
    static char cell[200];
    int r = run_on(branch, sql);
    if (r < 0)
        printf("\n    %s: %s: %s\n", branch, sql, err.message);
    const char *line = r == 0 ? strchr(buf_text(&rows.text), '\n') : NULL;
    (void)snprintf(cell, sizeof cell, "%.*s", line ? (int)strcspn(line + 1, "\n") : 0, line ? line + 1 : "");
    return cell;
}

/* ---- what is on disk ---- */

/* The caller frees. NULL: there is no such branch. */
PROBE_UNUSED static char *uid_of(const char *branch)
{
    LB_AUTO_FREE char *path = base_printf("projects/p/branches/%s", branch);
    return call("GET", path, NULL, NULL) == 0 ? base_strdup(doc_text(answer, "uid")) : NULL;
}

PROBE_UNUSED static bool has_file(const char *uid, const char *name)
{
    LB_AUTO_FREE char *path = base_printf("%s/branches/p/%s/%s", directory, uid, name);
    return access(path, F_OK) == 0;
}

static bool is_locked(const char *uid)
{
    LB_AUTO_FREE char *path = base_printf("%s/branches/p/%s/lock", directory, uid);
    LB_AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
}

/* The keeper of a branch, or the server: the process whose command line has both words. Looked up among the processes
 * whose words name this test's own directory or branch. */
static pid_t find_process(const char *program, const char *word)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    while (dir && !found && (entry = readdir(dir))) {
        char path[300], text[8192];
        long pid = strtol(entry->d_name, NULL, 10);
        (void)snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        LB_AUTO_FD int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        if (n <= 0)
            continue;
        text[n] = '\0';
        bool is_program = strstr(text, program) != NULL;
        for (ssize_t i = 0; i < n; i++)
            text[i] = text[i] ? text[i] : ' ';
        if (is_program && strstr(text, word))
            found = (pid_t)pid;
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

PROBE_UNUSED static pid_t keeper_of(const char *uid)
{
    LB_AUTO_FREE char *word = base_printf("--branch=%s ", uid);
    return find_process("lbops-keeper", word);
}

PROBE_UNUSED static pid_t server_of(const char *uid)
{
    LB_AUTO_FREE char *word = base_printf("cluster_name=%s ", uid);
    return find_process("/postgres", word);
}

static size_t count_entries(const char *name, bool locked_only)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", directory, name);
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t count = 0;
    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.' && (!locked_only || is_locked(entry->d_name));
    if (dir)
        (void)closedir(dir);
    return count;
}

/* ---- the cluster ---- */

static void cluster_start(int64_t version)
{
    static const char *const projects[] = {"p"};
    major = version;
    directory = scratch_new();
    if (open_as(&cluster_host, projects, 1, &state) < 0) {
        printf("%s\n", err.message);
        abort();
    }
}

static void cluster_stop(void)
{
    local->close(state);
    UNTIL(count_entries("branches/p", true) == 0); /* no keeper outlives its users, and no server its keeper */
    CU_ASSERT(find_process("/postgres", directory) == 0 && find_process("lbops-keeper", directory) == 0);
    if (answer)
        (void)json_object_put(answer);
    answer = NULL;
    probe_rows_clear(&rows);
    buf_done(&rows.text);
    probe_reset();
    scratch_free(&directory);
}

/* 16 and 18 where suites are told to use them (LBOPS_PG). */
static bool has_version(int64_t version)
{
    LB_AUTO_FREE char *variable = base_printf("LBOPS_TEST_PG%lld", (long long)version);
    if (version != 15 && version != 17 && !getenv(variable))
        return false;
    char *folder = NULL;
    int64_t found = 0;
    lb_error ignored;
    const local_cluster any = {.host = &cluster_host};
    bool has = local_find_programs(&any, version, &folder, &found, &ignored) == 0;
    free(folder);
    return has;
}

typedef struct cluster_test {
    const char *title;
    void (*fn)(void);
    bool once; /* on the newest version alone: it is our own code that is tested, and each takes its time */
} cluster_test;

#define EACH(f)                                                                                                        \
    {                                                                                                                  \
        .title = #f, .fn = (f)                                                                                         \
    }
#define ONCE(f)                                                                                                        \
    {                                                                                                                  \
        .title = #f, .fn = (f), .once = true                                                                           \
    }

/* The same tests on each version, in one cluster each. The exit code; 77: there is no Postgres. */
static int cluster_run(const char *name, const cluster_test *tests, size_t count)
{
    static const int64_t versions[] = {15, 16, 17, 18};
    unsigned failed = 0, tested = 0;
    size_t last = 0;
    for (size_t v = 0; v < LB_COUNT(versions); v++)
        last = has_version(versions[v]) ? v : last;
    for (size_t v = 0; v < LB_COUNT(versions); v++) {
        if (!has_version(versions[v]))
            continue;
        LB_AUTO_FREE char *title = base_printf("%s on %lld", name, (long long)versions[v]);
        if (CU_initialize_registry() != CUE_SUCCESS)
            return 1;
        CU_pSuite suite = CU_add_suite(title, NULL, NULL);
        for (size_t i = 0; suite && i < count; i++)
            if ((v == last || !tests[i].once) && !CU_add_test(suite, tests[i].title, tests[i].fn))
                return 1;
        major = versions[v];
        CU_basic_set_mode(CU_BRM_VERBOSE);
        CU_basic_run_tests();
        failed += CU_get_number_of_failures();
        CU_cleanup_registry();
        tested++;
    }
    if (!tested)
        printf("skipped: there is no PostgreSQL 15 or 17 here\n");
    return failed ? 1 : tested ? 0 : 77;
}

#define CLUSTER_SUITE(name, ...)                                                                                       \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const cluster_test tests[] = {__VA_ARGS__};                                                             \
        return cluster_run(#name, tests, LB_COUNT(tests));                                                             \
    }

#endif
