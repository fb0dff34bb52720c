/* The keeper takes its branch: the programs of the right version, the lock, the log. */
#include "local_keeper.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LOG_LIMIT ((off_t)10 * 1024 * 1024)
#define TAKE_OVER (40 * CLOCK_SECOND) /* an earlier keeper stops its server meanwhile */

static int open_log(keeper *k, lb_error *err)
{
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, "log");
    LB_AUTO_FREE char *old = base_printf("%s.old", path);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > LOG_LIMIT)
        (void)rename(path, old); /* else it goes on growing, and is seen the next time */
    k->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return k->log < 0 ? fs_fail(err, errno, "open", path) : 0;
}

static bool answers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "keeper.sock"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        (void)close(fd); /* it says no more than that */
    return ok;
}

/* 1: somebody else keeps the branch and takes callers. */
static int take_lock(keeper *k, lb_error *err)
{
    int64_t until = clock_monotonic() + TAKE_OVER;
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, "lock");
    for (;;) {
        k->lock = local_lock(k->c.host, path, 20000, err);
        if (k->lock != LB_ERR_CONFLICT)
            return k->lock < 0 ? k->lock : 0;
        if (answers())
            return 1;
        if (clock_monotonic() >= until)
            return k->lock;
    }
}

static int catch_signals(keeper *k, lb_error *err)
{
    static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    (void)sigemptyset(&set); /* these cannot fail */
    for (size_t i = 0; i < LB_COUNT(signals); i++)
        (void)sigaddset(&set, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    k->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return k->children < 0 ? lb_fail(err, LB_ERR_LIMIT, NULL, "no signalfd: %s", strerror(errno)) : 0;
}

static int find_version(keeper *k, lb_error *err)
{
    int64_t version = 0;
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_look(&k->c, k->project, &p, err);
    if (r < 0)
        return r;
    if (!p.d || !local_branch_by_directory(&p, k->directory))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no branch %s in %s", k->directory, k->project);
    return local_find_programs(&k->c, doc_i64(p.d, "project.status.pg_version", 0), &k->programs, &version, err);
}

int keeper_take(keeper *k, lb_error *err)
{
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, NULL);
    int r = find_version(k, err);
    if (r >= 0)
        r = fs_make_dirs(path, err);
    if (r >= 0)
        r = k->dir = local_dir_open(path, err);
    if (r < 0)
        return r;
    if (fchdir(k->dir) != 0)
        return fs_fail(err, errno, "enter", path);
    r = take_lock(k, err);
    if (r == 0)
        r = open_log(k, err);
    return r == 0 ? catch_signals(k, err) : r;
}
