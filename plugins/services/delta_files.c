/* Files of the delta services: made, synced and read so that a failure names the path and what to do. */
#include "delta_base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int delta_fail_errno(lb_error *err, int error_number, const char *what, const char *path)
{
    int code = LB_ERR_IO;
    const char *hint = NULL;
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        hint = "make room on that disk; what waits in the outbox is committed then";
        break;
    case EROFS:
        hint = "the file system is read-only";
        break;
    case EACCES:
    case EPERM:
        code = LB_ERR_DENIED;
        hint = "let this user write there";
        break;
    case ENOENT:
        code = LB_ERR_NOT_FOUND;
        break;
    default:
        break;
    }
    return lb_fail(err, code, hint, "cannot %s %s: %s", what, path, strerror(error_number));
}

int delta_sync(const char *path, lb_error *err)
{
    DELTA_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return delta_fail_errno(err, errno, "open", path);
    return fsync(fd) == 0 ? 0 : delta_fail_errno(err, errno, "sync", path);
}

int delta_make_dir(const char *path, lb_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : delta_fail_errno(err, ENOTDIR, "use", path);
    DELTA_AUTO_FREE char *above = delta_strdup(path);
    char *slash = strrchr(above, '/');
    if (slash && slash != above) {
        *slash = '\0';
        int r = delta_make_dir(above, err);
        if (r < 0)
            return r;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return delta_fail_errno(err, errno, "make", path);
    return slash && slash != above ? delta_sync(above, err) : 0;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

int delta_write(const char *path, const char *data, size_t length, lb_error *err)
{
    DELTA_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return delta_fail_errno(err, errno, "create", path);
    int problem = write_all(fd, data, length);
    if (problem == 0 && fsync(fd) != 0)
        problem = errno;
    if (problem == 0)
        return 0;
    (void)unlink(path); /* half a file helps nobody; if it stays, the vacuum takes it */
    return delta_fail_errno(err, problem, "write", path);
}

int delta_read(const char *path, char **ret_text, size_t *ret_length, lb_error *err)
{
    struct stat st;
    DELTA_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return delta_fail_errno(err, errno, "open", path);
    DELTA_TEXT text = {0};
    char block[16384];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return delta_fail_errno(err, errno, "read", path);
        if (n == 0)
            break;
        delta_text_put(&text, block, (size_t)n);
    }
    delta_text_put(&text, "", 0);
    *ret_text = text.data;
    *ret_length = text.length;
    text.data = NULL;
    return 0;
}
