/* What lies in the outbox: finishing, sweeping and counting it. */
#include "outbox.h"

#include "clock.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

typedef int (*visitor)(int above, const char *name, void *arg);

/* Calls visit for each entry of DIR's directories; it returns 0 or a negative errno. */
static int visit_directory(int above, const char *name, visitor visit, void *arg)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 : -errno;
    DIR *d = fdopendir(fd);
    if (!d) {
        int r = -errno;
        (void)close(fd); /* read only */
        return r;
    }
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (e->d_name[0] != '.')
            r = visit(dirfd(d), e->d_name, arg);
    (void)closedir(d); /* read only */
    return r;
}

typedef struct walk {
    visitor visit;
    void *arg;
} walk;

static int visit_table(int above, const char *name, void *arg)
{
    const walk *w = arg;
    return visit_directory(above, name, w->visit, w->arg);
}

static int visit_files(const char *dir, const char *what, visitor visit, void *arg, lb_error *err)
{
    LB_AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fs_fail(err, errno, what, dir);
    walk w = {visit, arg};
    int r = visit_directory(fd, ".", visit_table, &w);
    return r < 0 ? fs_fail(err, -r, what, dir) : 0;
}

/* The pid in "<id>.<pid>.tmp", or 0: a name that is not ours. */
static pid_t writer_of(const char *name)
{
    size_t length = strlen(name), mark = strlen(OUTBOX_UNFINISHED);
    if (length <= mark || strcmp(name + length - mark, OUTBOX_UNFINISHED) != 0)
        return 0;
    size_t end = length - mark, start = end;
    while (start && name[start - 1] >= '0' && name[start - 1] <= '9')
        start--;
    if (start == end || end - start > 9 || !start || name[start - 1] != '.')
        return 0;
    return (pid_t)strtol(name + start, NULL, 10);
}

/* The name of a temporary file of that id in the table's directory: true, and it is in *ret_path. */
static int find_unfinished(const char *dir, const char *table, const char *id, char **ret_path, lb_error *err)
{
    LB_AUTO_FREE char *directory = base_printf("%s/%s", dir, table);
    size_t length = strlen(id);
    DIR *d = opendir(directory);
    if (!d)
        return errno == ENOENT ? 0 : fs_fail(err, errno, "open directory", directory);
    for (struct dirent *e; !*ret_path && (e = readdir(d));)
        if (strncmp(e->d_name, id, length) == 0 && e->d_name[length] == '.' && writer_of(e->d_name) > 0)
            *ret_path = base_printf("%s/%s", directory, e->d_name);
    (void)closedir(d); /* was only read */
    return *ret_path != NULL;
}

int outbox_is_unfinished(const char *dir, const char *table, const char *id, lb_error *err)
{
    LB_AUTO_FREE char *path = NULL;
    return find_unfinished(dir, table, id, &path, err);
}

int outbox_finish(const char *dir, const char *table, const char *id, lb_error *err)
{
    LB_AUTO_FREE char *path = NULL, *directory = base_printf("%s/%s", dir, table),
                      *final = base_printf("%s/%s" OUTBOX_VISIBLE, directory, id);
    int r = find_unfinished(dir, table, id, &path, err);
    if (r <= 0)
        return r;
    if (rename(path, final) != 0)
        return fs_fail(err, errno, "rename into", final);
    r = fs_sync_dir(directory, err);
    return r < 0 ? r : 1;
}

typedef struct search {
    const char *text;
    int64_t since;
    bool found;
} search;

static int search_file(int above, const char *name, void *arg)
{
    search *s = arg;
    struct stat st;
    size_t length = strlen(name), mark = strlen(OUTBOX_VISIBLE);
    if (s->found || length <= mark || strcmp(name + length - mark, OUTBOX_VISIBLE) != 0)
        return 0;
    LB_AUTO_FD int fd = openat(above, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return errno == ENOENT ? 0 : -errno; /* its reader may have taken it just now */
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_mtim.tv_sec < s->since / CLOCK_SECOND)
        return 0;
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    s->found = memmem(bytes, (size_t)st.st_size, s->text, strlen(s->text)) != NULL;
    (void)munmap(bytes, (size_t)st.st_size); /* it was read only */
    return 0;
}

int outbox_holds(const char *dir, const char *table, const char *text, int64_t since, lb_error *err)
{
    LB_AUTO_FREE char *directory = base_printf("%s/%s", dir, table);
    search s = {.text = text, .since = since};
    int r = visit_directory(AT_FDCWD, directory, search_file, &s);
    return r < 0 ? fs_fail(err, -r, "look through", directory) : s.found;
}

static int sweep_file(int above, const char *name, void *arg)
{
    struct stat st;
    int *removed = arg;
    pid_t writer = writer_of(name);
    if (writer <= 0 || kill(writer, 0) == 0 || errno != ESRCH)
        return 0;
    if (fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 1)
        return 0;
    if (unlinkat(above, name, 0) == 0)
        (*removed)++;
    else if (errno != ENOENT)
        return -errno;
    return 0;
}

int outbox_sweep_directory(const char *dir, lb_error *err)
{
    int removed = 0;
    int r = visit_directory(AT_FDCWD, dir, sweep_file, &removed);
    return r < 0 ? fs_fail(err, -r, "sweep", dir) : removed;
}

int outbox_sweep(const char *dir, lb_error *err)
{
    int removed = 0;
    int r = visit_files(dir, "sweep", sweep_file, &removed, err);
    return r < 0 ? r : removed;
}

static int add_size(int above, const char *name, void *arg)
{
    int64_t *bytes = arg;
    struct stat st;
    if (fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno; /* its reader may have taken it just now */
    if (S_ISREG(st.st_mode))
        *bytes += st.st_size;
    return 0;
}

int outbox_size(const char *dir, int64_t *ret_bytes, lb_error *err)
{
    int64_t bytes = 0;
    int r = visit_files(dir, "look through", add_size, &bytes, err);
    if (r == 0)
        *ret_bytes = bytes;
    return r;
}
