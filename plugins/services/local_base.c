/* Bases for points in time: copies of a running server, to which the kept log is applied. */
#include "local_keeper.h"

#include "clock.h"
#include "fs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define BASE_AGE      (INT64_C(24) * 3600 * CLOCK_SECOND)
#define BASE_SEGMENTS 512 /* of 1 MB: a recovery reads so many, and a day's at most */

/* base-N: N is when it was complete, in microseconds. The newest that is not after `before`, or -1. */
int64_t base_find(int server_dir, int64_t before)
{
    int again = openat(server_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir closes it */
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *entry;
    int64_t best = -1;
    while (dir && (entry = readdir(dir))) {
        char *end = NULL;
        int64_t at = strncmp(entry->d_name, "base-", 5) == 0 ? strtoll(entry->d_name + 5, &end, 10) : -1;
        if (at > best && end && !*end && at <= before)
            best = at;
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    return best;
}

int base_backup(keeper *k, int from, int to, lb_error *err)
{
    LB_AUTO_FREE char *program = base_printf("%s/pg_basebackup", k->programs);
    static const char into[] = "/proc/self/fd/7", host[] = "/proc/self/fd/8";
    const char *const argv[] = {program,
                                "-D",
                                into,
                                "-h",
                                host,
                                "-p",
                                LOCAL_PORT,
                                "-U",
                                LOCAL_SUPERUSER,
                                "-X",
                                "stream",
                                "-c",
                                "fast",
                                "--no-sync",
                                "--no-manifest",
                                "--no-password",
                                NULL};
    const int dirs[] = {to, from, -1};
    static_assert(LOCAL_FD == 7, "the paths above name it");
    return server_run(k, argv, dirs, err);
}

static int64_t count_kept_log(const keeper *k)
{
    int fd = openat(k->server_dir, "wal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    int64_t count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        (void)closedir(dir); /* was only read */
    return count;
}

/* ---- what is older than the history goes ---- */

static void remove_base(const keeper *k, int64_t base)
{
    char name[40];
    (void)snprintf(name, sizeof name, "server/base-%lld", (long long)base); /* fits */
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, name);
    local_discard(&k->c, path);
}

/* "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)": the first file that a base needs. */
static bool first_file(const keeper *k, int64_t base, char ret_name[25])
{
    char text[512], path[80];
    (void)snprintf(path, sizeof path, "base-%lld/backup_label", (long long)base); /* fits */
    LB_AUTO_FD int fd = openat(k->server_dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    const char *file = strstr(text, "(file ");
    return file && sscanf(file, "(file %24[0-9A-F])", ret_name) == 1 && strlen(ret_name) == 24;
}

/* Names are a time line and a place; the place alone says what is older. */
static void remove_log_before(const keeper *k, const char *first)
{
    int fd = openat(k->server_dir, "wal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strspn(entry->d_name, "0123456789ABCDEF") >= 24 && strncmp(entry->d_name + 8, first + 8, 16) < 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* else the next time */
    if (dir)
        (void)closedir(dir); /* was only read */
}

/* The newest base that is older than the history reaches back is the first that is needed. */
static void forget_old(const keeper *k)
{
    char first[25];
    lb_error ignored;
    LOCAL_PROJECT p = {.lock = -1};
    if (local_look(&k->c, k->project, &p, &ignored) < 0)
        return;
    int64_t kept = local_seconds(doc_text(p.d, "project.status.history_retention_duration"));
    int64_t needed = kept > 0 ? base_find(k->server_dir, clock_now() - kept) : -1;
    if (needed < 0)
        return;
    for (int64_t older; (older = base_find(k->server_dir, needed - 1)) >= 0;) {
        remove_base(k, older);
        if (base_find(k->server_dir, needed - 1) == older)
            return; /* it cannot be removed: do not try for ever */
    }
    if (first_file(k, needed, first))
        remove_log_before(k, first);
}

int build_base(keeper *k, lb_error *err)
{
    int64_t newest = base_find(k->server_dir, INT64_MAX), now = clock_now();
    char name[40];
    if (newest >= 0 && now - newest < BASE_AGE)
        return 0;
    if (newest >= 0 && count_kept_log(k) < BASE_SEGMENTS)
        return 0;
    /* Under another name until it is complete. What an earlier attempt left would be in the way. */
    LB_AUTO_FREE char *left = local_branch_path(&k->c, k->project, k->directory, "server/base.new");
    local_discard(&k->c, left);
    LB_AUTO_FD int to = local_make_dir(&k->c, k->server_dir, "base.new", err);
    if (to < 0)
        return to;
    int r = base_backup(k, k->server_dir, to, err);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, "base-%lld", (long long)clock_now()); /* fits */
    if (renameat(k->server_dir, "base.new", k->server_dir, name) != 0)
        return fs_fail(err, errno, "rename to", name);
    forget_old(k);
    return 0;
}
