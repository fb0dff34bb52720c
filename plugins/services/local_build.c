/* Making a branch: from nothing, from its parent's present, from a point in time of its parent. Whatever an earlier
 * attempt left goes first, so that dying anywhere in here costs the attempt and nothing else. */
#include "local_keeper.h"

#include "clock.h"
#include "fs.h"

#include <sql/local/create_database.h>
#include <sql/local/create_statistics.h>
#include <sql/local/create_superuser.h>
#include <sql/local/mark_time.h>
#include <sql/local/switch_wal.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define PARENT_WAIT (30 * CLOCK_SECOND)

bool build_keeps_history(doc *entry)
{
    return !doc_text(entry, "branch.status.expire_time"); /* what expires cannot be a parent */
}

/* An empty directory of the servers' user, and in it one for data and one for the log that is kept. */
static int make_server_dirs(keeper *k, lb_error *err)
{
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, "server");
    local_discard(&k->c, path);
    if (mkdir(path, 0700) != 0)
        return fs_fail(err, errno, "create directory", path);
    if (geteuid() == 0 && lchown(path, k->c.uid, k->c.gid) != 0)
        return fs_fail(err, errno, "give away", path);
    k->server_dir = local_dir_open(path, err);
    if (k->server_dir < 0)
        return k->server_dir;
    int wal = local_make_dir(&k->c, k->server_dir, "wal", err);
    if (wal < 0)
        return wal;
    (void)close(wal); /* only had to be made */
    k->data_dir = local_make_dir(&k->c, k->server_dir, "data", err);
    return k->data_dir < 0 ? k->data_dir : 0;
}

/* ---- from nothing ---- */

static int ignore_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state, (void)count, (void)names, (void)err; /* nobody asks for them */
    return 0;
}

static int ignore_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)state, (void)count, (void)cells, (void)err; /* as above */
    return 0;
}

static const lb_sink no_sink = {.size = sizeof no_sink, .columns = ignore_columns, .row = ignore_row};

static int build_root(keeper *k, lb_error *err)
{
    LB_AUTO_FREE char *initdb = base_printf("%s/initdb", k->programs);
    static const char data[] = "/proc/self/fd/" LB_STRINGIFY(LOCAL_FD);
    const char *const argv[] = {initdb,
                                "-D",
                                data,
                                "-U",
                                LOCAL_SUPERUSER,
                                "-A",
                                "trust",
                                "--encoding=UTF8",
                                "--locale=C.UTF-8",
                                "--wal-segsize=1",
                                "--no-sync",
                                "--no-instructions",
                                NULL};
    const int dirs[] = {k->data_dir, -1, -1};
    int r = server_run(k, argv, dirs, err);
    if (r == 0)
        r = server_start_whole(k, NULL, err);
    if (r == 0)
        r = server_sql(k, k->server_dir, "postgres", &local_create_superuser_sql, &no_sink, err);
    if (r == 0)
        r = server_sql(k, k->server_dir, "postgres", &local_create_database_sql, &no_sink, err);
    return r < 0 ? r : server_sql(k, k->server_dir, LOCAL_DATABASE, &local_create_statistics_sql, &no_sink, err);
}

/* ---- from the parent's present ---- */

typedef struct parent {
    const char *directory;
    int server_dir;
    int claim; /* on its server, when it runs */
    int lock;  /* its keeper's, when it does not */
} parent;

static void leave_parent(parent *p)
{
    base_close(&p->server_dir);
    base_close(&p->claim);
    base_close(&p->lock);
}
#define PARENT LB_CLEANUP(leave_parent) parent

static int open_parent(const keeper *k, const char *directory, parent *p, lb_error *err)
{
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, directory, "server");
    p->directory = directory;
    p->server_dir = local_dir_open(path, err);
    return p->server_dir < 0 ? p->server_dir : 0;
}

/* Either its server runs and is held up, or nobody can start it as long as we have its lock. */
static int hold_parent(const keeper *k, parent *p, lb_error *err)
{
    int64_t until = clock_monotonic() + PARENT_WAIT;
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, p->directory, "lock");
    for (;;) {
        p->lock = local_lock(k->c.host, path, 0, err);
        if (p->lock != LB_ERR_CONFLICT)
            return p->lock < 0 ? p->lock : 0;
        p->claim = local_claim(&k->c, k->project, p->directory, "restore", until, err);
        if (p->claim >= 0)
            return 0;
        if (clock_monotonic() >= until)
            return p->claim;
        const struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
}

static int build_from_present(keeper *k, const char *source, lb_error *err)
{
    PARENT p = {.server_dir = -1, .claim = -1, .lock = -1};
    int r = open_parent(k, source, &p, err);
    if (r >= 0)
        r = hold_parent(k, &p, err);
    if (r < 0)
        return r;
    if (p.claim >= 0) {
        r = base_backup(k, p.server_dir, k->data_dir, err);
    } else {
        LB_AUTO_FD int data = openat(p.server_dir, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = data < 0 ? fs_fail(err, errno, "open the data of", source) : local_copy(&k->c, data, k->data_dir, err);
    }
    leave_parent(&p);
    p = (parent){.server_dir = -1, .claim = -1, .lock = -1};
    return r < 0 ? r : server_start_whole(k, NULL, err);
}

/* ---- from a point in time ---- */

static int copy_base(keeper *k, int server_dir, int64_t base, lb_error *err)
{
    char name[40];
    (void)snprintf(name, sizeof name, "base-%lld", (long long)base); /* fits */
    LB_AUTO_FD int from = openat(server_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = from < 0 ? fs_fail(err, errno, "open", name) : local_copy(&k->c, from, k->data_dir, err);
    return r < 0 ? r : local_touch(&k->c, k->data_dir, "recovery.signal", err);
}

/* The kept log first; what has not been kept yet still lies where the server wrote it. */
static int recover(keeper *k, const parent *p, const char *target, lb_error *err)
{
    static const char restore[] = "restore_command=cp /proc/self/fd/8/%f %p 2>/dev/null || cp /proc/self/fd/9/%f %p";
    const char *const options[] = {"-c", restore, "-c", "recovery_target_action=promote",
                                   "-c", target,  "-c", "hot_standby=off", /* so that ready means promoted */
                                   NULL};
    LB_AUTO_FD int wal = openat(p->server_dir, "wal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    LB_AUTO_FD int own = openat(p->server_dir, "data/pg_wal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const server_start how = {.options = options, .dirs = {wal, own}};
    if (wal < 0 || own < 0)
        return lb_fail(err, LB_ERR_IO, NULL, "cannot open the log of %s: %s", p->directory, strerror(errno));
    return server_start_whole(k, &how, err);
}

/* The parent's server runs meanwhile: it has to put a commit behind the time, and to end the file that holds it. */
static int prepare_parent(keeper *k, parent *p, lb_error *err)
{
    p->claim = local_claim(&k->c, k->project, p->directory, "restore", clock_monotonic() + 2 * PARENT_WAIT, err);
    int r = p->claim;
    if (r >= 0)
        r = server_sql(k, p->server_dir, "postgres", &local_mark_time_sql, &no_sink, err);
    return r < 0 ? r : server_sql(k, p->server_dir, "postgres", &local_switch_wal_sql, &no_sink, err);
}

static int build_from_time(keeper *k, doc *source, lb_error *err)
{
    PARENT p = {.server_dir = -1, .claim = -1, .lock = -1};
    const char *lsn = doc_text(source, "lsn"), *time = doc_text_or(source, "time", "");
    int64_t at = doc_time(source, "time");
    /* A setting is read before the server knows the names of time zones, and Z is one. */
    LB_AUTO_FREE char *target = lsn ? base_printf("recovery_target_lsn=%s", lsn)
                                    : base_printf("recovery_target_time=%.*s+00", (int)strcspn(time, "Z"), time);
    int r = open_parent(k, doc_text(source, "directory"), &p, err);
    if (r >= 0)
        r = prepare_parent(k, &p, err);
    if (r < 0)
        return r;
    int64_t base = base_find(p.server_dir, lsn ? INT64_MAX : at);
    if (lsn && base > 0) /* which base is old enough for a place in the log is not known: the first one is */
        for (int64_t older = base; older > 0; older = base_find(p.server_dir, older - 1))
            base = older;
    if (base < 0)
        return lb_fail(err, LB_ERR_INVALID, "choose a later time",
                       "the history of the source does not reach back to %s", lsn ? lsn : doc_text(source, "time"));
    r = copy_base(k, p.server_dir, base, err);
    return r < 0 ? r : recover(k, &p, target, err);
}

int build_branch(keeper *k, doc *entry, lb_error *err)
{
    doc *source = doc_at(entry, "source");
    int r = make_server_dirs(k, err);
    if (r < 0)
        return r;
    if (!source)
        r = build_root(k, err);
    else if (doc_text(source, "time") || doc_text(source, "lsn"))
        r = build_from_time(k, source, err);
    else
        r = build_from_present(k, doc_text(source, "directory"), err);
    if (r == 0 && build_keeps_history(entry)) {
        r = build_base(k, err);
        if (r == 0 && syncfs(k->server_dir) != 0) /* what the record will call ready has to outlive a power cut */
            r = lb_fail(err, LB_ERR_IO, "is the disk all right?", "cannot sync the branch: %s", strerror(errno));
    }
    return r;
}
