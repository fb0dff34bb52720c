#include "outbox_survey.h"

#include "clock.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static void commits_each_table_once(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *dir = base_printf("%s/made/on/demand", scratch);
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 3);
    add_event(batch);
    CU_ASSERT_EQUAL(outbox_rows(batch), 4);
    CU_ASSERT_EQUAL(access(dir, F_OK), -1);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(outbox_rows(batch), 0);
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.files, 2);
    CU_ASSERT_EQUAL(s.rows, 4);
    CU_ASSERT_EQUAL(s.temporaries, 0);

    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0); /* nothing in it */
    CU_ASSERT_EQUAL(look(dir).files, 2);
    add_metrics(batch, 1); /* it can be used again */
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    s = look(dir);
    CU_ASSERT_EQUAL(s.files, 3);
    CU_ASSERT_EQUAL(s.rows, 5);
}

static int visible_only(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void names_sort_by_time(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *table = base_printf("%s/lakebase_metrics", dir);
    for (int i = 0; i < 20; i++) {
        BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
        CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics", METRIC(i, "n"), &target, &err), 0);
        CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    }
    struct dirent **entries = NULL;
    int n = scandir(table, &entries, visible_only, alphasort);
    CU_ASSERT_EQUAL_FATAL(n, 20);
    for (int i = 0; i < n; i++) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", table, entries[i]->d_name), *text = NULL;
        LB_AUTO_FREE char *want = base_printf("\"metric_value\":%d,", i);
        size_t length;
        CU_ASSERT_EQUAL_FATAL(fs_read(path, 1 << 20, &text, &length, &err), 0);
        ASSERT_CONTAINS(text, want);
        struct stat st;
        CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
        free(entries[i]);
    }
    free(entries);
}

static void rows_carry_their_run(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    CU_ASSERT_EQUAL(outbox_add_for(batch, "lakebase_metrics", METRIC(1, "n"), &target, "R2", &err), 0);
    CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics", METRIC(2, "n"), NULL, &err), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    LB_AUTO_FREE char *table = base_printf("%s/lakebase_metrics", dir), *text = NULL;
    struct dirent **entries = NULL;
    CU_ASSERT_EQUAL_FATAL(scandir(table, &entries, visible_only, alphasort), 1);
    LB_AUTO_FREE char *path = base_printf("%s/%s", table, entries[0]->d_name);
    free(entries[0]);
    free(entries);
    size_t length;
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 1 << 20, &text, &length, &err), 0);
    ASSERT_TEXT(
        text,
        "{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"run_id\":\"R1\",\"rows\":                   2}\n"
        "{\"project_id\":\"shop\",\"branch_id\":\"main\",\"run_id\":\"R2\",\"snapshot_timestamp\":"
        "\"2026-02-01T00:00:00.000000Z\",\"metric_name\":\"cache_hit_ratio\",\"metric_value\":1,\"unit\":\"n\"}\n"
        "{\"run_id\":\"R1\",\"snapshot_timestamp\":"
        "\"2026-02-01T00:00:00.000000Z\",\"metric_name\":\"cache_hit_ratio\",\"metric_value\":2,\"unit\":\"n\"}\n");
}

static void refuses_bad_records(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metric", METRIC(1, "n"), &target, &err), LB_ERR_NOT_FOUND);
    ASSERT_TEXT(err.message, "no history table lakebase_metric");
    ASSERT_TEXT(err.hint, "did you mean lakebase_metrics?");
    CU_ASSERT_EQUAL(outbox_add(batch, "something_else_entirely", METRIC(1, "n"), &target, &err), LB_ERR_NOT_FOUND);
    ASSERT_TEXT(err.hint, "see the list of history tables in the docs");
    CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics", METRIC(1, "\xFF"), &target, &err), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "lakebase_metrics.unit: text is not UTF-8");
    CU_ASSERT_EQUAL(outbox_rows(batch), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).files, 0);
}

static void spills_past_its_limit(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 4096);
    add_metrics(batch, 500);
    add_event(batch);
    add_metrics(batch, 500);
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.files, 0);
    CU_ASSERT_EQUAL(s.temporaries, 2);
    CU_ASSERT_EQUAL(outbox_rows(batch), 1001);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    s = look(dir);
    CU_ASSERT_EQUAL(s.files, 2);
    CU_ASSERT_EQUAL(s.temporaries, 0);
    CU_ASSERT_EQUAL(s.rows, 1001);
    int64_t bytes = 0;
    CU_ASSERT_EQUAL(outbox_size(dir, &bytes, &err), 0);
    CU_ASSERT_EQUAL(bytes, s.bytes);
}

/* The memory of spilled lines takes the next ones: each row is in the file once, and where it was put. */
static void spilled_rows_stay_in_order(void)
{
    enum { ROWS = 400 }; /* many times the limit */
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *table = base_printf("%s/lakebase_metrics", dir);
    BATCH batch = outbox_batch_new(dir, "R1", 4096);
    for (int i = 0; i < ROWS; i++)
        CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics", METRIC(i, "n"), &target, &err), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).rows, ROWS);
    struct dirent **entries = NULL;
    CU_ASSERT_EQUAL_FATAL(scandir(table, &entries, visible_only, alphasort), 1);
    LB_AUTO_FREE char *path = base_printf("%s/%s", table, entries[0]->d_name), *text = NULL;
    size_t length;
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 1 << 24, &text, &length, &err), 0);
    const char *at = text;
    for (int i = 0; i < ROWS; i++) {
        LB_AUTO_FREE char *want = base_printf("\"metric_value\":%d,", i);
        at = strchr(at, '\n') + 1; /* the header is before the first */
        CU_ASSERT_FATAL(strncmp(strstr(at, "\"metric_value\":"), want, strlen(want)) == 0);
    }
    free(entries[0]);
    free(entries);
}

static void drops_what_was_not_committed(void)
{
    SCRATCH dir = scratch_new();
    outbox_batch *batch = outbox_batch_new(dir, "R1", 1024);
    add_metrics(batch, 50);
    CU_ASSERT_EQUAL(look(dir).temporaries, 1);
    CU_ASSERT_PTR_NULL(outbox_batch_free(batch));
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.temporaries + s.files, 0);
    CU_ASSERT_PTR_NULL(outbox_batch_free(NULL));
}

static void says_what_is_wrong_with_the_directory(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *file = base_printf("%s/file", scratch), *below = base_printf("%s/file/outbox", scratch);
    CU_ASSERT_EQUAL(fs_write_durable(file, "x", 1, 0600, &err), 0);
    int64_t bytes = -1;
    const char *const dirs[] = {file, below};
    for (size_t i = 0; i < LB_COUNT(dirs); i++) {
        BATCH batch = outbox_batch_new(dirs[i], "R1", 1 << 20);
        add_metrics(batch, 2);
        CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
        ASSERT_CONTAINS(err.message, "outbox: cannot ");
        ASSERT_CONTAINS(err.message, "/file");
        ASSERT_TEXT(err.hint, "a part of the path is a file");
        CU_ASSERT_EQUAL(outbox_rows(batch), 2);
        CU_ASSERT_EQUAL(outbox_sweep(dirs[i], &err), LB_ERR_IO);
        CU_ASSERT_EQUAL(outbox_size(dirs[i], &bytes, &err), LB_ERR_IO);
        ASSERT_TEXT(err.hint, "a part of the path is a file");
    }
    CU_ASSERT_EQUAL(bytes, -1);
}

static void a_missing_outbox_is_empty(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *dir = base_printf("%s/none", scratch);
    int64_t bytes = -1;
    CU_ASSERT_EQUAL(outbox_size(dir, &bytes, &err), 0);
    CU_ASSERT_EQUAL(bytes, 0);
    CU_ASSERT_EQUAL(outbox_sweep(dir, &err), 0);
}

static void touch(const char *dir, const char *name)
{
    lb_error err = {0};
    LB_AUTO_FREE char *path = base_printf("%s/audit_log/%s", dir, name);
    LB_AUTO_FREE char *table = base_printf("%s/audit_log", dir);
    CU_ASSERT_EQUAL(fs_make_dirs(table, &err), 0);
    CU_ASSERT_EQUAL(fs_write_durable(path, "1234", 4, 0600, &err), 0);
}

static bool exists(const char *dir, const char *name)
{
    LB_AUTO_FREE char *path = base_printf("%s/audit_log/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void sweeps_after_dead_writers_only(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    CU_ASSERT_EQUAL(waitpid(dead, NULL, 0), dead);
    LB_AUTO_FREE char *orphan = base_printf("ID1.%ld.tmp", (long)dead),
                      *ours = base_printf("ID2.%ld.tmp", (long)getpid());
    LB_AUTO_FREE char *whole = base_printf("ID3.%ld.ndjson", (long)dead);
    const char *const kept[] = {ours,     whole,      "ID4.0.tmp", "ID5.tmp", "ID6.-5.tmp", "ID7.99999999999.tmp",
                                "77.tmp", "ID8.1.tmp"};
    touch(dir, orphan);
    for (size_t i = 0; i < LB_COUNT(kept); i++)
        touch(dir, kept[i]);
    LB_AUTO_FREE char *stray = base_printf("%s/stray", dir);
    CU_ASSERT_EQUAL(fs_write_durable(stray, "x", 1, 0600, &err), 0);
    int64_t bytes = 0;
    CU_ASSERT_EQUAL(outbox_size(dir, &bytes, &err), 0);
    CU_ASSERT_EQUAL(bytes, 4 * (int64_t)(1 + LB_COUNT(kept)));
    CU_ASSERT_EQUAL(outbox_sweep(dir, &err), 1);
    CU_ASSERT_FALSE(exists(dir, orphan));
    for (size_t i = 0; i < LB_COUNT(kept); i++)
        CU_ASSERT(exists(dir, kept[i]));
    CU_ASSERT_EQUAL(outbox_sweep(dir, &err), 0);
}

/* Writes until it is killed, and tells what was acknowledged: a byte for each commit of ten metrics and an event. */
static void write_until_killed(const char *dir, int acknowledge)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(dir, "R1", 1024);
    for (;;) {
        for (int i = 0; i < 10; i++)
            if (outbox_add(batch, "lakebase_metrics", METRIC(i, "ratio"), &target, &err) < 0)
                _exit(1);
        if (outbox_add(batch, "branch_lifecycle", EVENT("e"), &target, &err) < 0 || outbox_commit(batch, &err) < 0 ||
            write(acknowledge, "", 1) != 1)
            _exit(1);
    }
}

static int64_t count_bytes(int fd)
{
    char chunk[4096];
    int64_t count = 0;
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;)
        count += n;
    return count;
}

static int64_t kill_a_writer(const char *dir, int round)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    fflush(stdout);
    pid_t writer = fork();
    if (writer == 0)
        write_until_killed(dir, ends[1]);
    (void)close(ends[1]); /* the writer's end */
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&ready, 1, 10000), 1); /* it is at work */
    int64_t wait_until = clock_monotonic() + (int64_t)round * 733 % 9000;
    while (clock_monotonic() < wait_until)
        (void)sched_yield(); /* spreads the moments of death over a commit */
    CU_ASSERT_EQUAL(kill(writer, SIGKILL), 0);
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(writer, &status, 0), writer);
    CU_ASSERT(WIFSIGNALED(status));
    int64_t acknowledged = 11 * count_bytes(ends[0]);
    (void)close(ends[0]); /* read only */
    return acknowledged;
}

static void survives_kill_at_any_moment(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    int64_t acknowledged = 0;
    int orphans = 0;
    for (int round = 0; round < 30; round++) {
        acknowledged += kill_a_writer(dir, round);
        int before = look(dir).temporaries, swept = outbox_sweep(dir, &err);
        CU_ASSERT_EQUAL(swept, before);
        orphans += before;
    }
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.temporaries, 0);
    CU_ASSERT(acknowledged >= 330);
    CU_ASSERT(s.rows >= acknowledged);
    CU_ASSERT(s.rows <= acknowledged + 330);
    printf("%d whole files, %lld rows acknowledged, %lld found, %d orphans swept ", s.files, (long long)acknowledged,
           (long long)s.rows, orphans);
}

/* Identifiers name the files, so a forked writer must not count on from its parent's. */
static void forked_writers_take_other_names(void)
{
    char parent[ID_TEXT], child[ID_TEXT] = "";
    int ends[2];
    id_new(parent);
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    pid_t writer = fork();
    if (writer == 0) {
        id_new(child);
        _exit(write(ends[1], child, sizeof child) == (ssize_t)sizeof child ? 0 : 1);
    }
    id_new(parent);
    CU_ASSERT_EQUAL(read(ends[0], child, sizeof child), (ssize_t)sizeof child);
    CU_ASSERT_EQUAL(waitpid(writer, NULL, 0), writer);
    CU_ASSERT_STRING_NOT_EQUAL(parent, child);
    (void)close(ends[0]); /* both done */
    (void)close(ends[1]);
}

SUITE(outbox, TEST(commits_each_table_once), TEST(names_sort_by_time), TEST(rows_carry_their_run),
      TEST(refuses_bad_records), TEST(spills_past_its_limit), TEST(spilled_rows_stay_in_order),
      TEST(drops_what_was_not_committed), TEST(says_what_is_wrong_with_the_directory), TEST(a_missing_outbox_is_empty),
      TEST(sweeps_after_dead_writers_only), TEST(survives_kill_at_any_moment), TEST(forked_writers_take_other_names))
