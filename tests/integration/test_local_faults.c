/* A local Lakebase when things die: keepers at each step of making a branch, callers, servers; several processes at
 * once; servers that do not answer. Nothing may stay half-made, and nothing may stay behind. */
#include "harness/local_cluster.h"

#include "pg_session.h"

static void begin(void)
{
    cluster_start(major);
    CU_ASSERT(run_on("production", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n") == 0);
}

static void end(void)
{
    cluster_stop();
}

/* ---- keepers that die ---- */

/* Steps of making a branch, by what can be seen of them. */
static const struct {
    const char *seen, *spec;
} steps[] = {
    {"lock", "\"ttl\":\"600s\""},
    {"server", "\"ttl\":\"600s\""},
    {"server/data/backup_label", "\"ttl\":\"600s\""},
    {"server/data/postmaster.pid", "\"ttl\":\"600s\""},
    {"server/base.new", "\"no_expiry\":true"}, /* what expires has no need of one */
};

static void kill_keeper(const char *uid)
{
    pid_t pid = 0;
    UNTIL((pid = keeper_of(uid)) != 0);
    CU_ASSERT(pid > 1 && kill(pid, SIGKILL) == 0);
}

/* Started, killed when it was seen to have come so far, and followed to its end: which is as if nothing had been. */
static void dies_at(const char *branch, const char *seen, const char *spec)
{
    LB_AUTO_FREE char *query = base_printf("branch_id=%s", branch), *body = base_printf("{\"spec\":{%s}}", spec);
    LB_AUTO_FREE char *path = base_printf("projects/p/branches/%s", branch);
    CU_ASSERT_FATAL(call("POST", "projects/p/branches", query, body) == 0);
    LB_AUTO_FREE char *operation = base_strdup(doc_text(answer, "name"));
    LOCAL_PROJECT p = {.lock = -1};
    const local_cluster c = {.host = &cluster_host, .path = directory};
    CU_ASSERT_FATAL(local_look(&c, "p", &p, &err) == 0 && local_branch(&p, branch) != NULL);
    LB_AUTO_FREE char *uid = base_strdup(doc_text(local_branch(&p, branch), "directory"));
    UNTIL(has_file(uid, seen));
    kill_keeper(uid);
    CU_ASSERT(call("GET", operation, NULL, NULL) == 0);
    expect(finish_operation(), "died at", seen);
    ASSERT_TEXT(ask(branch, "SELECT count(*) FROM t"), "1000");
    must("DELETE", path, "purge=true", NULL);
    CU_ASSERT(count_entries("branches/p", false) == 1 && count_entries("trash", false) == 0);
}

static void a_keeper_that_is_killed_at_each_step(void)
{
    for (size_t i = 0; i < LB_COUNT(steps); i++)
        dies_at("victim", steps[i].seen, steps[i].spec);
}

static void a_branch_that_dies_each_time_is_given_up(void)
{
    CU_ASSERT_FATAL(call("POST", "projects/p/branches", "branch_id=cursed", "{\"spec\":{\"ttl\":\"600s\"}}") == 0);
    LB_AUTO_FREE char *operation = base_strdup(doc_text(answer, "name"));
    LOCAL_PROJECT p = {.lock = -1};
    const local_cluster c = {.host = &cluster_host, .path = directory};
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0); /* nobody can count attempts meanwhile */
    doc *entry = local_branch(&p, "cursed");
    LB_AUTO_FREE char *uid = base_strdup(doc_text(entry, "directory"));
    doc_set_i64(entry, "attempts", 3);
    kill_keeper(uid);
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    UNTIL(call("GET", operation, NULL, NULL) == 0 && doc_flag(answer, "done"));
    ASSERT_CONTAINS(doc_text(answer, "error.message"), "died 3 times");
    CU_ASSERT(call("GET", "projects/p/branches/cursed", NULL, NULL) == LB_ERR_NOT_FOUND);
    UNTIL(count_entries("branches/p", false) == 1);
}

static void a_keeper_that_is_killed_takes_its_server_along(void)
{
    LB_AUTO_FREE char *uid = uid_of("production");
    ASSERT_TEXT(ask("production", "SELECT 1"), "1");
    pid_t server = server_of(uid);
    CU_ASSERT(server > 1);
    kill_keeper(uid);
    UNTIL(kill(server, 0) != 0);
    ASSERT_TEXT(ask("production", "SELECT count(*) FROM t"), "1000");
}

/* ---- callers that die ---- */

static void a_caller_that_dies_after_asking(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)call("POST", "projects/p/branches", "branch_id=orphan", "{\"spec\":{\"ttl\":\"600s\"}}");
        (void)kill(getpid(), SIGKILL);
    }
    CU_ASSERT(pid > 0 && waitpid(pid, NULL, 0) == pid);
    ASSERT_TEXT(ask("orphan", "SELECT count(*) FROM t"), "1000");
    must("DELETE", "projects/p/branches/orphan", "purge=true", NULL);
}

/* The record says so, and whoever wrote it died: what comes next finishes it. */
static void a_removal_that_was_cut_short(void)
{
    MAKE("half", "\"ttl\":\"600s\"");
    const local_cluster c = {.host = &cluster_host, .path = directory};
    LOCAL_PROJECT p = {.lock = -1};
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0);
    doc_set_text(local_branch(&p, "half"), "branch.status.pending_state", "DELETED");
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    CU_ASSERT(run_on("half", "SELECT 1") == LB_ERR_NOT_FOUND);
    CU_ASSERT(count_entries("branches/p", false) == 1);
    MAKE("half", "\"ttl\":\"600s\"");
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0);
    LB_AUTO_FREE char *uid = base_strdup(doc_text(local_branch(&p, "half"), "directory"));
    local_remove_branch(&p, uid); /* the record is gone, the directory and its keeper are not */
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    UNTIL(call("GET", "projects/p", NULL, NULL) == 0 && count_entries("branches/p", false) == 1);
    CU_ASSERT(server_of(uid) == 0);
}

static void a_host_that_goes_away(void)
{
    MAKE("lonely", "\"ttl\":\"600s\"");
    LB_AUTO_FREE char *uid = uid_of("lonely");
    int ends[2];
    char byte = 0;
    CU_ASSERT_FATAL(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        void *other = NULL, *session = NULL;
        const lb_target target = {.project = "p", .branch = "lonely"};
        bool ok = open_as(&cluster_host, NULL, 0, &other) == 0 &&
                  local->connect(other, &target, "test", probe_soon(60), &session, &err) == 0;
        (void)!write(ends[1], ok ? "y" : "n", 1);
        for (;;)
            (void)pause();
    }
    CU_ASSERT(read(ends[0], &byte, 1) == 1 && byte == 'y');
    (void)close(ends[0]);
    (void)close(ends[1]);
    CU_ASSERT(server_of(uid) > 1);
    CU_ASSERT(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    UNTIL(!is_locked(uid)); /* the keeper went, and ... */
    CU_ASSERT(server_of(uid) == 0);
    must("DELETE", "projects/p/branches/lonely", "purge=true", NULL);
}

/* ---- several at once ---- */

static bool work_in_child(int number)
{
    void *other = NULL;
    const char *const projects[] = {"p", "together"};
    LB_AUTO_FREE char *branch = base_printf("twin-%d", number), *query = base_printf("branch_id=%s", branch);
    LB_AUTO_FREE char *path = base_printf("projects/p/branches/%s", branch);
    if (open_as(&cluster_host, projects, 2, &other) < 0)
        return false;
    state = other;
    bool ok = change("POST", "projects/p/branches", query, "{\"spec\":{\"ttl\":\"600s\"}}") == 0 &&
              strcmp(ask(branch, "SELECT count(*) FROM t"), "1000") == 0 &&
              strcmp(ask("production", "SELECT count(*) FROM t"), "1000") == 0;
    const lb_target shared = {.project = "together", .branch = "production"};
    void *session = NULL;
    ok = ok && local->connect(state, &shared, "test", probe_soon(60), &session, &err) == 0;
    ok = ok && change("DELETE", path, "purge=true", NULL) == 0;
    if (!ok)
        printf("\n    twin %d: %s\n", number, err.message);
    (void)fflush(stdout);
    return ok;
}

static void several_processes_at_once(void)
{
    pid_t children[3];
    for (int i = 0; i < (int)LB_COUNT(children); i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(work_in_child(i) ? 0 : 1);
    }
    for (size_t i = 0; i < LB_COUNT(children); i++) {
        int status = -1;
        CU_ASSERT(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    CU_ASSERT(count_entries("branches/p", false) == 1);
    must("DELETE", "projects/together", "purge=true", NULL);
}

/* Many who come at the same moment to a branch that sleeps start one server. */
static void one_server_for_many(void)
{
    MAKE("popular", "\"ttl\":\"600s\"");
    LB_AUTO_FREE char *uid = uid_of("popular");
    UNTIL(!is_locked(uid));
    pid_t children[6];
    for (size_t i = 0; i < LB_COUNT(children); i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(strcmp(ask("popular", "SELECT count(*) FROM t"), "1000") == 0 ? 0 : 1);
    }
    for (size_t i = 0; i < LB_COUNT(children); i++) {
        int status = -1;
        CU_ASSERT(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    must("DELETE", "projects/p/branches/popular", "purge=true", NULL);
}

/* ---- servers ---- */

static void a_server_that_is_killed(void)
{
    void *session = NULL;
    LB_AUTO_FREE char *uid = uid_of("production");
    CU_ASSERT_FATAL(connect_to("production", &session) == 0);
    CU_ASSERT(run_in(session, "SELECT 1", true) == 0);
    pid_t before = server_of(uid);
    CU_ASSERT(before > 1 && kill(before, SIGKILL) == 0);
    UNTIL(local->reuse(session, "again", probe_soon(1), &err) < 0);
    CU_ASSERT(run_in(session, "SELECT 1", true) == LB_ERR_UNREACHABLE);
    local->disconnect(session);
    UNTIL(server_of(uid) > 1 && server_of(uid) != before); /* it is needed, so its keeper starts it again */
    UNTIL(run_on("production", "SELECT 1") == 0);
    ASSERT_TEXT(ask("production", "SELECT count(*) FROM t"), "1000");
}

static void a_backend_that_is_terminated(void)
{
    void *session = NULL;
    CU_ASSERT_FATAL(connect_to("production", &session) == 0);
    CU_ASSERT(run_in(session, "SELECT pg_terminate_backend(pg_backend_pid())", false) == LB_ERR_UNREACHABLE);
    CU_ASSERT(run_in(session, "SELECT 1", true) == LB_ERR_UNREACHABLE); /* the session says so, and does not hang */
    local->disconnect(session);
    ASSERT_TEXT(ask("production", "SELECT 1"), "1");
}

/* It takes connections, since the kernel does, and then says nothing. */
static void a_server_that_says_nothing(void)
{
    void *session = NULL;
    LB_AUTO_FREE char *uid = uid_of("production");
    ASSERT_TEXT(ask("production", "SELECT 1"), "1");
    pid_t server = server_of(uid);
    CU_ASSERT_FATAL(server > 1 && kill(server, SIGSTOP) == 0);
    int64_t began = clock_monotonic();
    CU_ASSERT(connect_to("production", &session) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "no answer in 3000 ms");
    CU_ASSERT(clock_monotonic() - began < 30 * CLOCK_SECOND);
    CU_ASSERT(kill(server, SIGCONT) == 0);
    ASSERT_TEXT(ask("production", "SELECT 1"), "1");
}

/* ---- which branch is this? ---- */

static void no_change_on_the_wrong_branch(void)
{
    LB_AUTO_FREE char *uid = uid_of("production");
    ASSERT_TEXT(ask("production", "SELECT 1"), "1");
    LB_AUTO_FREE char *conninfo =
        base_printf("host=%s/branches/p/%s/server port=5432 user=postgres dbname=databricks_postgres", directory, uid);
    pg_session *session = NULL;
    const pg_options options = {.conninfo = conninfo,
                                .connect_timeout_ms = 3000,
                                .lock_timeout_ms = 1000,
                                .proof_setting = "cluster_name",
                                .proof_value = "br-somebody-elses"};
    lb_sink sink = probe_sink(&rows);
    lb_command command = {.size = sizeof command, .name = "change", .text = "DROP TABLE t", .deadline = probe_soon(10)};
    CU_ASSERT_FATAL(pg_session_open(&cluster_host, &options, "test", probe_soon(10), &session, &err) == 0);
    CU_ASSERT(pg_session_execute(session, &command, &sink, &rows.affected, &err) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "is not the branch that was asked for");
    CU_ASSERT(pg_session_begin(session, probe_soon(10), &err) == LB_ERR_CONFLICT);
    command.text = "SELECT count(*) FROM t";
    command.read_only = true;
    CU_ASSERT(pg_session_execute(session, &command, &sink, &rows.affected, &err) == 0); /* looking is harmless */
    ASSERT_CONTAINS(buf_text(&rows.text), "1000");
    pg_session_close(session);
}

/* With everything in it, while its server runs: nobody makes it anew to write down how that one fared. */
static void a_place_that_is_removed(void)
{
    static const char *const projects[] = {"p"};
    const lb_target target = {.project = "p", .branch = "production"};
    char *others = directory;
    void *removed = NULL, *session = NULL;
    directory = scratch_new();
    LB_AUTO_FREE char *path = base_strdup(directory);
    CU_ASSERT_FATAL(open_as(&cluster_host, projects, 1, &removed) == 0);
    CU_ASSERT_FATAL(local->connect(removed, &target, "test", probe_soon(60), &session, &err) == 0);
    CU_ASSERT(find_process("lbops-keeper", path) > 1);
    scratch_free(&directory);
    directory = others;
    local->disconnect(session);
    local->close(removed);
    UNTIL(find_process("lbops-keeper", path) == 0); /* which takes its server along */
    CU_ASSERT(access(path, F_OK) != 0 && errno == ENOENT);
}

static void no_planted_names(void)
{
    CU_ASSERT(run_on("production", "CREATE SCHEMA planted") == 0);
    CU_ASSERT(run_on("production", "CREATE TABLE planted.t (n int)") == 0);
    CU_ASSERT(run_on("production", "ALTER DATABASE databricks_postgres SET search_path = planted") == 0);
    ASSERT_TEXT(ask("production", "SELECT count(*) FROM t"), "1000");
    ASSERT_TEXT(ask("production", "SHOW search_path"), "public, pg_temp");
    CU_ASSERT(run_on("production", "ALTER DATABASE databricks_postgres RESET search_path") == 0);
}

CLUSTER_SUITE(local_faults, EACH(begin), EACH(a_keeper_that_is_killed_at_each_step),
              ONCE(a_branch_that_dies_each_time_is_given_up), EACH(a_keeper_that_is_killed_takes_its_server_along),
              ONCE(a_caller_that_dies_after_asking), ONCE(a_removal_that_was_cut_short), ONCE(a_host_that_goes_away),
              EACH(several_processes_at_once), ONCE(one_server_for_many), EACH(a_server_that_is_killed),
              EACH(a_backend_that_is_terminated), ONCE(a_server_that_says_nothing), EACH(no_change_on_the_wrong_branch),
              EACH(no_planted_names), ONCE(a_place_that_is_removed), EACH(end))
