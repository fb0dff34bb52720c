/* Opening: a store is found whole, or made where there never was one, or refused. Beside the database lies a marker
 * with the store's id, written after the first commit. So a database that is missing, empty or another one is seen as
 * a loss, and never replaced by a new one. */
#include "state_sqlite.h"

#include "state_sqlite_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION INT64_C(1279414099) /* "LBOS": see layout.sql */
#define LAYOUT      1
#define ID_BYTES    16
#define ID_TEXT     (2 * ID_BYTES + 1)
#define MARKER      "lbops state "

int64_t store_boot_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t); /* cannot fail: Linux has it */
    return (int64_t)t.tv_sec * STORE_SECOND + t.tv_nsec / 1000;
}

static int fail_file(lb_error *err, const char *what, const char *path)
{
    int number = errno;
    int code = number == ENOSPC || number == EDQUOT || number == EFBIG ? LB_ERR_LIMIT
               : number == EACCES || number == EPERM                   ? LB_ERR_DENIED
               : number == ENOENT                                      ? LB_ERR_NOT_FOUND
                                                                       : LB_ERR_IO;
    return lb_fail(err, code, "check the state directory: its path, permissions and free space", "cannot %s %s: %s",
                   what, path, strerror(number));
}

static int read_boot(store *s, lb_error *err)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(s->boot, sizeof s->boot, file);
    if (file)
        (void)fclose(file); /* it was read only */
    s->boot[strcspn(s->boot, "\n")] = '\0';
    return ok ? 0 : fail_file(err, "read", path);
}

static int sync_directory(const store *s, lb_error *err)
{
    int fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd >= 0 && fsync(fd) == 0 ? 0 : fail_file(err, "make durable the directory", s->directory);
    if (fd >= 0)
        (void)close(fd); /* nothing was written through it */
    return r;
}

/* ---- the marker ---- */

/* Without a marker id is empty. */
static int read_marker(const store *s, char id[ID_TEXT], lb_error *err)
{
    char line[sizeof MARKER + ID_TEXT + 2] = "";
    id[0] = '\0';
    FILE *file = fopen(s->marker_path, "re");
    if (!file)
        return errno == ENOENT ? 0 : fail_file(err, "open", s->marker_path);
    bool ok = fgets(line, sizeof line, file) && strncmp(line, MARKER, strlen(MARKER)) == 0;
    (void)fclose(file); /* it was read only */
    line[strcspn(line, "\n")] = '\0';
    const char *kept = line + strlen(MARKER);
    if (!ok || strlen(kept) != ID_TEXT - 1 || strspn(kept, "0123456789abcdef") != ID_TEXT - 1)
        return lb_fail(err, LB_ERR_IO, "if the database beside it is the right one, remove the marker",
                       "%s is damaged: it should name the store that lies beside it", s->marker_path);
    memcpy(id, kept, ID_TEXT);
    return 0;
}

static int write_marker(const store *s, const char *id, lb_error *err)
{
    char text[sizeof MARKER + ID_TEXT + 2], fresh[4200];
    int length = snprintf(text, sizeof text, "%s%s\n", MARKER, id);
    (void)snprintf(fresh, sizeof fresh, "%s.new", s->marker_path); /* a longer path could not be opened either */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_file(err, "write", fresh);
    bool written = write(fd, text, (size_t)length) == length && fsync(fd) == 0;
    int number = errno;
    bool closed = close(fd) == 0;
    errno = written ? errno : number;
    if (!written || !closed || rename(fresh, s->marker_path) != 0)
        return fail_file(err, "write", s->marker_path);
    return sync_directory(s, err);
}

/* ---- the file ---- */

static int fail_lost(store *s, const char *what, lb_error *err)
{
    int r = store_fail_damaged(s, what, err);
    (void)snprintf(err->message, sizeof err->message, "%s %s, but %s says that a store was here", s->path, what,
                   s->marker_path); /* long paths are cut */
    return r;
}

/* Makes an empty file where there is none and never was. No descriptor of a database that SQLite has open may be closed
 * here (that drops its locks), so an existing one is only looked at by its name. */
static int prepare_file(store *s, const char *marked, lb_error *err)
{
    bool is_marked = *marked != '\0';
    if (stat(s->path, &s->file) == 0) {
        if (!S_ISREG(s->file.st_mode))
            return lb_fail(err, LB_ERR_INVALID, "move it away", "%s is no file", s->path);
        if (s->file.st_size == 0 && is_marked)
            return fail_lost(s, "is empty", err);
        if ((s->file.st_mode & 077) && chmod(s->path, 0600) != 0)
            return fail_file(err, "close to others", s->path);
        return 0;
    }
    if (errno != ENOENT)
        return fail_file(err, "look at", s->path);
    struct stat wal;
    if (is_marked || (stat(s->wal_path, &wal) == 0 && wal.st_size > 0))
        return fail_lost(s, "is missing", err);
    int fd = open(s->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_file(err, "create", s->path);
    (void)close(fd); /* nothing was written */
    if (stat(s->path, &s->file) != 0)
        return fail_file(err, "look at", s->path);
    return sync_directory(s, err);
}

/* ---- the database ---- */

static int run_text(store *s, const char *sql, const char *what, lb_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(s, what, err);
}

static int prepare(store *s, const char *sql, sqlite3_stmt **ret_statement, lb_error *err)
{
    int code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    return code == SQLITE_OK ? 0 : store_fail(s, "preparing a statement", err);
}

/* One row of one statement: `width` numbers, or one text. */
static int read_row(store *s, const char *sql, int64_t *numbers, int width, char *text, size_t size, lb_error *err)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(s, sql, &statement, err);
    if (r < 0)
        return r;
    r = store_step(s, statement, "opening the store", err);
    for (int i = 0; r > 0 && i < width; i++)
        numbers[i] = sqlite3_column_int64(statement, i);
    const unsigned char *cell = r > 0 && text ? sqlite3_column_text(statement, 0) : NULL;
    if (text)
        (void)snprintf(text, size, "%s", cell ? (const char *)cell : ""); /* a long text is cut */
    (void)sqlite3_finalize(statement);                                    /* says once more what step said */
    return r;
}

/* SQLite does not call the busy handler for this pragma. */
static int switch_to_wal(store *s, lb_error *err)
{
    char mode[16] = "";
    int r = read_row(s, state_sqlite_sql_journal, NULL, 0, mode, sizeof mode, err);
    while (r == LB_ERR_TIMEOUT && !s->cancelled && s->host->now() < s->deadline) {
        (void)poll(NULL, 0, 5); /* a signal makes it shorter */
        r = read_row(s, state_sqlite_sql_journal, NULL, 0, mode, sizeof mode, err);
    }
    if (r >= 0 && strcmp(mode, "wal") != 0)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "put the state directory on a local disk",
                       "%s: its file system does not serve write-ahead logs", s->path);
    return r < 0 ? r : 0;
}

static int make_layout(store *s, lb_error *err)
{
    unsigned char random[ID_BYTES];
    char id[ID_TEXT];
    sqlite3_stmt *statement = NULL;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return fail_file(err, "draw an id for", s->path);
    for (size_t i = 0; i < ID_BYTES; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", (unsigned)random[i]); /* two digits */
    if (run_text(s, state_sqlite_sql_layout, "making the store", err) < 0 ||
        prepare(s, state_sqlite_sql_found, &statement, err) < 0)
        return err->code;
    store_bind_text(statement, 1, id);
    int r = store_step(s, statement, "making the store", err);
    (void)sqlite3_finalize(statement); /* says once more what step said */
    return r < 0 ? r : 0;
}

static int judge_identity(store *s, const int64_t identity[3], const char *marked, lb_error *err)
{
    if (identity[0] == 0 && identity[1] == 0 && identity[2] == 0)
        return *marked ? fail_lost(s, "holds no tables", err) : 0;
    if (identity[0] != APPLICATION)
        return lb_fail(err, LB_ERR_INVALID, "move it away, or name another file for the state service",
                       "%s is a database of another program", s->path);
    if (identity[1] > LAYOUT)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "use the lbops that made it, or a newer one",
                       "%s has layout %lld; this lbops knows those up to %d", s->path, (long long)identity[1], LAYOUT);
    if (identity[1] < LAYOUT)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "restore it from a backup", "%s has layout %lld, which never was one",
                       s->path, (long long)identity[1]);
    return 0;
}

/* Several processes may come at once: the first one makes the layout, the others find it. */
static int establish_layout(store *s, const char *marked, lb_error *err)
{
    int64_t identity[3] = {0};
    int r = read_row(s, state_sqlite_sql_identity, identity, 3, NULL, 0, err);
    if (r >= 0)
        r = judge_identity(s, identity, marked, err);
    if (r < 0 || identity[1] == LAYOUT)
        return r;
    if (switch_to_wal(s, err) < 0 || run_text(s, state_sqlite_sql_begin, "making the store", err) < 0)
        return err->code;
    r = read_row(s, state_sqlite_sql_identity, identity, 3, NULL, 0, err);
    if (r > 0)
        r = identity[1] == LAYOUT ? 0 : make_layout(s, err);
    if (r == 0)
        r = run_text(s, state_sqlite_sql_commit, "making the store", err);
    if (r < 0 && !sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, state_sqlite_sql_rollback, NULL, NULL, NULL); /* closing does it otherwise */
    return r;
}

/* Bounded: a store too large to be checked in that time is opened, and damage is found where it is met. */
static int check_pages(store *s, int64_t check_us, lb_error *err)
{
    char answer[200] = "";
    int64_t deadline = s->deadline, limit = s->host->now() + check_us;
    if (check_us == 0)
        return 0;
    s->deadline = limit < deadline ? limit : deadline;
    int r = read_row(s, state_sqlite_sql_check, NULL, 0, answer, sizeof answer, err);
    bool ran_out = r == LB_ERR_TIMEOUT && s->deadline == limit && limit < deadline;
    s->deadline = deadline;
    if (ran_out) {
        store_log(s, LB_LOG_INFO, "%s: checked for %lld ms, as far as that goes", s->path, (long long)check_us / 1000);
        return 0;
    }
    if (r < 0)
        return r;
    return strcmp(answer, "ok") == 0 ? 0 : store_fail_damaged(s, answer, err);
}

/* Under the write lock, since others may be about to do the same. */
static int add_marker(store *s, const char *id, lb_error *err)
{
    if (run_text(s, state_sqlite_sql_begin, "opening the store", err) < 0)
        return err->code;
    int r = write_marker(s, id, err);
    (void)sqlite3_exec(s->db, state_sqlite_sql_rollback, NULL, NULL, NULL); /* nothing was changed */
    return r;
}

static int check_marker(store *s, const char *marked, lb_error *err)
{
    char id[ID_TEXT + 1] = "";
    int r = read_row(s, state_sqlite_sql_store, NULL, 0, id, sizeof id, err);
    if (r < 0)
        return r;
    if (strlen(id) != ID_TEXT - 1)
        return store_fail_damaged(s, "its own id is gone", err);
    if (!*marked)
        return add_marker(s, id, err);
    if (strcmp(marked, id) == 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT,
                   "put the right one back; if this one is to count from now on, remove the marker",
                   "%s is another store than the one that %s names", s->path, s->marker_path);
}

static int prepare_all(store *s, lb_error *err)
{
    static const char *const texts[STORE_STATEMENTS] = {
        [STORE_BEGIN] = state_sqlite_sql_begin,
        [STORE_COMMIT] = state_sqlite_sql_commit,
        [STORE_ROLLBACK] = state_sqlite_sql_rollback,
        [STORE_MARK] = state_sqlite_sql_mark,
        [STORE_KEEP] = state_sqlite_sql_keep,
        [STORE_UNDO] = state_sqlite_sql_undo,
        [STORE_COUNTERS] = state_sqlite_sql_counters,
        [STORE_COUNT] = state_sqlite_sql_count,
        [STORE_RECALL] = state_sqlite_sql_recall,
        [STORE_REMEMBER] = state_sqlite_sql_remember,
        [STORE_LOOK] = state_sqlite_sql_look,
        [STORE_INSERT] = state_sqlite_sql_insert,
        [STORE_REPLACE] = state_sqlite_sql_replace,
        [STORE_PUT] = state_sqlite_sql_put,
        [STORE_REMOVE] = state_sqlite_sql_remove,
        [STORE_RELEASE] = state_sqlite_sql_release,
        [STORE_PRUNE] = state_sqlite_sql_prune,
        [STORE_LIST_KEY] = state_sqlite_sql_list_key,
        [STORE_LIST_STATUS_OLDEST] = state_sqlite_sql_list_status_oldest,
        [STORE_LIST_STATUS_NEWEST] = state_sqlite_sql_list_status_newest,
        [STORE_LIST_OWNER_OLDEST] = state_sqlite_sql_list_owner_oldest,
        [STORE_LIST_OWNER_NEWEST] = state_sqlite_sql_list_owner_newest,
        [STORE_LIST_PREFIX_OLDEST] = state_sqlite_sql_list_prefix_oldest,
        [STORE_LIST_PREFIX_NEWEST] = state_sqlite_sql_list_prefix_newest,
        [STORE_LIST_AT_OLDEST] = state_sqlite_sql_list_at_oldest,
        [STORE_LIST_AT_NEWEST] = state_sqlite_sql_list_at_newest,
    };
    for (int i = 0; i < STORE_STATEMENTS; i++)
        if (prepare(s, texts[i], &s->statements[i], err) < 0)
            return err->code;
    return 0;
}

int store_open(store *s, int64_t check_us, lb_error *err)
{
    char marked[ID_TEXT];
    if (read_boot(s, err) < 0 || read_marker(s, marked, err) < 0 || prepare_file(s, marked, err) < 0)
        return err->code;
    /* Counting its memory costs SQLite a lock for each piece. Refused when SQLite is at work already, which is fine. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE; /* one thread uses it */
    int code = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (!s->db)
        return lb_out_of_memory(err);
    if (code != SQLITE_OK)
        return store_fail(s, "opening the store", err);
    store_watch(s);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL); /* protects from SQL that we do not have */
    if (run_text(s, state_sqlite_sql_settings, "opening the store", err) < 0 || establish_layout(s, marked, err) < 0 ||
        switch_to_wal(s, err) < 0 || check_pages(s, check_us, err) < 0 || check_marker(s, marked, err) < 0 ||
        run_text(s, state_sqlite_sql_forget, "opening the store", err) < 0)
        return err->code;
    if (stat(s->wal_path, &s->wal) != 0)
        s->wal.st_ino = 0; /* SQLite keeps it as long as somebody has the store open; then there is nothing to watch */
    return prepare_all(s, err);
}
