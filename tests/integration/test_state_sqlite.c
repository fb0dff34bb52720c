/* The SQLite store: the cases of all stores, then what is a matter of files. */
#include "state_stage.h"

#include "fs.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <utime.h>

extern const lb_plugin lb_plugin_v1_state_sqlite;

static const lb_state *sqlite;
static lb_error err;

static int open_in(const char *dir, void **ret_state)
{
    void *args = stage_args(sqlite->params, sqlite->args_size);
    int r = sqlite->open(&stage_host, args, dir, stage_soon(20), ret_state, &err);
    free(args);
    return r;
}

static const char *stage_dir;

static int open_stage(void **ret_state, lb_error *ret_err)
{
    int r = open_in(stage_dir, ret_state);
    *ret_err = err;
    return r;
}

static int put_one(void *state, int64_t number, const char *key)
{
    const lb_state_op op = PUT("space", key);
    return stage_apply_with(state, "test", number, &(lb_state_txn){&op, 1}, 1);
}

/* A store with one document, closed. */
static void make_store(const char *dir)
{
    void *state = NULL;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0);
    sqlite->close(state);
}

static int64_t count_in(const char *dir)
{
    void *state = NULL, *before = stage.state;
    if (open_in(dir, &state) < 0)
        return err.code;
    stage.state = state;
    int64_t count = stage_count("space");
    stage.state = before;
    sqlite->close(state);
    return count;
}

static int open_fails(const char *dir)
{
    void *state = NULL;
    int r = open_in(dir, &state);
    if (r == 0)
        sqlite->close(state);
    return r;
}

static void alter(const char *dir, const char *sql)
{
    sqlite3 *db = NULL;
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir);
    CU_ASSERT_FATAL(sqlite3_open(path, &db) == SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        printf("\n    %s: %s\n", sql, sqlite3_errmsg(db));
    CU_ASSERT(code == SQLITE_OK);
    CU_ASSERT(sqlite3_close(db) == SQLITE_OK);
}

static mode_t mode_of(const char *dir, const char *file)
{
    struct stat st;
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, file);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* ---- files ---- */

static void is_nobody_elses(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL;
    mode_t before = umask(0);
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0);
    CU_ASSERT(mode_of(dir, "state.db") == 0600 && mode_of(dir, "state.db-wal") == 0600);
    CU_ASSERT(mode_of(dir, "state.db-shm") == 0600 && mode_of(dir, "state.db.id") == 0600);
    sqlite->close(state);
    CU_ASSERT(mode_of(dir, "state.db.copy") == 0600);
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir);
    CU_ASSERT(chmod(path, 0644) == 0);
    CU_ASSERT(count_in(dir) == 1 && mode_of(dir, "state.db") == 0600);
    (void)umask(before);
}

static void takes_another_file(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL, *args = stage_args(sqlite->params, sqlite->args_size);
    stage_set_text(sqlite->params, args, "file", "other.db");
    CU_ASSERT_FATAL(sqlite->open(&stage_host, args, dir, stage_soon(10), &state, &err) == 0);
    sqlite->close(state);
    CU_ASSERT(mode_of(dir, "other.db") == 0600 && mode_of(dir, "state.db") == 0);
    LB_AUTO_FREE char *path = base_printf("%s/absolute.db", dir);
    stage_set_text(sqlite->params, args, "file", path);
    CU_ASSERT_FATAL(sqlite->open(&stage_host, args, "/nowhere", stage_soon(10), &state, &err) == 0);
    sqlite->close(state);
    CU_ASSERT(mode_of(dir, "absolute.db") == 0600);
    stage_set_text(sqlite->params, args, "file", "no/such/folder.db");
    CU_ASSERT(sqlite->open(&stage_host, args, dir, stage_soon(10), &state, &err) == LB_ERR_NOT_FOUND);
    free(args);
}

static void is_never_silently_new(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *marker = base_printf("%s/state.db.id", dir);
    LB_AUTO_FREE char *copy = base_printf("%s/state.db.copy", dir), *aside = base_printf("%s/aside", dir);
    make_store(dir);
    CU_ASSERT(rename(path, aside) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is missing, but");
    ASSERT_CONTAINS(err.hint, "state.db.copy");
    CU_ASSERT(mode_of(dir, "state.db") == 0);
    CU_ASSERT(fs_write_durable(path, "", 0, 0600, &err) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is empty, but");
    CU_ASSERT(unlink(copy) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.hint, "mv all of state.db* away");
    alter(dir, "PRAGMA user_version = 0"); /* a database without tables */
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    CU_ASSERT(rename(aside, path) == 0);
    CU_ASSERT(count_in(dir) == 1);
    CU_ASSERT(unlink(marker) == 0); /* a store whose marker got lost gets it again */
    CU_ASSERT(count_in(dir) == 1 && mode_of(dir, "state.db.id") == 0600);
}

static void refuses_another_store(void)
{
    SCRATCH dir = scratch_new();
    SCRATCH other = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *foreign = base_printf("%s/state.db", other);
    LB_AUTO_FREE char *marker = base_printf("%s/state.db.id", dir);
    make_store(dir);
    make_store(other);
    CU_ASSERT(rename(foreign, path) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "is another store than the one that");
    CU_ASSERT(fs_write_durable(marker, "garbage", 7, 0600, &err) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db.id is damaged");
    CU_ASSERT(unlink(marker) == 0);
    CU_ASSERT(count_in(dir) == 1);
}

static void refuses_other_layouts(void)
{
    SCRATCH dir = scratch_new();
    SCRATCH foreign = scratch_new();
    make_store(dir);
    alter(dir, "PRAGMA user_version = 2");
    CU_ASSERT(open_fails(dir) == LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "has layout 2; this lbops knows those up to 1");
    alter(foreign, "CREATE TABLE mine (a)");
    CU_ASSERT(open_fails(foreign) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "is a database of another program");
    alter(foreign, "INSERT INTO mine VALUES (1)"); /* untouched */
}

static void notices_when_it_is_moved(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *aside = base_printf("%s/aside.db", dir);
    void *state = NULL;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0);
    CU_ASSERT(rename(path, aside) == 0);
    CU_ASSERT(put_one(state, 2, "b") == LB_ERR_IO);
    ASSERT_CONTAINS(stage_error.message, "was moved, deleted or replaced while it was in use");
    CU_ASSERT(rename(aside, path) == 0);
    CU_ASSERT(put_one(state, 2, "b") == 0);
    sqlite->close(state);
    CU_ASSERT(count_in(dir) == 2);
}

static void saves_a_log_that_was_deleted(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *wal = base_printf("%s/state.db-wal", dir);
    void *state = NULL;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0 && put_one(state, 2, "b") == 0);
    CU_ASSERT(unlink(wal) == 0);
    CU_ASSERT(put_one(state, 3, "c") == LB_ERR_IO);
    ASSERT_CONTAINS(stage_error.message, "state.db-wal was moved or deleted while it was in use");
    sqlite->close(state);
    CU_ASSERT(count_in(dir) == 2);
}

static void ends_leases_of_another_boot(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL, *before = stage.state;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    stage.state = state;
    CU_ASSERT(stage_one(ACQUIRE("space", "t", "h1", 3600 * CLOCK_SECOND)).failed == APPLIED);
    CU_ASSERT(stage_one(ACQUIRE("space", "t", "h2", 3600 * CLOCK_SECOND)).failed == 0);
    alter(dir, "UPDATE document SET boot = 'another boot'");
    CU_ASSERT(stage_one(HOLD("space", "t", "h1")).failed == 0);
    CU_ASSERT(stage_one(ACQUIRE("space", "t", "h2", 3600 * CLOCK_SECOND)).failed == APPLIED);
    stage.state = before;
    sqlite->close(state);
}

static void remembers_the_newest_clients(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    for (int i = 0; i < 1010; i++) {
        char client[32];
        const lb_state_txn none = {NULL, 0};
        (void)snprintf(client, sizeof client, "client %d", i);
        CU_ASSERT(stage_apply_with(state, client, 5, &none, 1) == 0);
    }
    sqlite->close(state);
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(stage_apply_with(state, "client 9", 4, NULL, 0) == 0); /* forgotten */
    CU_ASSERT(stage_apply_with(state, "client 10", 4, NULL, 0) == LB_ERR_CONFLICT);
    sqlite->close(state);
}

/* ---- copies ---- */

static bool wait_for_copy(void *state, const char *copy, ino_t before, int64_t number)
{
    struct stat st;
    int64_t limit = stage_soon(20);
    while (clock_monotonic() < limit) {
        if (stat(copy, &st) == 0 && st.st_ino != before)
            return true;
        CU_ASSERT(put_one(state, number++, "busy") == 0); /* batches go on meanwhile */
    }
    return false;
}

static void keeps_a_copy(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *copy = base_printf("%s/state.db.copy", dir);
    void *state = NULL;
    struct stat first, now;
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0);
    CU_ASSERT(wait_for_copy(state, copy, 0, 2));
    sqlite->close(state);
    CU_ASSERT_FATAL(stat(copy, &first) == 0);
    CU_ASSERT(count_in(dir) >= 1 && stat(copy, &now) == 0 && now.st_ino == first.st_ino); /* young enough */
    CU_ASSERT(utime(copy, &(struct utimbuf){.actime = 1000, .modtime = 1000}) == 0);
    CU_ASSERT_FATAL(open_in(dir, &state) == 0);
    CU_ASSERT(put_one(state, 1000000, "b") == 0);
    CU_ASSERT(wait_for_copy(state, copy, first.st_ino, 1000001));
    sqlite->close(state);
    /* It is the store as it was: put back, everything goes on. */
    CU_ASSERT(rename(copy, path) == 0);
    CU_ASSERT(count_in(dir) >= 2);
}

static void makes_no_copy_when_told_so(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL, *args = stage_args(sqlite->params, sqlite->args_size);
    stage_set_i64(sqlite->params, args, "copy_hours", 0);
    CU_ASSERT_FATAL(sqlite->open(&stage_host, args, dir, stage_soon(10), &state, &err) == 0);
    CU_ASSERT(put_one(state, 1, "a") == 0 && put_one(state, 2, "b") == 0);
    sqlite->close(state);
    CU_ASSERT(mode_of(dir, "state.db.copy") == 0);
    free(args);
}

static const state_case own[] = {
    TEST(is_nobody_elses),
    TEST(takes_another_file),
    TEST(is_never_silently_new),
    TEST(refuses_another_store),
    TEST(refuses_other_layouts),
    TEST(notices_when_it_is_moved),
    TEST(saves_a_log_that_was_deleted),
    TEST(ends_leases_of_another_boot),
    TEST(remembers_the_newest_clients),
    TEST(keeps_a_copy),
    TEST(makes_no_copy_when_told_so),
};

int main(void)
{
    const char *parent = getenv("TMPDIR");
    SCRATCH dir = base_printf("%s/lbops-test-XXXXXX", parent && *parent ? parent : P_tmpdir);
    sqlite = lb_plugin_v1_state_sqlite.ops;
    if (!mkdtemp(dir))
        return 1;
    stage_dir = dir;
    stage = (state_stage){.ops = sqlite, .open = open_stage};
    if (open_in(dir, &stage.state) < 0) {
        printf("%s\n", err.message);
        return 1;
    }
    unsigned failed = stage_run("state_sqlite", own, LB_COUNT(own));
    sqlite->close(stage.state);
    return failed ? 1 : 0;
}
