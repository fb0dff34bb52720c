#include "outbox_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* ---- system calls that fail on demand: the program's own definitions come before the C library's ---- */

static struct {
    int fsync_in, rename_in; /* the call that fails first, counted from 1; 0: none */
    int fsync_times, rename_times;
    int fsyncs, renames; /* calls so far */
} fault;

static bool fails(int *in, int *times)
{
    if (*in > 1)
        return (*in)--, false;
    return *in == 1 && *times > 0 && (*times)--;
}

int fsync(int fd)
{
    fault.fsyncs++;
    if (fails(&fault.fsync_in, &fault.fsync_times)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    fault.renames++;
    if (fails(&fault.rename_in, &fault.rename_times)) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- tests ---- */

/* Each call of fsync and of rename in a commit fails in turn, for a batch that spilled and one that did not. */
static void commit_with_fault(size_t limit, int fsync_in, int rename_in)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", limit);
    add_metrics(batch, 60);
    add_event(batch);
    memset(&fault, 0, sizeof fault);
    fault.fsync_in = fsync_in;
    fault.rename_in = rename_in;
    fault.fsync_times = fault.rename_times = 1;
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
    ASSERT_CONTAINS(err.message, fsync_in ? "outbox: cannot sync" : "outbox: cannot rename into");
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.files, 0);
    CU_ASSERT_EQUAL(outbox_rows(batch), 61);
    bool was_shown = fault.renames > (rename_in == 1);
    add_metrics(batch, 9);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    s = look(dir);
    CU_ASSERT_EQUAL(s.files, was_shown ? 3 : 2); /* what was seen once is left as it was seen */
    CU_ASSERT_EQUAL(s.rows, 70);
    CU_ASSERT_EQUAL(s.temporaries, 0);
}

static void retries_after_any_fault(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 1);
    add_event(batch);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0); /* so that the directories exist when calls are counted */
    add_metrics(batch, 1);
    add_event(batch);
    memset(&fault, 0, sizeof fault);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(fault.renames, 2);
    CU_ASSERT_EQUAL(fault.fsyncs, 5); /* two files, their directories, the outbox */
    for (size_t limit = 2048; limit <= 1 << 20; limit *= 512) {
        for (int i = 1; i <= (limit == 2048 ? 6 : 7); i++) /* a directory or two are new */
            commit_with_fault(limit, i, 0);
        for (int i = 1; i <= 2; i++)
            commit_with_fault(limit, 0, i);
    }
}

/* The worst case: a file shows, the next step fails, and it cannot be hidden again. Nothing is written twice. */
static void writes_nothing_twice(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 10);
    add_event(batch);
    memset(&fault, 0, sizeof fault);
    fault.rename_in = 2; /* the second file, then hiding the first */
    fault.rename_times = 2;
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
    CU_ASSERT_EQUAL(look(dir).rows, 10);
    add_metrics(batch, 5);
    add_event(batch);
    CU_ASSERT_EQUAL(outbox_rows(batch), 17);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.rows, 17);
    CU_ASSERT_EQUAL(s.files, 3);
    CU_ASSERT_EQUAL(s.temporaries, 0);
    CU_ASSERT_EQUAL(outbox_rows(batch), 0);
}

static void first_name(const char *dir, const char *end, char name[64])
{
    LB_AUTO_FREE char *path = base_printf("%s/lakebase_metrics", dir);
    DIR *d = opendir(path);
    name[0] = '\0';
    for (struct dirent *e; d && (e = readdir(d));)
        if (strstr(e->d_name, end))
            (void)snprintf(name, 64, "%.*s", (int)strcspn(e->d_name, "."), e->d_name); /* an id has no dot */
    if (d)
        (void)closedir(d); /* read only */
}

/* A reader may have committed a file between its showing and its hiding. Its id then means the rows that it had. */
static void an_id_that_was_seen_means_the_same_rows_for_ever(void)
{
    lb_error err = {0};
    char before[64], after[80];
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 10);
    memset(&fault, 0, sizeof fault);
    fault.fsync_in = 3; /* its new directory, the file; then the names, which are shown by now */
    fault.fsync_times = 1;
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
    CU_ASSERT_EQUAL(fault.renames, 2);
    first_name(dir, ".tmp", before);
    CU_ASSERT(before[0]);
    add_metrics(batch, 5);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    survey s = look(dir), one = {0};
    CU_ASSERT_EQUAL(s.files, 2);
    CU_ASSERT_EQUAL(s.rows, 15);
    (void)snprintf(after, sizeof after, "%s.ndjson", before);
    LB_AUTO_FREE char *path = base_printf("%s/lakebase_metrics/%s", dir, after);
    survey_file(&one, "lakebase_metrics", path);
    CU_ASSERT_EQUAL(one.rows, 10);
}

static void a_failed_spill_keeps_the_batch(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    BATCH batch = outbox_batch_new(dir, "R1", 2048);
    add_metrics(batch, 5);
    memset(&fault, 0, sizeof fault);
    fault.fsync_in = 2; /* after the one for the new directory */
    fault.fsync_times = 1000;
    int64_t kept = 0;
    int failures = 0;
    for (int i = 0; i < 50; i++) {
        kept = outbox_rows(batch);
        if (outbox_add(batch, "lakebase_metrics", METRIC(i, "n"), &target, &err) == 0)
            continue;
        failures++;
        CU_ASSERT_EQUAL(outbox_rows(batch), kept);
    }
    CU_ASSERT(failures > 10);
    ASSERT_CONTAINS(err.message, "outbox: cannot sync");
    memset(&fault, 0, sizeof fault);
    kept = outbox_rows(batch);
    add_metrics(batch, 50);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).rows, kept + 50);
}

static void needs_permission(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    bool root = geteuid() == 0;
    CU_ASSERT_EQUAL(chmod(dir, 0500), 0);
    if (root && seteuid(65534) != 0) {
        printf("skipped: cannot become another user: %s\n", strerror(errno));
        return;
    }
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 2);
    int r = outbox_commit(batch, &err);
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT_EQUAL(r, LB_ERR_DENIED);
    ASSERT_TEXT(err.hint, "give this user the permission, or choose another directory");
    CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).rows, 2);
}

/* A small file system of its own, in a mount namespace of its own; false where that is not allowed. */
static bool mount_small(const char *dir)
{
    static bool own;
    if (!own && (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)) {
        printf("skipped: no mount namespace: %s\n", strerror(errno));
        return false;
    }
    own = true;
    if (mount("none", dir, "tmpfs", 0, "size=1m,mode=0700") != 0) {
        printf("skipped: cannot mount: %s\n", strerror(errno));
        return false;
    }
    return true;
}

static void survives_a_full_disk(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    if (!mount_small(dir))
        return;
    LB_AUTO_FREE char *ballast = base_printf("%s/ballast", dir), *zeros = base_alloc(614400);
    CU_ASSERT_EQUAL(fs_write_durable(ballast, zeros, 614400, 0600, &err), 0);

    outbox_batch *batch = outbox_batch_new(dir, "R1", 65536); /* spills, and one of the spills fails */
    int r = 0, added = 0;
    while (added < 20000 && (r = outbox_add(batch, "lakebase_metrics", METRIC(added, "ratio"), &target, &err)) == 0)
        added++;
    CU_ASSERT_EQUAL(r, LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "No space left on device");
    ASSERT_TEXT(err.hint, "free space on that disk; nothing that was acknowledged is lost");
    CU_ASSERT_EQUAL(outbox_rows(batch), added);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
    CU_ASSERT_EQUAL(look(dir).files, 0);

    CU_ASSERT_EQUAL(unlink(ballast), 0);
    add_metrics(batch, 100);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    survey s = look(dir);
    CU_ASSERT_EQUAL(s.rows, added + 100);
    CU_ASSERT_EQUAL(s.temporaries, 0);
    (void)outbox_batch_free(batch); /* always NULL */
    CU_ASSERT_EQUAL(umount2(dir, MNT_DETACH), 0);
}

static void survives_a_read_only_disk(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    if (!mount_small(dir))
        return;
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_metrics(batch, 10);
    CU_ASSERT_EQUAL(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "Read-only file system");
    ASSERT_CONTAINS(err.hint, "the file system is read-only");
    CU_ASSERT_EQUAL(mount("none", dir, "tmpfs", MS_REMOUNT, NULL), 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).rows, 10);
    CU_ASSERT_EQUAL(umount2(dir, MNT_DETACH), 0);
}

static void survives_a_file_size_limit(void)
{
    lb_error err = {0};
    SCRATCH dir = scratch_new();
    struct rlimit before, small = {.rlim_cur = 10000};
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    BATCH batch = outbox_batch_new(dir, "R1", 1 << 20);
    add_event(batch); /* fits, and must not show either */
    add_metrics(batch, 1000);
    fflush(stdout);
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r = outbox_commit(batch, &err);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    CU_ASSERT_EQUAL(r, LB_ERR_IO);
    ASSERT_CONTAINS(err.hint, "ulimit -f");
    CU_ASSERT_EQUAL(look(dir).files, 0);
    CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
    CU_ASSERT_EQUAL(look(dir).rows, 1001);
}

SUITE(outbox_faults, TEST(retries_after_any_fault), TEST(writes_nothing_twice),
      TEST(an_id_that_was_seen_means_the_same_rows_for_ever), TEST(a_failed_spill_keeps_the_batch),
      TEST(needs_permission), TEST(survives_a_full_disk), TEST(survives_a_read_only_disk),
      TEST(survives_a_file_size_limit))
