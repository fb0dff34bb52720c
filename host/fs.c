#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static const char *hint_for(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return "free space on that disk; nothing that was acknowledged is lost";
    case EROFS:
        return "the file system is read-only: choose another directory ([workspace] state_dir or LBOPS_STATE_DIR)";
    case EACCES:
    case EPERM:
        return "give this user the permission, or choose another directory";
    case ENOENT:
        return "check the path for a typing error";
    case EISDIR:
        return "name a file, not a directory";
    case ENOTDIR:
        return "a part of the path is a file";
    case EMFILE:
    case ENFILE:
        return "raise the limit of open files (ulimit -n)";
    case EFBIG:
        return "raise the file size limit (ulimit -f)";
    default:
        return "";
    }
}

int fs_fail(lb_error *err, int error_number, const char *what, const char *path)
{
    int code = error_number == ENOENT                            ? LB_ERR_NOT_FOUND
               : error_number == EACCES || error_number == EPERM ? LB_ERR_DENIED
                                                                 : LB_ERR_IO;
    return lb_fail(err, code, hint_for(error_number), "cannot %s %s: %s", what, path, strerror(error_number));
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return base_strdup(".");
    return slash == path ? base_strdup("/") : base_printf("%.*s", (int)(slash - path), path);
}

/* One directory, and its entry in the one above made durable. */
static int make_dir(const char *path, lb_error *err)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : fs_fail(err, errno, "create directory", path);
    LB_AUTO_FREE char *above = directory_of(path);
    return fs_sync_dir(above, err);
}

int fs_make_dirs(const char *path, lb_error *err)
{
    LB_AUTO_FREE char *partial = base_strdup(path);
    for (char *p = partial; *p; p++) {
        if (*p != '/' || p == partial || p[1] == '/' || p[1] == '\0')
            continue;
        *p = '\0';
        int r = make_dir(partial, err);
        if (r < 0)
            return r;
        *p = '/';
    }
    for (size_t n = strlen(partial); n > 1 && partial[n - 1] == '/'; n--)
        partial[n - 1] = '\0'; /* so that the directory above is found */
    int r = make_dir(partial, err);
    if (r < 0)
        return r;
    struct stat st;
    if (stat(path, &st) != 0)
        return fs_fail(err, errno, "look at", path);
    return S_ISDIR(st.st_mode) ? 0 : fs_fail(err, ENOTDIR, "use as a directory", path);
}

static int read_all(int fd, const char *path, buf *into, lb_error *err)
{
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fs_fail(err, errno, "read", path);
        if (n == 0)
            return 0;
        buf_put(into, chunk, (size_t)n);
        if (into->overflow)
            return lb_fail(err, LB_ERR_LIMIT, "is it the right file?", "%s is longer than %zu bytes", path,
                           into->limit);
    }
}

int fs_read(const char *path, size_t limit, char **ret_text, size_t *ret_length, lb_error *err)
{
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fs_fail(err, errno, "open", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fs_fail(err, errno, "look at", path);
    if (S_ISDIR(st.st_mode))
        return fs_fail(err, EISDIR, "read", path);
    buf content = BUF_INIT(limit);
    int r = read_all(fd, path, &content, err);
    if (r < 0) {
        buf_done(&content);
        return r;
    }
    buf_put(&content, "", 0); /* an empty file is an empty text, not NULL */
    *ret_length = content.length;
    *ret_text = content.data;
    return 0;
}

static int write_all(int fd, const char *path, const char *data, size_t length, lb_error *err)
{
    while (length) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fs_fail(err, errno, "write", path);
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

int fs_sync_dir(const char *path, lb_error *err)
{
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fs_fail(err, errno, "open directory", path);
    return fsync(fd) == 0 ? 0 : fs_fail(err, errno, "sync directory", path);
}

int fs_check_place(const char *path, lb_error *err)
{
    struct stat st;
    LB_AUTO_FREE char *directory = directory_of(path);
    if (stat(directory, &st) != 0)
        return fs_fail(err, errno, "create", path);
    if (!S_ISDIR(st.st_mode))
        return fs_fail(err, ENOTDIR, "create", path);
    if (access(directory, W_OK | X_OK) != 0)
        return fs_fail(err, errno, "create", path);
    bool is_directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return is_directory ? fs_fail(err, EISDIR, "rename into", path) : 0;
}

int fs_write_durable(const char *path, const void *data, size_t length, unsigned mode, lb_error *err)
{
    LB_AUTO_FREE char *temporary = base_printf("%s.%ld.tmp", path, (long)getpid());
    LB_AUTO_FREE char *directory = directory_of(path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0)
        return fs_fail(err, errno, "create", path); /* nobody asked for the other name */
    int r = write_all(fd, path, data, length, err);
    if (r == 0 && fsync(fd) != 0)
        r = fs_fail(err, errno, "sync", path);
    if (close(fd) != 0 && r == 0)
        r = fs_fail(err, errno, "close", path);
    if (r == 0 && rename(temporary, path) != 0)
        r = fs_fail(err, errno, "rename into", path);
    if (r < 0) {
        (void)unlink(temporary); /* the failure to report is the first one */
        return r;
    }
    return fs_sync_dir(directory, err);
}

static int check_one(const char *path, lb_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fs_fail(err, errno, "look at", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return lb_fail(err, LB_ERR_DENIED, "let root or this user own it",
                       "%s belongs to user %u, whom we need not trust", path, (unsigned)st.st_uid);
    bool sticky_dir = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
    if ((st.st_mode & S_IWOTH) && !sticky_dir)
        return lb_fail(err, LB_ERR_DENIED, "chmod o-w it", "%s can be written by everybody", path);
    if ((st.st_mode & S_IWGRP) && st.st_gid != 0 && st.st_gid != getegid() && !sticky_dir)
        return lb_fail(err, LB_ERR_DENIED, "chmod g-w it", "%s can be written by a foreign group", path);
    return 0;
}

int fs_check_trusted(const char *path, lb_error *err)
{
    LB_AUTO_FREE char *real = realpath(path, NULL); /* a link's target counts as much as the link */
    if (!real)
        return fs_fail(err, errno, "look at", path);
    LB_AUTO_FREE char *directory = directory_of(path);
    LB_AUTO_FREE char *real_directory = directory_of(real);
    int r = check_one(directory, err);
    if (r == 0)
        r = check_one(real_directory, err);
    return r < 0 ? r : check_one(real, err);
}
