/* A copy of the store beside it, some hours old at most: what remains when the store itself is damaged.
 *
 * It is made by a thread with a connection of its own, so that no batch waits for it: VACUUM INTO reads one consistent
 * state while batches go on. It takes the place of the former copy only after it has been checked and is on disk. The
 * thread touches nothing but its own store_copy. */
#include "state_sqlite.h"

#include "state_sqlite_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY (600 * STORE_SECOND)

struct store_copy {
    pthread_t thread;
    sqlite3 *from, *into; /* opened and closed by the store's thread, so that it can interrupt them */
    char *fresh, *path;   /* where it is made, where it goes */
    atomic_bool done;
    int code;          /* what SQLite said */
    int number;        /* errno of what the system said */
    char message[200]; /* "" when all went well */
};

/* ---- in the thread ---- */

static bool note(store_copy *c, sqlite3 *db, int code, const char *what)
{
    c->code = code;
    (void)snprintf(c->message, sizeof c->message, "%s: %s", what, sqlite3_errmsg(db)); /* a long one is cut */
    return false;
}

static bool note_errno(store_copy *c, const char *what)
{
    c->number = errno;
    (void)snprintf(c->message, sizeof c->message, "%s: %s", what, strerror(c->number)); /* short */
    return false;
}

static bool copy_pages(store_copy *c)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(c->from, state_sqlite_sql_copy, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, c->fresh, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    bool ok = code == SQLITE_DONE || note(c, c->from, code, "copying");
    (void)sqlite3_finalize(statement); /* says once more what step said */
    return ok;
}

static bool check_copy(store_copy *c)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(c->into, state_sqlite_sql_check, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    const char *answer = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool ok = answer && strcmp(answer, "ok") == 0;
    if (!ok)
        (void)note(c, c->into, code == SQLITE_ROW ? SQLITE_CORRUPT : code, "checking the copy"); /* says false */
    (void)sqlite3_finalize(statement); /* says once more what step said */
    return ok;
}

static bool make_durable(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd); /* nothing was written through it */
    return ok;
}

static bool put_in_place(store_copy *c)
{
    char directory[4200];
    (void)snprintf(directory, sizeof directory, "%s", c->path); /* a longer path could not be opened */
    *strrchr(directory, '/') = '\0';
    if (!make_durable(c->fresh, O_RDONLY) || rename(c->fresh, c->path) != 0 ||
        !make_durable(*directory ? directory : "/", O_RDONLY | O_DIRECTORY))
        return note_errno(c, "keeping the copy");
    return true;
}

static void *make_copy(void *arg)
{
    store_copy *c = arg;
    if (!copy_pages(c) || !check_copy(c) || !put_in_place(c))
        (void)unlink(c->fresh); /* the next one is made under the same name anyway */
    atomic_store(&c->done, true);
    return NULL;
}

/* ---- in the store's own thread ---- */

static store_copy *free_copy(store_copy *c)
{
    (void)sqlite3_close_v2(c->from); /* these close later if something is still open, which nothing is */
    (void)sqlite3_close_v2(c->into);
    free(c->fresh);
    free(c->path);
    free(c);
    return NULL;
}

/* An empty file comes first, because SQLite would make it readable for others. */
static bool open_files(const store *s, store_copy *c)
{
    (void)unlink(c->fresh); /* what a killed process left */
    int fd = open(c->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return note_errno(c, "making the copy");
    (void)close(fd); /* nothing was written */
    int code = sqlite3_open_v2(s->path, &c->from, SQLITE_OPEN_READWRITE, NULL);
    if (code != SQLITE_OK)
        return note(c, c->from, code, "copying");
    code = sqlite3_open_v2(c->fresh, &c->into, SQLITE_OPEN_READWRITE, NULL);
    return code == SQLITE_OK || note(c, c->into, code, "copying");
}

static bool start_thread(store_copy *c)
{
    sigset_t all, before;
    (void)sigfillset(&all); /* cannot fail: signals are the main thread's */
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    int failed = pthread_create(&c->thread, NULL, make_copy, c);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask was valid a moment ago */
    return failed == 0;
}

static char *with_suffix(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *text = malloc(size);
    if (text)
        (void)snprintf(text, size, "%s%s", path, suffix); /* fits */
    return text;
}

static void start(store *s)
{
    store_copy *c = calloc(1, sizeof *c);
    if (!c)
        return; /* there is a next time */
    c->fresh = with_suffix(s->copy_path, ".new");
    c->path = with_suffix(s->copy_path, "");
    if (c->fresh && c->path && open_files(s, c) && start_thread(c)) {
        s->copy = c;
        return;
    }
    store_log(s, LB_LOG_WARN, "%s: no copy was made: %s", s->path, *c->message ? c->message : "out of memory");
    free_copy(c);
}

static void collect(store *s)
{
    const store_copy *c = s->copy;
    lb_error ignored;
    (void)pthread_join(c->thread, NULL); /* it is done */
    if (*c->message && c->code != SQLITE_INTERRUPT)
        store_log(s, LB_LOG_WARN, "%s: no copy was made: %s", s->path, c->message);
    if ((c->code & 0xff) == SQLITE_CORRUPT || (c->code & 0xff) == SQLITE_NOTADB)
        (void)store_fail_damaged(s, c->message, &ignored); /* every call says so from now on */
    s->copy = free_copy(s->copy);
}

/* A copy from the future, as a clock that was wrong makes it, counts as none. */
static bool is_due(const store *s)
{
    struct stat copy;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    if (stat(s->copy_path, &copy) != 0)
        return true;
    int64_t age = (int64_t)(now.tv_sec - copy.st_mtime);
    return age < 0 || age >= s->copy_every / STORE_SECOND;
}

void store_copy_when_due(store *s)
{
    int64_t now = s->host->now();
    if (s->copy && atomic_load(&s->copy->done))
        collect(s);
    if (s->copy_every == 0 || s->copy || now < s->next_look)
        return;
    s->next_look = now + (s->copy_every < LOOK_EVERY ? s->copy_every : LOOK_EVERY);
    if (is_due(s))
        start(s);
}

void store_copy_end(store *s, int64_t patience_us)
{
    struct timespec until;
    if (!s->copy)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
    int64_t ends = (int64_t)until.tv_nsec / 1000 + patience_us;
    until.tv_sec += (time_t)(ends / STORE_SECOND);
    until.tv_nsec = (long)(ends % STORE_SECOND * 1000);
    if (pthread_clockjoin_np(s->copy->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
        sqlite3_interrupt(s->copy->from);
        sqlite3_interrupt(s->copy->into);
        (void)pthread_join(s->copy->thread, NULL); /* cannot fail */
    }
    s->copy = free_copy(s->copy);
}
