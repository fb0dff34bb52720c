#include "child.h"

#include "clock.h"
#include "environment.h"
#include "fs.h"
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LAST_WORDS 300

/* ---- whom we know ---- */

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t *known;
static size_t known_count, known_capacity;

void child_note_begin(void)
{
    (void)pthread_mutex_lock(&known_lock);
}

void child_note_end(pid_t pid)
{
    if (pid > 0) {
        BASE_PUSH(known, known_count, known_capacity);
        known[known_count++] = pid;
    }
    (void)pthread_mutex_unlock(&known_lock);
}

void child_forget(pid_t pid)
{
    (void)pthread_mutex_lock(&known_lock);
    for (size_t i = 0; i < known_count; i++)
        if (known[i] == pid) {
            known[i] = known[--known_count];
            break;
        }
    if (!known_count) { /* nothing stays allocated when nobody is left */
        free(known);
        known = NULL;
        known_capacity = 0;
    }
    (void)pthread_mutex_unlock(&known_lock);
}

bool child_is_known(pid_t pid)
{
    bool found = false;
    (void)pthread_mutex_lock(&known_lock);
    for (size_t i = 0; i < known_count && !found; i++)
        found = known[i] == pid;
    (void)pthread_mutex_unlock(&known_lock);
    return found;
}

void child_each(void (*visit)(void *arg, pid_t pid), void *arg)
{
    char path[64], list[4096];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
    list[n > 0 ? n : 0] = '\0';
    for (char *at = list, *end; *at; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            return;
        if (pid > 1)
            visit(arg, (pid_t)pid);
    }
}

/* ---- starting ---- */

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

static int spawn(const char *program, const char *role, char **environment, int socket_fd, int error_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char words[32];
    char *const argv[] = {(char[]){"lbops"}, words, NULL};
    (void)snprintf(words, sizeof words, "%s", role);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        (void)sigemptyset(&none);
        failed = posix_spawn_file_actions_adddup2(&actions, socket_fd, CHILD_FD);
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

struct ev_loop *child_loop(void)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    (void)signal(SIGCHLD, SIG_DFL); /* cannot fail; whoever started us may have had it ignored, too */
    return loop;
}

int child_start(child *c, const char *program, const char *role, lb_error *err)
{
    int sockets[2], errors[2];
    program = program ? program : self_path();
    if (make_channels(sockets, errors) != 0)
        return fs_fail(err, errno, "make channels for", role);
    /* dup2 onto the same number would keep close-on-exec: move it out of the way first. */
    int moved = fcntl(sockets[1], F_DUPFD_CLOEXEC, CHILD_FD + 1);
    arena memory;
    arena_init(&memory, 0);
    char **environment = environment_clean(&memory);
    child_note_begin();
    int failed = moved < 0      ? errno
                 : !environment ? ENOMEM
                                : spawn(program, role, environment, moved, errors[1], &c->pid);
    child_note_end(failed ? 0 : c->pid);
    arena_done(&memory);
    (void)close(sockets[1]); /* the child has its own */
    (void)close(errors[1]);
    if (moved >= 0)
        (void)close(moved);
    if (failed) {
        (void)close(sockets[0]);
        (void)close(errors[0]);
        c->pid = 0;
        return fs_fail(err, failed, "start a child from", program);
    }
    set_nonblocking(sockets[0]);
    set_nonblocking(errors[0]);
    c->fd = sockets[0];
    c->stderr_fd = errors[0];
    c->tail_length = 0;
    return 0;
}

/* ---- watching and ending ---- */

void child_kill(child *c, int *ret_status)
{
    int status = 0;
    if (c->pid <= 0)
        return;
    (void)kill(c->pid, SIGKILL);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    (void)kill(-c->pid, SIGKILL); /* its group may have outlived it */
    child_forget(c->pid);
    c->pid = 0;
    (void)child_read_stderr(c); /* its end is near either way */
    (void)close(c->fd);
    (void)close(c->stderr_fd);
    c->fd = c->stderr_fd = -1;
    if (ret_status)
        *ret_status = status;
}

/* Keeps the end: the last words before a crash are the ones that explain it. */
static void keep_tail(child *c, const char *from, size_t fresh)
{
    size_t room = sizeof c->tail - 1;
    if (fresh > room) {
        from += fresh - room;
        fresh = room;
    }
    if (c->tail_length + fresh > room) {
        size_t drop = c->tail_length + fresh - room;
        memmove(c->tail, c->tail + drop, c->tail_length - drop);
        c->tail_length -= drop;
    }
    memcpy(c->tail + c->tail_length, from, fresh);
    c->tail_length += fresh;
    c->tail[c->tail_length] = '\0';
}

/* A child may write faster than we read: a turn takes so much at most, or nobody else would get one. */
bool child_read_stderr(child *c)
{
    char chunk[4096];
    for (int turn = 0; turn < 32; turn++) {
        ssize_t n = read(c->stderr_fd, chunk, sizeof chunk);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        keep_tail(c, chunk, (size_t)n);
    }
    return true;
}

const char *child_last_words(child *c)
{
    if (!c->tail_length)
        return "";
    while (c->tail_length && strchr(" \n\r\t", c->tail[c->tail_length - 1]))
        c->tail[--c->tail_length] = '\0';
    char *words = c->tail + (c->tail_length > LAST_WORDS ? c->tail_length - LAST_WORDS : 0);
    for (char *p = words; *p; p++)
        if ((unsigned char)*p < ' ' ||
            (unsigned char)*p > '~') /* a message is one line of UTF-8, whatever was written */
            *p = (unsigned char)*p < 0x80 ? ' ' : '?';
    return words;
}

const char *child_death(int status, char text[64])
{
    if (WIFSIGNALED(status))
        (void)snprintf(text, 64, "it was ended by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 0)
        (void)snprintf(text, 64, "it ended itself with exit(0)");
    else
        (void)snprintf(text, 64, "it ended itself with exit(%d)", WEXITSTATUS(status));
    return text;
}

bool child_has_ended(pid_t pid)
{
    LB_AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return pidfd < 0 || poll(&ended, 1, 100) == 1;
}

#ifdef LBOPS_SANITIZED
#define PATIENCE_MS 60000

static void tell_findings(child *c)
{
    siginfo_t end = {.si_pid = 0};
    if (waitid(P_PID, (id_t)c->pid, &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid == 0 ||
        end.si_code != CLD_EXITED || end.si_status == 0)
        return;
    (void)child_read_stderr(c); /* its end is near: it has ended */
    if (strstr(c->tail, "LeakSanitizer has encountered a fatal error"))
        return; /* a thread ended under its eyes, which it does not survive; it has found nothing */
    (void)fprintf(stderr, "a process of ours ended with exit(%d):\n%s\n", end.si_status, c->tail);
    (void)fflush(stderr);
    _exit(end.si_status);
}
#else
#define PATIENCE_MS 0

static void tell_findings(const child *c)
{
    (void)c;
}
#endif

void child_await(child *c, int most_ms)
{
    int64_t until = clock_monotonic() + (PATIENCE_MS > most_ms ? PATIENCE_MS : most_ms) * INT64_C(1000);
    bool has_ended = false;
    while (!(has_ended = child_has_ended(c->pid)) && clock_monotonic() < until)
        (void)child_read_stderr(c); /* or it might wait for us to read */
    if (has_ended)
        tell_findings(c);
}
