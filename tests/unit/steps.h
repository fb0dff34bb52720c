/* steps.h: the program's own definitions of the system calls that change files and directories come before the C
 * library's: each can be the last that its process makes, and nothing reaches a disk, which makes thousands of rounds
 * cheap. For one source file of a test program. */
#ifndef LBOPS_TESTS_STEPS_H
#define LBOPS_TESTS_STEPS_H

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    int count, last; /* last: the step at which this process dies; 0: none */
    bool after;      /* once the call has been made */
    bool no_links;   /* link() is refused */
    int fsyncs;
    int failing_fsync; /* the one that fails, from 1 */
} step;

static bool begin_step(void)
{
    step.count++;
    if (step.count == step.last && !step.after)
        (void)raise(SIGKILL);
    return true;
}

static int end_step(long result)
{
    if (step.count == step.last && step.after)
        (void)raise(SIGKILL);
    return (int)result;
}

int fsync(int fd)
{
    (void)fd;
    (void)begin_step();
    if (++step.fsyncs == step.failing_fsync) {
        errno = EIO;
        return end_step(-1);
    }
    return end_step(0);
}

int rename(const char *from, const char *to)
{
    (void)begin_step();
    return end_step(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int link(const char *from, const char *to)
{
    (void)begin_step();
    if (step.no_links) {
        errno = EPERM;
        return end_step(-1);
    }
    return end_step(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char *path)
{
    (void)begin_step();
    return end_step(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int unlinkat(int fd, const char *path, int flags)
{
    (void)begin_step();
    return end_step(syscall(SYS_unlinkat, fd, path, flags));
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    (void)begin_step();
    ssize_t n = syscall(SYS_pwrite64, fd, data, length, offset);
    return end_step(0), n;
}

ssize_t write(int fd, const void *data, size_t length)
{
    (void)begin_step();
    ssize_t n = syscall(SYS_write, fd, data, length);
    return end_step(0), n;
}

int ftruncate(int fd, off_t length)
{
    (void)begin_step();
    return end_step(syscall(SYS_ftruncate, fd, length));
}

int mkdir(const char *path, mode_t mode)
{
    (void)begin_step();
    return end_step(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (flags & O_CREAT)
        (void)begin_step();
    long fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    return flags & O_CREAT ? end_step(fd) : (int)fd;
}

/* True when the child died at the step; false when it came to its end before that. */
static inline bool dies_at(void (*what)(const char *dir), const char *dir, int last, bool after)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        step.count = 0;
        step.last = last;
        step.after = after;
        what(dir);
        _exit(0);
    }
    CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        return true;
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    return false;
}

#endif
