/* A state directory that does not take what it is given, and a host that is killed: a clear error, no run that says ok
 * and is not in the book, and nothing half-written. What harms the whole process happens in a child, which reports over
 * a pipe. */
#include "runs.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define NOBODY 65534

/* Runs fn in a child and keeps what it reports. The child's own assertions do not count; what it says does. */
static void in_child(void (*fn)(stage *s, FILE *report), stage *s, char *text, size_t bytes)
{
    int ends[2], status = 0;
    size_t used = 0;
    CU_ASSERT_FATAL(pipe(ends) == 0);
    (void)fflush(stdout); /* or the child would print it again */
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        FILE *report = fdopen(ends[1], "w");
        fn(s, report);
        (void)fclose(report); /* a report that is missing fails the test */
        _exit(0);
    }
    (void)close(ends[1]);
    for (ssize_t n; used + 1 < bytes && (n = read(ends[0], text + used, bytes - used - 1)) > 0;)
        used += (size_t)n;
    text[used] = '\0';
    (void)close(ends[0]);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void report_run(stage *s, FILE *report, const char *tool, const char *const *args)
{
    ending *e = stage_ask(s, tool, NULL, args);
    if (!e || !stage_wait(s, e, 30)) {
        (void)fprintf(report, "%s: did not run: %s\n", tool, s->err.message);
        return;
    }
    (void)fprintf(report, "%s: %s: %s\n", tool, run_status_name(e->status), e->error.message);
}

/* ---- no room ----------------------------------------------------------------------------------------------------- */

static void no_more_bytes(stage *s, FILE *report)
{
    const struct rlimit none = {0, 0};
    LB_AUTO_FREE char *path = base_printf("%s/note.txt", s->dir);
    (void)signal(SIGXFSZ, SIG_IGN); /* workers inherit both */
    (void)setrlimit(RLIMIT_FSIZE, &none);
    if (!stage_reopen(s, NULL, NULL)) {
        (void)fprintf(report, "refused: %s\n", s->err.message);
        return;
    }
    report_run(s, report, "noop", NO_ARGS);
    report_run(s, report, "steps", ARGS("path", path));
    stage_stop(s);
}

static void no_file_can_grow(void)
{
    char text[2000];
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    stage_stop(&s);
    in_child(no_more_bytes, &s, text, sizeof text);
    ASSERT_CONTAINS(text, "noop: failed: opening the store: there is no room for"); /* nothing begins unwritten */
    ASSERT_CONTAINS(text, "steps: did not run: opening the store: there is no room for");
    LB_AUTO_FREE char *path = base_printf("%s/note.txt", s.dir);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT(outbox_is_whole(&s, "tool_runs", true));
    CU_ASSERT(outbox_is_whole(&s, "audit_log", true));
    CU_ASSERT_FATAL(stage_reopen(&s, NULL, NULL)); /* there is room again */
    CU_ASSERT(outbox_is_whole(&s, "tool_runs", false));
    expect_healthy(&s);
    stage_close(&s);
}

static void fill_disk(stage *s, FILE *report)
{
    LB_AUTO_FREE char *state = base_printf("%s/state", s->dir), *filler = base_printf("%s/filler", state);
    static char block[65536];
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", state, "tmpfs", 0, "size=4m") != 0) {
        (void)fprintf(report, "left out: cannot mount a small disk here\n");
        return;
    }
    if (!stage_reopen(s, NULL, NULL)) {
        (void)fprintf(report, "refused: %s\n", s->err.message);
        return;
    }
    report_run(s, report, "noop", NO_ARGS);
    FILE *f = fopen(filler, "w");
    while (f && fwrite(block, sizeof block, 1, f) == 1)
        continue;
    if (f)
        (void)fclose(f); /* it is meant to be cut short */
    report_run(s, report, "noop", NO_ARGS);
    report_run(s, report, "steps", NO_ARGS);
    (void)fprintf(report, "whole: %d\n", outbox_is_whole(s, "tool_runs", false));
    (void)unlink(filler); /* room again */
    report_run(s, report, "rests", NO_ARGS);
    stage_stop(s);
}

static void full_disk(void)
{
    char text[2000];
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    stage_stop(&s);
    in_child(fill_disk, &s, text, sizeof text);
    if (strncmp(text, "left out", 8) == 0) {
        printf("\n    %s", text);
    } else {
        ASSERT_CONTAINS(text, "noop: ok: ");
        ASSERT_CONTAINS(text, "noop: failed: committing a batch: there is no room for");
        ASSERT_CONTAINS(text, "steps: failed: ");
        ASSERT_CONTAINS(text, "whole: 1");
        ASSERT_CONTAINS(text, "rests: ok: ");
    }
    stage_close(&s);
}

/* ---- places that are no place ------------------------------------------------------------------------------------ */

static void refused_with(stage *s, const char *message)
{
    CU_ASSERT(!stage_reopen(s, NULL, NULL));
    CU_ASSERT(s->err.code < 0);
    ASSERT_CONTAINS(s->err.message, message);
    CU_ASSERT_PTR_NULL(s->supervisor);
    stage_stop(s);
}

static void put_file(const stage *s, const char *name)
{
    lb_error err;
    LB_AUTO_FREE char *path = base_printf("%s/%s", s->dir, name);
    CU_ASSERT_FATAL(fs_write_durable(path, "not a directory\n", 16, 0600, &err) >= 0);
}

static void state_directory_is_a_file(void)
{
    stage s = {.dir = scratch_new()};
    put_file(&s, "state");
    refused_with(&s, "state directory: ");
    stage_close(&s);
}

static void outbox_is_a_file(void)
{
    stage s = {.dir = scratch_new()};
    LB_AUTO_FREE char *state = base_printf("%s/state", s.dir);
    CU_ASSERT_FATAL(mkdir(state, 0700) == 0);
    put_file(&s, "state/outbox");
    refused_with(&s, "outbox: ");
    stage_close(&s);
}

/* Found out only when the first row is written. */
static void table_of_the_outbox_is_a_file(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    put_file(&s, "state/outbox/tool_runs");
    const ending *e = stage_run(&s, "noop", NO_ARGS);
    CU_ASSERT_EQUAL(e->status, RUN_FAILED);
    CU_ASSERT_EQUAL(e->error.code, LB_ERR_IO);
    ASSERT_CONTAINS(e->error.message, "the book of runs cannot be written");
    put_file(&s, "state/outbox/lakebase_metrics");
    const ending *steps = stage_run(&s, "steps", NO_ARGS);
    CU_ASSERT_EQUAL(steps->status, RUN_FAILED);
    ASSERT_CONTAINS(steps->error.message, "records of the run");
    stage_close(&s);
}

/* What waits there already takes all the room that the manifest gives. */
static void outbox_that_holds_enough(void)
{
    stage s;
    lb_error err;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\noutbox_mb = 1", NULL));
    LB_AUTO_FREE char *table = base_printf("%s/state/outbox/lakebase_metrics", s.dir);
    LB_AUTO_FREE char *file = base_printf("%s/waiting.ndjson", table), *text = base_alloc(1500000);
    memset(text, 'x', 1499999);
    CU_ASSERT_FATAL(fs_make_dirs(table, &err) >= 0 && fs_write_durable(file, text, 1499999, 0600, &err) >= 0);
    const ending *e = stage_run(&s, "steps", NO_ARGS);
    CU_ASSERT_EQUAL(e->status, RUN_FAILED);
    CU_ASSERT_EQUAL(e->error.code, LB_ERR_LIMIT);
    ASSERT_CONTAINS(e->error.message, "as much as it may");
    CU_ASSERT_EQUAL(unlink(file), 0);
    stage_stop(&s); /* a worker looks again after some seconds, a new one at once */
    CU_ASSERT_FATAL(stage_reopen(&s, "workers = 1\noutbox_mb = 1", NULL));
    CU_ASSERT_EQUAL(stage_run(&s, "steps", NO_ARGS)->status, RUN_OK);
    stage_close(&s);
}

static void as_nobody(stage *s, FILE *report)
{
    if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)) {
        (void)fprintf(report, "left out: cannot become somebody else\n");
        return;
    }
    if (stage_reopen(s, NULL, NULL)) {
        report_run(s, report, "noop", NO_ARGS);
        report_run(s, report, "steps", NO_ARGS);
        stage_stop(s);
    } else {
        (void)fprintf(report, "refused: %s\n", s->err.message);
    }
}

static void read_only_state_directory(void)
{
    char text[2000];
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    stage_stop(&s);
    LB_AUTO_FREE char *state = base_printf("%s/state", s.dir), *outbox = base_printf("%s/outbox", state);
    CU_ASSERT_FATAL(chmod(s.dir, 0755) == 0 && chmod(outbox, 0555) == 0 && chmod(state, 0555) == 0);
    in_child(as_nobody, &s, text, sizeof text);
    if (strncmp(text, "left out", 8) == 0) {
        printf("\n    %s", text);
    } else {
        ASSERT_CONTAINS(text, "ermission denied");
        CU_ASSERT_PTR_NULL(strstr(text, ": ok"));
    }
    CU_ASSERT(outbox_is_whole(&s, "tool_runs", false));
    (void)chmod(state, 0700);  /* so that it can be removed */
    (void)chmod(outbox, 0700); /* and this */
    stage_close(&s);
}

/* ---- the host is killed ------------------------------------------------------------------------------------------ */

static void run_until_killed(stage *s, FILE *report)
{
    static const char two[] = "workers = 2\ngrace_s = 1";
    if (!stage_reopen(s, two, NULL))
        _exit(1);
    (void)stage_ask(s, "rests", NULL, ARGS("ms", "60000")); /* its end is the kill */
    stage_turn(s, 0.2);
    (void)fprintf(report, "%d %d\n", (int)stage_worker(s, 0), (int)stage_worker(s, 1));
    (void)fflush(report);
    for (;;) {
        if (s->count + 1 >= STAGE_ENDINGS)
            s->count = 1;
        (void)stage_run(s, "steps", NO_ARGS); /* it writes and writes */
    }
}

/* Gone or dead: who is killed with its parent becomes ours, and waits for us to see it. */
static bool is_gone(pid_t pid)
{
    (void)waitpid(pid, NULL, WNOHANG); /* not ours yet is fine */
    return kill(pid, 0) != 0;
}

static void killed_in_the_middle_of_runs(void)
{
    stage s;
    int ends[2];
    pid_t workers[2];
    char text[64] = "";
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    stage_stop(&s);
    CU_ASSERT_FATAL(pipe(ends) == 0);
    (void)fflush(stdout); /* or the child would print it again */
    pid_t pid = fork();
    if (pid == 0)
        run_until_killed(&s, fdopen(ends[1], "w"));
    (void)close(ends[1]);
    CU_ASSERT_FATAL(read(ends[0], text, sizeof text - 1) > 0);
    char *second = NULL;
    workers[0] = (pid_t)strtol(text, &second, 10);
    workers[1] = (pid_t)strtol(second, NULL, 10);
    CU_ASSERT_FATAL(workers[0] > 1 && workers[1] > 1);
    double until = seconds_now() + 60;
    while (rows_with(&s, "tool_runs", "\"steps\"") < 3 && seconds_now() < until)
        (void)usleep(10000); /* let it write */
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
    (void)close(ends[0]);
    until = seconds_now() + 30;
    while ((!is_gone(workers[0]) || !is_gone(workers[1])) && seconds_now() < until)
        (void)usleep(10000);
    CU_ASSERT(is_gone(workers[0]) && is_gone(workers[1]));
    CU_ASSERT(outbox_is_whole(&s, "tool_runs", true) && outbox_is_whole(&s, "lakebase_metrics", true));
    CU_ASSERT(rows_with(&s, "tool_runs", "\"steps\"") > 0);
    CU_ASSERT_FATAL(stage_reopen(&s, NULL, NULL)); /* and the next host clears away what was half-written */
    CU_ASSERT(outbox_is_whole(&s, "tool_runs", false) && outbox_is_whole(&s, "lakebase_metrics", false));
    expect_healthy(&s);
    stage_close(&s);
}

SUITE(state_of_runs, TEST(no_file_can_grow), TEST(full_disk), TEST(state_directory_is_a_file), TEST(outbox_is_a_file),
      TEST(table_of_the_outbox_is_a_file), TEST(outbox_that_holds_enough), TEST(read_only_state_directory),
      TEST(killed_in_the_middle_of_runs))
