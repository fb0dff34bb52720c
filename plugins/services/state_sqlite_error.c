/* What SQLite says, as our errors with a way out. */
#include "state_sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LOCK_LINE 256

void store_log(const store *s, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    s->host->vlog(level, fmt, args);
    va_end(args);
}

/* ---- damage ---- */

/* The way out fits every kind of damage: the copy if there is one, else a new beginning that a person decides. */
int store_fail_damaged(store *s, const char *why, lb_error *err)
{
    char hint[sizeof err->hint], day[32] = "";
    struct stat copy;
    struct tm when;
    if (stat(s->copy_path, &copy) == 0 && gmtime_r(&copy.st_mtime, &when))
        (void)strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &when); /* fits */
    const char *name = strrchr(s->path, '/') + 1;
    if (*day)
        (void)snprintf(hint, sizeof hint, /* a long name is cut */
                       "stop lbops; there: mkdir bad; mv %.30s %.30s-* bad; cp %.30s.copy %.30s (the copy of %.20s)",
                       name, name, name, name, day);
    else
        (void)snprintf(hint, sizeof hint, /* as above */
                       "restore %.60s from a backup; there is no copy of ours. To begin anew, with nothing remembered: "
                       "mv all of %.60s* away",
                       name, name);
    if (s->damage.code == 0)
        (void)lb_fail(&s->damage, LB_ERR_IO, hint, "%s is damaged: %s", s->path, why); /* fills it */
    *err = s->damage;
    return err->code;
}

/* ---- locks ---- */

/* The process that holds SQLite's write lock. /proc/locks is asked, because opening and closing the file here would
 * drop SQLite's own locks on it. Byte 120 of the -shm file is the lock of the one writer. 0: not to be seen. */
static long look_for_writer(const store *s)
{
    char shm[4096], line[LOCK_LINE], wanted[64];
    struct stat st;
    long pid, found = 0;
    (void)snprintf(shm, sizeof shm, "%s-shm", s->path); /* a longer path could not have been opened */
    if (stat(shm, &st) != 0)
        return 0;
    (void)snprintf(wanted, sizeof wanted, " %02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev), st.st_ino); /* fits */
    FILE *locks = fopen("/proc/locks", "re");
    while (locks && !found && fgets(line, sizeof line, locks)) {
        const char *at = strstr(line, " WRITE "), *inode = strstr(line, wanted);
        if (!at || !inode || strstr(line, "->"))
            continue;
        long from = strtol(inode + strlen(wanted), NULL, 10);
        pid = strtol(at + strlen(" WRITE "), NULL, 10);
        if (from == 120 && pid != getpid())
            found = pid;
    }
    if (locks)
        (void)fclose(locks); /* it was read only */
    return found;
}

/* The kernel hands its locks over in pieces: one that others make or drop between two of them can hide a line. */
static long find_writer(const store *s)
{
    long pid = 0;
    for (int look = 0; look < 5 && pid == 0; look++)
        pid = look_for_writer(s);
    return pid;
}

static void name_process(long pid, char *into, size_t size)
{
    char path[64], name[32] = "?";
    (void)snprintf(path, sizeof path, "/proc/%ld/comm", pid); /* fits */
    FILE *comm = fopen(path, "re");
    if (comm && fgets(name, sizeof name, comm))
        name[strcspn(name, "\n")] = '\0';
    if (comm)
        (void)fclose(comm);                                       /* as above */
    (void)snprintf(into, size, "process %ld (%.20s)", pid, name); /* short */
}

static int fail_locked(const store *s, const char *what, lb_error *err)
{
    char who[64] = "another process", hint[sizeof err->hint];
    long pid = find_writer(s);
    if (pid > 0)
        name_process(pid, who, sizeof who);
    (void)snprintf(hint, sizeof hint, "%s is writing to it: wait for it, or end it", who); /* fits */
    return lb_fail(err, LB_ERR_TIMEOUT, hint, "%s: %s is locked", what, s->path);
}

/* ---- all of them ---- */

/* SQLite forgets the number when a commit fails; the system's own is still there then. */
static int system_error(const store *s)
{
    int own = errno, number = sqlite3_system_errno(s->db);
    return number ? number : own;
}

static bool is_full(int primary, int number)
{
    return primary == SQLITE_FULL ||
           (primary == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT || number == EFBIG));
}

static int fail_other(const store *s, const char *what, int code, int number, lb_error *err)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return lb_fail(err, LB_ERR_NO_MEMORY, "give the service more memory", "%s: out of memory", what);
    case SQLITE_TOOBIG:
        return lb_fail(err, LB_ERR_LIMIT, "keep it smaller", "%s: a value is too large", what);
    case SQLITE_CONSTRAINT:
        return lb_fail(err, LB_ERR_INVALID, "a body is one JSON document", "%s: a body is not JSON", what);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return lb_fail(err, LB_ERR_DENIED, "is the file system read-only, or the file another user's?",
                       "%s: %s cannot be written", what, s->path);
    default:
        return lb_fail(err, LB_ERR_IO, "look at the disk and at the system's log", "%s: %s: %s%s%s", what, s->path,
                       sqlite3_errmsg(s->db), number ? ": " : "", number ? strerror(number) : "");
    }
}

int store_fail(store *s, const char *what, lb_error *err)
{
    int number = system_error(s), code = sqlite3_extended_errcode(s->db), primary = code & 0xff;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return s->cancelled ? lb_fail(err, LB_ERR_CANCELLED, NULL, "%s: cancelled", what) : fail_locked(s, what, err);
    if (primary == SQLITE_INTERRUPT)
        return lb_fail(err, s->cancelled ? LB_ERR_CANCELLED : LB_ERR_TIMEOUT,
                       s->cancelled ? NULL : "give it more time, or ask for less at once", "%s: %s", what,
                       s->cancelled ? "cancelled" : "the deadline passed");
    if (is_full(primary, number))
        return lb_fail(err, LB_ERR_LIMIT,
                       "free space on that disk (or raise the quota or file size limit); it goes on by itself then",
                       "%s: there is no room for %s", what, s->path);
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return store_fail_damaged(s, sqlite3_errmsg(s->db), err);
    return fail_other(s, what, code, number, err);
}
