/* Copies of a data directory whose server is stopped: shared blocks where the file system can, else plain ones. Runs as
 * the servers' user, in a child of its own. */
#include "local_keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define DEPTH 16 /* a data directory has four levels */

/* What belongs to the server that ran there, and the statistics, which a new compute has none of. */
static bool is_left_out(const char *above, const char *name)
{
    return strcmp(name, "postmaster.pid") == 0 || strcmp(name, "postmaster.opts") == 0 ||
           strcmp(above, "pg_stat") == 0 || strcmp(above, "pg_stat_tmp") == 0;
}

static bool copy_bytes(int from, int to)
{
    char chunk[65536];
    ssize_t n;
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    do
        n = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
    while (n > 0);
    if (n == 0)
        return true;
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return false;
    while ((n = read(from, chunk, sizeof chunk)) > 0)
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(to, chunk + done, (size_t)(n - done))) < 0)
                return false;
    return n == 0;
}

static bool copy_file(int from_dir, int to_dir, const char *name, mode_t mode)
{
    LB_AUTO_FD int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (to < 0)
        return false;
    bool ok = from >= 0 && copy_bytes(from, to);
    return close(to) == 0 && ok;
}

static bool copy_tree(int from, int to, const char *above, int depth);

static bool copy_entry(int from, int to, const char *above, const char *name, int depth)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISREG(st.st_mode))
        return is_left_out(above, name) || copy_file(from, to, name, st.st_mode & 0777);
    if (!S_ISDIR(st.st_mode))
        return false; /* a link to a table space elsewhere: a copy would share it */
    LB_AUTO_FD int below = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (below < 0 || mkdirat(to, name, 0700) != 0)
        return false;
    LB_AUTO_FD int copy = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return copy >= 0 && copy_tree(below, copy, name, depth + 1);
}

static bool copy_tree(int from, int to, const char *above, int depth)
{
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir closes it */
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *entry;
    bool ok = dir && depth < DEPTH;
    while (ok && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = copy_entry(from, to, above, entry->d_name, depth);
    if (dir)
        (void)closedir(dir); /* was only read */
    return ok;
}

struct copy {
    int from, to;
};

static bool copy(const void *arg)
{
    const struct copy *c = arg;
    return copy_tree(c->from, c->to, "", 0);
}

int local_copy(const local_cluster *c, int from, int to, lb_error *err)
{
    const struct copy both = {from, to};
    return local_as_server(c, copy, &both)
               ? 0
               : lb_fail(err, LB_ERR_IO, "is there room on the disk? table spaces elsewhere cannot be copied",
                         "cannot copy the data directory");
}

/* ---- directories of the servers' user ---- */

struct making {
    int above;
    const char *name;
};

static bool make(const void *arg)
{
    const struct making *m = arg;
    return mkdirat(m->above, m->name, 0700) == 0 || errno == EEXIST;
}

int local_make_dir(const local_cluster *c, int above, const char *name, lb_error *err)
{
    const struct making wanted = {above, name};
    if (!local_as_server(c, make, &wanted))
        return lb_fail(err, LB_ERR_IO, "is there room on the disk?", "cannot make the directory %s", name);
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : lb_fail(err, LB_ERR_IO, NULL, "cannot open the directory %s: %s", name, strerror(errno));
}

static bool touch(const void *arg)
{
    const struct making *m = arg;
    int fd = openat(m->above, m->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 && close(fd) == 0;
}

int local_touch(const local_cluster *c, int above, const char *name, lb_error *err)
{
    const struct making wanted = {above, name};
    return local_as_server(c, touch, &wanted)
               ? 0
               : lb_fail(err, LB_ERR_IO, "is there room on the disk?", "cannot write %s", name);
}

static bool empty(const void *arg)
{
    const struct making *m = arg;
    int fd = openat(m->above, m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* what stays is old figures */
    if (dir)
        (void)closedir(dir); /* was only read */
    return dir != NULL;
}

void local_drop_statistics(const local_cluster *c, int data)
{
    const struct making stats = {data, "pg_stat"};
    (void)local_as_server(c, empty, &stats); /* what stays is old figures */
}
