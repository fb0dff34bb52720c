/* Loaded before the C library (LD_PRELOAD): counts the calls of a process that change something on a disk, and ends the
 * process, or fills the disk, at one of them.
 *
 *   LBOPS_KILL_AT=N   the process is killed instead of making its Nth such call
 *   LBOPS_FULL_AT=N   from the Nth on, every call that needs room fails with ENOSPC
 *   LBOPS_CALLS=FILE  how many there were is written there when the process ends by itself
 *
 * Calls on standard streams do not count. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static long setting(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* True: the disk is full for this call. */
static int count_call(int needs_room)
{
    long n = atomic_fetch_add(&calls, 1) + 1, kill_at = setting("LBOPS_KILL_AT"), full_at = setting("LBOPS_FULL_AT");
    if (kill_at && n >= kill_at)
        (void)kill(getpid(), SIGKILL); /* the end */
    if (full_at && n >= full_at && needs_room) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("LBOPS_CALLS");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    (void)fprintf(f, "%ld\n", atomic_load(&calls)); /* the reader sees what is missing */
    (void)fclose(f);
}

/* The next definition of the function after this one. */
#define REAL(type, name)                                                                                               \
    static type real;                                                                                                  \
    if (!real)                                                                                                         \
    *(void **)(&real) = dlsym(RTLD_NEXT, name)

#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        typedef int (*opener)(const char *, int, ...);                                                                 \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                                                      \
        va_end(args);                                                                                                  \
        REAL(opener, #name);                                                                                           \
        return (flags & O_CREAT) && count_call(1) ? -1 : real(path, flags, mode);                                      \
    }
OPENS(open)
OPENS(open64)

#define WRITES(name, offset_type)                                                                                      \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset)                                          \
    {                                                                                                                  \
        typedef ssize_t (*writer)(int, const void *, size_t, offset_type);                                             \
        REAL(writer, #name);                                                                                           \
        return fd > 2 && count_call(1) ? -1 : real(fd, data, length, offset);                                          \
    }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length)
{
    typedef ssize_t (*writer)(int, const void *, size_t);
    REAL(writer, "write");
    return fd > 2 && count_call(1) ? -1 : real(fd, data, length);
}

#define ON_TWO_PATHS(name, needs_room)                                                                                 \
    int name(const char *from, const char *to)                                                                         \
    {                                                                                                                  \
        typedef int (*function)(const char *, const char *);                                                           \
        REAL(function, #name);                                                                                         \
        return count_call(needs_room) ? -1 : real(from, to);                                                           \
    }
ON_TWO_PATHS(rename, 1)
ON_TWO_PATHS(link, 1)

#define ON_PATH(name)                                                                                                  \
    int name(const char *path)                                                                                         \
    {                                                                                                                  \
        typedef int (*function)(const char *);                                                                         \
        REAL(function, #name);                                                                                         \
        return count_call(0) ? -1 : real(path);                                                                        \
    }
ON_PATH(unlink)
ON_PATH(rmdir)
ON_PATH(remove)

int mkdir(const char *path, mode_t mode)
{
    typedef int (*function)(const char *, mode_t);
    REAL(function, "mkdir");
    return count_call(1) ? -1 : real(path, mode);
}

#define ON_FILE(name)                                                                                                  \
    int name(int fd)                                                                                                   \
    {                                                                                                                  \
        typedef int (*function)(int);                                                                                  \
        REAL(function, #name);                                                                                         \
        return count_call(1) ? -1 : real(fd);                                                                          \
    }
ON_FILE(fsync)
ON_FILE(fdatasync)

#define CUTS(name, offset_type)                                                                                        \
    int name(int fd, offset_type length)                                                                               \
    {                                                                                                                  \
        typedef int (*function)(int, offset_type);                                                                     \
        REAL(function, #name);                                                                                         \
        return count_call(0) ? -1 : real(fd, length);                                                                  \
    }
CUTS(ftruncate, off_t)
CUTS(ftruncate64, off64_t)
