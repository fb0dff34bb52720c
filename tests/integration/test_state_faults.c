/* The SQLite store when things break: killed at any moment, locked by somebody else, damaged, full. */
#include "state_stage.h"

#include "fs.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KILLS 30
#define TXNS  5

extern const lb_plugin lb_plugin_v1_state_sqlite;

static const lb_state *sqlite;
static lb_error err;

static int open_with(const char *dir, const char *param, int64_t value, void **ret_state)
{
    void *args = stage_args(sqlite->params, sqlite->args_size);
    if (param)
        stage_set_i64(sqlite->params, args, param, value);
    int r = sqlite->open(&stage_host, args, dir, stage_soon(20), ret_state, &err);
    free(args);
    return r;
}

static void *start(const char *dir)
{
    void *state = NULL;
    int r = open_with(dir, NULL, 0, &state);
    if (r < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_FATAL(r == 0);
    return state;
}

static int open_fails(const char *dir)
{
    void *state = NULL;
    int r = open_with(dir, NULL, 0, &state);
    if (r == 0)
        sqlite->close(state);
    return r;
}

/* ---- killed ---- */

/* Batch n inserts TXNS runs with a key each, and raises one counter: a batch that is applied twice or in part shows. */
static int apply_numbered(void *state, int64_t n)
{
    static char names[TXNS][32];
    static lb_state_op ops[TXNS][3];
    lb_state_txn txns[TXNS];
    for (int i = 0; i < TXNS; i++) {
        (void)snprintf(names[i], sizeof names[i], "%08lld/%d", (long long)n, i);
        ops[i][0] = INSERT("run", names[i], .status = "running", .at = n, .body = "{\"padding\":\"0123456789abcdef\"}");
        ops[i][1] = INSERT("key", names[i], .at = n);
        ops[i][2] = PUT("cursor", "last", .at = n);
        txns[i] = (lb_state_txn){ops[i], 3};
    }
    return stage_apply_with(state, "worker", n, txns, TXNS);
}

/* The child: applies, and says each number once it was acknowledged. It goes on where the store stands. */
static void work(const char *dir, int64_t n, int say)
{
    void *state = NULL;
    if (open_with(dir, NULL, 0, &state) < 0)
        _exit(3);
    for (;; n++)
        if (apply_numbered(state, n) < 0 || write(say, &n, sizeof n) != sizeof n)
            _exit(4);
}

/* The last number that a worker said before it was killed; -1 when it ended by itself. */
static int64_t kill_a_worker(const char *dir, int64_t first, int64_t after_us)
{
    int ends[2], status = 0;
    int64_t n, last = first - 1;
    CU_ASSERT_FATAL(pipe2(ends, O_CLOEXEC) == 0);
    (void)fflush(stdout); /* so that the child has nothing to say */
    pid_t pid = fork();
    if (pid == 0)
        work(dir, first, ends[1]);
    (void)close(ends[1]);
    int64_t until = clock_monotonic() + after_us;
    while (clock_monotonic() < until && read(ends[0], &n, sizeof n) == sizeof n)
        last = n;
    (void)kill(pid, SIGKILL);
    while (read(ends[0], &n, sizeof n) == sizeof n)
        last = n;
    (void)close(ends[0]);
    CU_ASSERT(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? last : -1;
}

typedef struct tally {
    int64_t of_last, last, total;
} tally;

static int take_run(void *arg, const lb_state_doc *doc, lb_error *ret_err)
{
    tally *t = arg;
    (void)ret_err;
    t->of_last = doc->at == t->last ? t->of_last + 1 : 1;
    CU_ASSERT(t->of_last == 1 ? doc->at == t->last + 1 && t->total % TXNS == 0 : t->of_last <= TXNS);
    t->last = doc->at;
    t->total++;
    return 0;
}

/* Every batch from 1 to the last one is there whole. Returns that number. */
static int64_t check_whole(void *state, const char *space)
{
    tally t = {0};
    const lb_state_query query = {.size = sizeof query, .space = space};
    CU_ASSERT(sqlite->list(state, &query, stage_soon(60), take_run, &t, &stage_error) == 0);
    CU_ASSERT(t.total == t.last * TXNS);
    return t.last;
}

static void survives_kills(void)
{
    SCRATCH dir = scratch_new();
    unsigned seed = (unsigned)clock_monotonic();
    int64_t next = 1, unsaid = 0;
    for (int i = 0; i < KILLS; i++) {
        int64_t said = kill_a_worker(dir, next, rand_r(&seed) % 40000);
        CU_ASSERT_FATAL(said >= 0);
        void *state = start(dir);
        int64_t there = check_whole(state, "run");
        CU_ASSERT(there == check_whole(state, "key"));
        CU_ASSERT(there == said || there == said + 1); /* at most the one whose answer was on its way */
        unsaid += there - said;
        CU_ASSERT(apply_numbered(state, said + 1) == 0); /* sent again, or for the first time */
        for (int j = 0; j < TXNS; j++)
            CU_ASSERT(stage_verdicts[j].failed == APPLIED);
        CU_ASSERT(check_whole(state, "run") == said + 1);
        sqlite->close(state);
        next = said + 2;
    }
    printf("(%lld batches, %lld answers lost) ", (long long)next - 1, (long long)unsaid);
    CU_ASSERT(next > KILLS);
}

/* ---- locked ---- */

static void says_who_locks(void)
{
    SCRATCH dir = scratch_new();
    int ready[2], done[2];
    char byte = 0;
    void *state = start(dir);
    CU_ASSERT(apply_numbered(state, 1) == 0);
    CU_ASSERT_FATAL(pipe2(ready, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
    (void)fflush(stdout); /* so that the child has nothing to say */
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db = NULL;
        LB_AUTO_FREE char *path = base_printf("%s/state.db", dir);
        (void)close(done[1]);
        if (sqlite3_open(path, &db) != SQLITE_OK ||
            sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK || write(ready[1], "x", 1) != 1 ||
            read(done[0], &byte, 1) != 0)
            _exit(3);
        _exit(0); /* the lock goes with the process */
    }
    (void)close(done[0]);
    CU_ASSERT_FATAL(read(ready[0], &byte, 1) == 1);
    const lb_state_op op = PUT("space", "a");
    const lb_state_txn txn = {&op, 1};
    int64_t began = clock_monotonic(), removed = 0, soon = began + 100000;
    CU_ASSERT(sqlite->apply(state, "late", 1, &txn, 1, stage_verdicts, soon, &err) == LB_ERR_TIMEOUT);
    CU_ASSERT(clock_monotonic() - began >= 100000 && clock_monotonic() - began < 30 * CLOCK_SECOND);
    ASSERT_CONTAINS(err.message, "state.db is locked");
    LB_AUTO_FREE char *who = base_printf("process %d (", (int)pid);
    ASSERT_CONTAINS(err.hint, who);
    CU_ASSERT(sqlite->prune(state, "run", NULL, 9, 9, clock_monotonic() + 50000, &removed, &err) == LB_ERR_TIMEOUT);
    CU_ASSERT(check_whole(state, "run") == 1); /* reading goes on */
    (void)close(done[1]);
    CU_ASSERT(sqlite->apply(state, "late", 1, &txn, 1, stage_verdicts, stage_soon(20), &err) == 0); /* it waited */
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
    (void)close(ready[0]), (void)close(ready[1]);
    sqlite->close(state);
}

/* ---- damaged ---- */

static void overwrite(const char *dir, off_t from, size_t length)
{
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *junk = base_alloc(length);
    memset(junk, 0x5a, length);
    LB_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    CU_ASSERT(fd >= 0 && pwrite(fd, junk, length, from) == (ssize_t)length);
}

static off_t size_of(const char *dir)
{
    struct stat st;
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void fill_store(const char *dir, int64_t batches)
{
    void *state = start(dir);
    for (int64_t n = 1; n <= batches; n++)
        CU_ASSERT(apply_numbered(state, n) == 0);
    sqlite->close(state);
}

/* What the hint says works. */
static void follow_hint(const char *dir)
{
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir), *copy = base_printf("%s/state.db.copy", dir);
    ASSERT_CONTAINS(err.hint, "cp state.db.copy state.db (the copy of ");
    CU_ASSERT(rename(copy, path) == 0);
    void *state = start(dir);
    CU_ASSERT(check_whole(state, "run") >= 1);
    sqlite->close(state);
}

static void refuses_a_damaged_header(void)
{
    SCRATCH dir = scratch_new();
    fill_store(dir, 20);
    overwrite(dir, 0, 16);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(open_fails(dir) == LB_ERR_IO);
        ASSERT_CONTAINS(err.message, "state.db is damaged: file is not a database");
    }
    CU_ASSERT(size_of(dir) > 20000); /* and it is left as it was */
    follow_hint(dir);
}

static void refuses_a_damaged_middle(void)
{
    SCRATCH dir = scratch_new();
    fill_store(dir, 100);
    overwrite(dir, size_of(dir) / 2, 6000);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is damaged: ");
    follow_hint(dir);
}

static void refuses_a_cut_file(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/state.db", dir);
    fill_store(dir, 100);
    CU_ASSERT(truncate(path, size_of(dir) / 8192 * 4096) == 0);
    CU_ASSERT(open_fails(dir) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is damaged: ");
    follow_hint(dir);
}

/* Found on the way: from then on every call is refused. */
static void stops_when_it_meets_damage(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL;
    int64_t removed = 0;
    fill_store(dir, 400);
    overwrite(dir, 12 * 4096, (size_t)(size_of(dir) - 13 * 4096));
    CU_ASSERT_FATAL(open_with(dir, "check_ms", 0, &state) == 0);
    const lb_state_query query = {.size = sizeof query, .space = "run"};
    tally t = {.last = -1};
    CU_ASSERT(sqlite->list(state, &query, stage_soon(20), take_run, &t, &err) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is damaged: ");
    const lb_state_op op = PUT("space", "a");
    const lb_state_txn txn = {&op, 1};
    CU_ASSERT(sqlite->apply(state, "c", 1, &txn, 1, stage_verdicts, stage_soon(20), &err) == LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "state.db is damaged: ");
    CU_ASSERT(sqlite->prune(state, "run", NULL, 9, 9, stage_soon(20), &removed, &err) == LB_ERR_IO);
    sqlite->close(state);
}

/* The last good copy is not replaced by one of a damaged store. */
static void keeps_the_good_copy(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *copy = base_printf("%s/state.db.copy", dir);
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    void *state = NULL;
    struct stat before, after;
    fill_store(dir, 400);
    CU_ASSERT(stat(copy, &before) == 0 && utimensat(AT_FDCWD, copy, old, 0) == 0);
    overwrite(dir, size_of(dir) - 40 * 4096, (size_t)20 * 4096);
    CU_ASSERT_FATAL(open_with(dir, "check_ms", 0, &state) == 0);
    const lb_state_op op = PUT("cursor", "last");
    const lb_state_txn txn = {&op, 1};
    int64_t limit = stage_soon(20), n = 1;
    int r = 0;
    while (r == 0 && clock_monotonic() < limit)
        r = stage_apply_with(state, "c", n++, &txn, 1);
    CU_ASSERT(r == LB_ERR_IO);
    ASSERT_CONTAINS(stage_error.message, "state.db is damaged: ");
    CU_ASSERT(stat(copy, &after) == 0 && before.st_ino == after.st_ino);
    sqlite->close(state);
}

/* ---- full ---- */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    CU_ASSERT(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void goes_on_when_there_is_room_again(void)
{
    SCRATCH dir = scratch_new();
    void *state = NULL;
    int r = 0;
    int64_t n = 1;
    (void)signal(SIGXFSZ, SIG_IGN); /* the former handler: none */
    CU_ASSERT_FATAL(open_with(dir, "copy_hours", 0, &state) == 0);
    set_file_limit(300000);
    while (n < 10000 && (r = apply_numbered(state, n)) == 0)
        n++;
    CU_ASSERT(r == LB_ERR_LIMIT);
    ASSERT_CONTAINS(stage_error.message, "there is no room for");
    ASSERT_CONTAINS(stage_error.hint, "free space");
    CU_ASSERT(check_whole(state, "run") == n - 1);
    CU_ASSERT(apply_numbered(state, n) == LB_ERR_LIMIT && apply_numbered(state, n + 1) == LB_ERR_LIMIT);
    set_file_limit(RLIM_INFINITY);
    CU_ASSERT(apply_numbered(state, n) == 0);
    CU_ASSERT(check_whole(state, "run") == n && check_whole(state, "key") == n);
    sqlite->close(state);
    state = start(dir);
    CU_ASSERT(check_whole(state, "run") == n);
    sqlite->close(state);
}

static void cannot_be_made_without_room(void)
{
    SCRATCH dir = scratch_new();
    set_file_limit(100);
    CU_ASSERT(open_fails(dir) == LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "there is no room for");
    set_file_limit(RLIM_INFINITY);
    void *state = start(dir);
    sqlite->close(state);
}

/* ---- two at once ---- */

static void begins_once_for_many(void)
{
    enum { CHILDREN = 8 };
    SCRATCH dir = scratch_new();
    int status = 0;
    pid_t children[CHILDREN];
    (void)fflush(stdout); /* so that the children have nothing to say */
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            void *state = NULL;
            char name[16];
            (void)snprintf(name, sizeof name, "child %d", i);
            const lb_state_op op = INSERT("space", name);
            const lb_state_txn txn = {&op, 1};
            if (open_with(dir, NULL, 0, &state) < 0 || stage_apply_with(state, name, 1, &txn, 1) < 0)
                (void)printf("\n    %s %s\n", err.message, stage_error.message);
            (void)fflush(stdout);
            _exit(state && stage_verdicts[0].failed == APPLIED ? 0 : 3);
        }
    }
    for (int i = 0; i < CHILDREN; i++)
        CU_ASSERT(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    void *state = start(dir);
    stage.state = state;
    CU_ASSERT(stage_count("space") == CHILDREN);
    sqlite->close(state);
}

static void races_for_leases(void)
{
    enum { LEASES = 1000, CHILDREN = 2 };
    SCRATCH dir = scratch_new();
    pid_t children[CHILDREN];
    int status = 0;
    void *state = start(dir);
    sqlite->close(state);
    (void)fflush(stdout); /* so that the children have nothing to say */
    for (int c = 0; c < CHILDREN; c++) {
        children[c] = fork();
        if (children[c] == 0) {
            char owner[16], key[16];
            (void)snprintf(owner, sizeof owner, "host %d", c);
            if (open_with(dir, NULL, 0, &state) < 0)
                _exit(3);
            for (int i = 0; i < LEASES; i++) {
                (void)snprintf(key, sizeof key, "t%d", i);
                const lb_state_op ops[] = {ACQUIRE("lease", key, owner, 600 * CLOCK_SECOND),
                                           INSERT("won", key, .owner = owner)};
                if (stage_apply_with(state, owner, i + 1, &(lb_state_txn){ops, 2}, 1) < 0)
                    _exit(4);
                if (stage_verdicts[0].failed != APPLIED && stage_verdicts[0].failed != 0)
                    _exit(5); /* who has the lease finds nobody else's mark */
            }
            _exit(0);
        }
    }
    for (int c = 0; c < CHILDREN; c++)
        CU_ASSERT(waitpid(children[c], &status, 0) == children[c] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stage.state = start(dir);
    CU_ASSERT(stage_count("lease") == LEASES && stage_count("won") == LEASES);
    sqlite->close(stage.state);
}

int main(void)
{
    sqlite = lb_plugin_v1_state_sqlite.ops;
    stage = (state_stage){.ops = sqlite};
    static const state_case tests[] = {
        TEST(survives_kills),
        TEST(says_who_locks),
        TEST(refuses_a_damaged_header),
        TEST(refuses_a_damaged_middle),
        TEST(refuses_a_cut_file),
        TEST(stops_when_it_meets_damage),
        TEST(keeps_the_good_copy),
        TEST(goes_on_when_there_is_room_again),
        TEST(cannot_be_made_without_room),
        TEST(begins_once_for_many),
        TEST(races_for_leases),
    };
    return stage_run_only("state_faults", tests, LB_COUNT(tests)) ? 1 : 0;
}
