/* Who needs a server: a connection to the branch's keeper, for as long as the server is needed. */
#include "local.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define TRIES    5
#define SLICE_MS 500 /* between two looks at whether the run should stop */

/* A path that fits whatever the directory's own is. */
static int connect_in(int dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, name); /* short enough */
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int failed = errno;
        (void)close(fd); /* nothing was sent */
        errno = failed;
        return -1;
    }
    return fd;
}

/* -1 with errno where nobody takes callers. */
static int call_keeper(const local_cluster *c, const char *project, const char *directory)
{
    lb_error ignored;
    LB_AUTO_FREE char *path = local_branch_path(c, project, directory, NULL);
    LB_AUTO_FD int dir = local_dir_open(path, &ignored);
    errno = ENOENT;
    return dir < 0 ? -1 : connect_in(dir, "keeper.sock");
}

bool local_is_kept(const local_cluster *c, const char *project, const char *directory)
{
    LB_AUTO_FREE char *path = local_branch_path(c, project, directory, "lock");
    LB_AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/* Only one of those who wait starts a keeper; the others find it running. */
static int reach(const local_cluster *c, const char *project, const char *directory, int64_t deadline, lb_error *err)
{
    int fd = call_keeper(c, project, directory);
    if (fd >= 0)
        return fd;
    LB_AUTO_FREE char *folder = local_branch_path(c, project, directory, NULL);
    LB_AUTO_FREE char *path = local_branch_path(c, project, directory, "start");
    int r = fs_make_dirs(folder, err);
    if (r < 0)
        return r;
    int64_t left = deadline - c->host->now();
    LB_AUTO_FD int turn = local_lock(c->host, path, left > 0 ? left : 0, err);
    if (turn < 0)
        return turn;
    fd = call_keeper(c, project, directory);
    if (fd >= 0)
        return fd;
    r = local_start_keeper(c, project, directory, err);
    if (r < 0)
        return r;
    fd = call_keeper(c, project, directory);
    return fd >= 0 ? fd : lb_fail(err, LB_ERR_CONFLICT, "try again", "the keeper of %s went away", directory);
}

/* One packet, which names an error's code unless all is well: "ok", or "-14 the compute sleeps". */
static int take_answer(const char *text, lb_error *err)
{
    char *end = NULL;
    if (strcmp(text, "ok") == 0)
        return 0;
    long code = strtol(text, &end, 10);
    if (code >= 0 || code < LB_ERR_INTERNAL || *end != ' ')
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a keeper answers \"%.100s\"", text);
    char *hint = strchr(end + 1, '\n');
    if (hint)
        *hint++ = '\0';
    return lb_fail(err, (int)code, hint, "%s", end + 1);
}

static int hear(const local_cluster *c, int fd, int64_t deadline, lb_error *err)
{
    char text[900];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t now = c->host->now();
        if (c->host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled");
        if (now >= deadline)
            return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "the server was not ready in time");
        int64_t left_ms = (deadline - now) / 1000 + 1;
        int n = poll(&p, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
        if (n <= 0)
            continue;
        ssize_t length = recv(fd, text, sizeof text - 1, 0);
        if (length <= 0)
            return lb_fail(err, LB_ERR_CONFLICT, "try again", "the keeper went away");
        text[length] = '\0';
        return take_answer(text, err);
    }
}

static int ask_once(const local_cluster *c, const char *project, const char *directory, const char *wish,
                    int64_t deadline, lb_error *err)
{
    int fd = reach(c, project, directory, deadline, err);
    if (fd < 0)
        return fd;
    int r = send(fd, wish, strlen(wish), MSG_NOSIGNAL) < 0
                ? lb_fail(err, LB_ERR_CONFLICT, "try again", "the keeper went away")
                : hear(c, fd, deadline, err);
    if (r == 0)
        return fd;
    (void)close(fd); /* nothing is held */
    return r;
}

/* A keeper may be on its way out when it is called: then there is room for the next one. */
int local_claim(const local_cluster *c, const char *project, const char *directory, const char *wish, int64_t deadline,
                lb_error *err)
{
    int r = LB_ERR_CONFLICT;
    for (int i = 0; i < TRIES && r == LB_ERR_CONFLICT; i++)
        r = ask_once(c, project, directory, wish, deadline, err);
    return r;
}

bool local_claim_holds(int claim)
{
    struct pollfd p = {.fd = claim, .events = POLLIN};
    return poll(&p, 1, 0) == 0; /* a keeper says nothing more: what comes is its end */
}

int local_seize(const local_cluster *c, const char *project, const char *directory, const char *wish, int64_t wait_us,
                lb_error *err)
{
    int64_t until = c->host->now() + wait_us;
    LB_AUTO_FREE char *path = local_branch_path(c, project, directory, "lock");
    int r = 0;
    while (r >= 0) {
        r = local_lock(c->host, path, 0, err);
        if (r == LB_ERR_NOT_FOUND) /* no directory, no keeper: there is nothing to hold, and any descriptor will do */
            r = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (r != LB_ERR_CONFLICT || c->host->now() >= until)
            return r;
        LB_AUTO_FD int fd = call_keeper(c, project, directory);
        lb_error ignored;
        if (fd >= 0 && send(fd, wish, strlen(wish), MSG_NOSIGNAL) >= 0)
            (void)hear(c, fd, until, &ignored); /* its end is an answer too */
        const struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
        r = 0;
    }
    return r;
}
