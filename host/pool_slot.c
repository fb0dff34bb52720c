/* Starting and ending worker processes. */
#include "pool_slot.h"

#include "environment.h"
#include "fs.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int make_channels(int sockets[2], int errors[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return -1;
    if (pipe2(errors, O_CLOEXEC) != 0) {
        (void)close(sockets[0]); /* errno of the pipe is what counts */
        (void)close(sockets[1]);
        return -1;
    }
    return 0;
}

static int spawn_worker(const char *program, char **environment, int socket_fd, int error_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char *const argv[] = {(char[]){"lbops"}, (char[]){"--worker"}, NULL};
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        (void)sigemptyset(&none);
        failed = posix_spawn_file_actions_adddup2(&actions, socket_fd, WORKER_FD);
        failed = failed ? failed : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, error_fd, 1);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, error_fd, 2);
        failed = failed ? failed : posix_spawnattr_setsigmask(&attributes, &none);
        failed = failed ? failed : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        failed = failed ? failed : posix_spawn(ret_pid, program, &actions, &attributes, argv, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void set_nonblocking(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* cannot fail on our own descriptor */
}

int slot_start(slot *s, lb_error *err)
{
    int sockets[2], errors[2];
    const char *program = pool_program(s->pool);
    if (make_channels(sockets, errors) != 0)
        return fs_fail(err, errno, "make channels for", "a worker");
    /* dup2 onto the same number would keep close-on-exec: move it out of the way first. */
    int moved = fcntl(sockets[1], F_DUPFD_CLOEXEC, WORKER_FD + 1);
    arena memory;
    arena_init(&memory, 0);
    char **environment = environment_clean(&memory);
    int failed = moved < 0      ? errno
                 : !environment ? ENOMEM
                                : spawn_worker(program, environment, moved, errors[1], &s->pid);
    arena_done(&memory);
    (void)close(sockets[1]); /* the worker has its own */
    (void)close(errors[1]);
    if (moved >= 0)
        (void)close(moved);
    if (failed) {
        (void)close(sockets[0]);
        (void)close(errors[0]);
        s->pid = 0;
        return fs_fail(err, failed, "start a worker from", program);
    }
    set_nonblocking(sockets[0]);
    set_nonblocking(errors[0]);
    s->fd = sockets[0];
    s->stderr_fd = errors[0];
    s->tail_length = 0;
    s->runs = 0;
    s->state = SLOT_STARTING;
    return 0;
}

/* The keeper of a local server (plugins/services/local.h) is meant to outlive who started it: it ends by itself when
 * the last of its users has gone. It is known by its program, which others cannot write. */
static bool is_keeper(pid_t pid)
{
    char link[64], path[4096];
    lb_error ignored;
    (void)snprintf(link, sizeof link, "/proc/%ld/exe", (long)pid); /* fits */
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash + 1, "lbops-keeper") == 0 && fs_check_trusted(path, &ignored) == 0;
}

/* Processes that escaped into a session of their own come back to us as children, since we are their subreaper. */
static void end_orphans(const pool *p)
{
    char path[64], list[4096];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 1000; round++) {
        LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
        bool found = false;
        list[n > 0 ? n : 0] = '\0';
        for (char *at = list, *end; *at; at = end) {
            long pid = strtol(at, &end, 10);
            if (end == at)
                break;
            if (pid > 1 && pool_is_orphan(p, (pid_t)pid) && !is_keeper((pid_t)pid)) {
                (void)kill((pid_t)pid, SIGKILL);
                (void)waitpid((pid_t)pid, NULL, 0); /* it is ours and it is dying */
                found = true;
            }
        }
        if (!found)
            return;
    }
}

void slot_kill(slot *s, int *ret_status)
{
    int status = 0;
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGKILL);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    (void)kill(-s->pid, SIGKILL); /* its group may have outlived it */
    s->pid = 0;
    end_orphans(s->pool);
    (void)slot_read_stderr(s); /* its end is near either way */
    (void)close(s->fd);
    (void)close(s->stderr_fd);
    s->fd = s->stderr_fd = -1;
    buf_clear(&s->in);
    buf_clear(&s->out);
    s->state = SLOT_DOWN;
    if (ret_status)
        *ret_status = status;
}

int slot_send(slot *s)
{
    while (s->out.length) {
        ssize_t n = send(s->fd, s->out.data, s->out.length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        buf_drop_front(&s->out, (size_t)n);
    }
    return 0;
}

/* A worker may write faster than we read: a turn takes so much at most, or nobody else would get one. */
bool slot_read_stderr(slot *s)
{
    char chunk[4096];
    for (int turn = 0; turn < 32; turn++) {
        ssize_t n = read(s->stderr_fd, chunk, sizeof chunk);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        /* Keep the end: the last words before a crash are the ones that explain it. */
        size_t fresh = (size_t)n, room = sizeof s->tail - 1;
        const char *from = chunk;
        if (fresh > room) {
            from += fresh - room;
            fresh = room;
        }
        if (s->tail_length + fresh > room) {
            size_t drop = s->tail_length + fresh - room;
            memmove(s->tail, s->tail + drop, s->tail_length - drop);
            s->tail_length -= drop;
        }
        memcpy(s->tail + s->tail_length, from, fresh);
        s->tail_length += fresh;
        s->tail[s->tail_length] = '\0';
    }
    return true;
}

const char *slot_last_words(slot *s)
{
    if (!s->tail_length)
        return "";
    while (s->tail_length && strchr(" \n\r\t", s->tail[s->tail_length - 1]))
        s->tail[--s->tail_length] = '\0';
    char *words = s->tail + (s->tail_length > SLOT_LAST_WORDS ? s->tail_length - SLOT_LAST_WORDS : 0);
    for (char *p = words; *p; p++)
        if ((unsigned char)*p < ' ' ||
            (unsigned char)*p > '~') /* a message is one line of UTF-8, whatever was written */
            *p = (unsigned char)*p < 0x80 ? ' ' : '?';
    return words;
}

void slot_clear_run(slot *s)
{
    for (size_t i = 0; i < s->change_count; i++)
        free(s->changes[i].json);
    s->change_count = 0;
    s->kept_bytes = 0;
    buf_clear(&s->events);
    s->request = NULL;
    s->asked_to_stop = s->past_deadline = false;
    s->tail_length = 0;
}
