/* Calls and their statements: all of them are prepared once and kept. */
#include "state_sqlite.h"

#include <errno.h>
#include <poll.h>

#define LOOK_EVERY 5000 /* steps of SQLite's machine between two looks at the clock: well under a millisecond */

static bool should_stop(store *s)
{
    s->cancelled = s->host->cancelled();
    return s->cancelled || s->host->now() >= s->deadline;
}

static int look_at_clock(void *arg)
{
    return should_stop(arg);
}

/* SQLite's locks can be tried but not waited for. */
static int wait_for_lock(void *arg, int tries)
{
    static const int delays_ms[] = {1, 1, 2, 3, 5, 8, 13, 20};
    int last = (int)(sizeof delays_ms / sizeof delays_ms[0]) - 1;
    if (should_stop(arg))
        return 0;
    (void)poll(NULL, 0, delays_ms[tries < last ? tries : last]); /* a signal makes it shorter */
    return 1;
}

void store_watch(store *s)
{
    (void)sqlite3_busy_handler(s->db, wait_for_lock, s); /* cannot fail on an open connection */
    sqlite3_progress_handler(s->db, LOOK_EVERY, look_at_clock, s);
}

static bool is_in_place(const char *path, const struct stat *known)
{
    struct stat now;
    return stat(path, &now) == 0 && now.st_ino == known->st_ino && now.st_dev == known->st_dev;
}

/* A file that was moved or deleted under us would take batches and lose them. What was in the log until then is not
 * lost: we still have it open, and closing writes it into the database. */
static int check_in_place(store *s, lb_error *err)
{
    if (!is_in_place(s->path, &s->file))
        return lb_fail(err, LB_ERR_IO, "put it back where it was and start again",
                       "%s was moved, deleted or replaced while it was in use", s->path);
    if (s->wal.st_ino != 0 && !is_in_place(s->wal_path, &s->wal))
        return lb_fail(err, LB_ERR_IO, "stop lbops in an orderly way, which saves what was in it, and start again",
                       "%s was moved or deleted while it was in use", s->wal_path);
    return 0;
}

int store_begin_call(store *s, int64_t deadline, lb_error *err)
{
    if (s->damage.code < 0) {
        *err = s->damage;
        return err->code;
    }
    s->deadline = deadline;
    if (should_stop(s))
        return lb_fail(err, s->cancelled ? LB_ERR_CANCELLED : LB_ERR_TIMEOUT, NULL, "%s: %s", s->path,
                       s->cancelled ? "cancelled" : "there was no time left to begin");
    return check_in_place(s, err);
}

sqlite3_stmt *store_bind(store *s, store_statement which)
{
    return s->statements[which];
}

/* Texts live at least as long as the call that binds them. */
void store_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); /* of a parameter that is there: cannot fail */
}

int store_run(store *s, store_statement which, const char *what, lb_error *err)
{
    sqlite3_stmt *statement = s->statements[which];
    errno = 0; /* so that what it is after a failure is of that failure */
    int code = sqlite3_step(statement);
    int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : store_fail(s, what, err);
    (void)sqlite3_reset(statement); /* says once more what step said */
    return r;
}

int store_step(store *s, sqlite3_stmt *statement, const char *what, lb_error *err)
{
    errno = 0; /* so that what it is after a failure is of that failure */
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return code == SQLITE_ROW;
    return store_fail(s, what, err);
}

/* Some errors end the transaction by themselves. */
void store_roll_back(store *s)
{
    lb_error ignored;
    int64_t deadline = s->deadline;
    if (sqlite3_get_autocommit(s->db))
        return;
    s->deadline = INT64_MAX; /* a late call must be able to take back what it began */
    sqlite3_progress_handler(s->db, 0, NULL, NULL);
    if (store_run(s, STORE_ROLLBACK, "taking a batch back", &ignored) < 0)
        store_log(s, LB_LOG_ERROR, "%s", ignored.message);
    store_watch(s);
    s->deadline = deadline;
}
