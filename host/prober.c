#include "prober.h"

#include "child.h"
#include "clock.h"
#include "environment.h"
#include "json.h"
#include "load.h"
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define DEFAULT_TIMEOUT_MS 5000
#define FAREWELL_MS        500 /* for a child that has nothing left to do */
#define LINE_MAX_BYTES     (2 * SPEC_JSON_MAX)

struct prober {
    char *program;
    int timeout_ms;
    pid_t pid; /* 0: no child */
    int fd, pidfd;
    unsigned answered; /* by this child */
    buf input;
};

/* How the wait for a line went, and how far the child has come with the file. */
typedef enum wait_result { WAIT_LINE, WAIT_ENDED, WAIT_TIMEOUT, WAIT_GARBAGE } wait_result;
typedef enum stage { STAGE_START, STAGE_CONSTRUCTOR, STAGE_DESCRIPTOR } stage;

prober *prober_new(const char *program, int timeout_ms)
{
    prober *p = base_alloc(sizeof *p);
    p->program = base_strdup(program ? program : self_path());
    p->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
    p->fd = p->pidfd = -1;
    p->input = BUF_INIT(LINE_MAX_BYTES);
    return p;
}

/* ---- the child ---- */

/* Two connected sockets, both above the standard descriptors, so that placing one on 0 and 1 cannot overwrite it. */
static int make_channel(int ends[2], lb_error *err)
{
    int raw[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw) != 0)
        return lb_fail(err, LB_ERR_IO, "raise the limit of open files (ulimit -n)",
                       "cannot make a channel to the probe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
        (void)close(raw[i]); /* nothing was written */
    }
    if (ends[0] >= 0 && ends[1] >= 0)
        return 0;
    for (int i = 0; i < 2; i++)
        base_close(&ends[i]);
    return lb_fail(err, LB_ERR_IO, "raise the limit of open files (ulimit -n)",
                   "cannot make a channel to the probe: %s", strerror(EMFILE));
}

/* Own process group (to end its children with it), default signals, the channel as standard input and output. */
static int spawn(const char *program, int channel, char **environment, pid_t *ret_pid)
{
    char probe_flag[] = "--probe", name[] = "lbops";
    char *argv[] = {name, probe_flag, NULL};
    sigset_t every, none;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    (void)sigfillset(&every); /* cannot fail */
    (void)sigemptyset(&none); /* cannot fail */
    int r = posix_spawnattr_init(&attributes);
    if (r)
        return r;
    r = posix_spawn_file_actions_init(&actions);
    if (r) {
        (void)posix_spawnattr_destroy(&attributes); /* the first failure counts */
        return r;
    }
    bool ready =
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) ==
            0 &&
        posix_spawnattr_setpgroup(&attributes, 0) == 0 && posix_spawnattr_setsigdefault(&attributes, &every) == 0 &&
        posix_spawnattr_setsigmask(&attributes, &none) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, channel, STDIN_FILENO) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, channel, STDOUT_FILENO) == 0;
    r = ready ? posix_spawn(ret_pid, program, &actions, &attributes, argv, environment) : ENOMEM;
    (void)posix_spawn_file_actions_destroy(&actions); /* always succeeds */
    (void)posix_spawnattr_destroy(&attributes);       /* always succeeds */
    return r;
}

static int start(prober *p, lb_error *err)
{
    int ends[2] = {-1, -1};
    if (make_channel(ends, err) < 0)
        return err->code;
    arena memory;
    arena_init(&memory, 0);
    char **environment = environment_clean(&memory); /* constructors see no secret of ours */
    child_note_begin();
    int r = environment ? spawn(p->program, ends[1], environment, &p->pid) : ENOMEM;
    child_note_end(r ? 0 : p->pid);
    arena_done(&memory);
    base_close(&ends[1]);
    if (r) {
        base_close(&ends[0]);
        p->pid = 0;
        return lb_fail(err, r == ENOENT ? LB_ERR_NOT_FOUND : LB_ERR_IO, "check that the lbops program can be executed",
                       "cannot start the probe %s: %s", p->program, strerror(r));
    }
    p->fd = ends[0];
    p->pidfd = pidfd_open(p->pid, 0);
    p->answered = 0;
    buf_clear(&p->input);
    if (p->pidfd >= 0)
        return 0;
    r = errno;
    (void)kill(p->pid, SIGKILL);    /* it is ours and not reaped yet */
    (void)waitpid(p->pid, NULL, 0); /* its end is all that we want */
    child_forget(p->pid);
    base_close(&p->fd);
    p->fd = -1;
    p->pid = 0;
    return lb_fail(err, LB_ERR_UNSUPPORTED, "use Linux 5.3 or newer", "cannot watch the probe: %s", strerror(r));
}

static int milliseconds_until(int64_t deadline)
{
    int64_t left = (deadline - clock_monotonic() + 999) / 1000;
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Waits for the child's end until the deadline, then makes sure of it. True: it ended by itself. The group is signalled
 * while the child is not reaped yet: until then its number cannot belong to anybody else. */
static bool stop(prober *p, int64_t deadline, int *ret_status)
{
    struct pollfd wait = {.fd = p->pidfd, .events = POLLIN};
    int ready, status = 0;
    while ((ready = poll(&wait, 1, milliseconds_until(deadline))) < 0 && errno == EINTR)
        ;                         /* again, with what is left of the time */
    (void)kill(-p->pid, SIGKILL); /* nobody left to kill is the usual case */
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ; /* SIGKILL was sent: it ends */
    child_forget(p->pid);
    base_close(&p->fd);
    base_close(&p->pidfd);
    p->fd = p->pidfd = -1;
    p->pid = 0;
    *ret_status = status;
    return ready > 0;
}

prober *prober_free(prober *p)
{
    if (!p)
        return NULL;
    if (p->pid) {
        int status;                     /* how it ends says nothing any more */
        (void)shutdown(p->fd, SHUT_WR); /* end of input is what it waits for; if that fails, it is killed */
        (void)stop(p, clock_monotonic() + FAREWELL_MS * INT64_C(1000), &status); /* as above */
    }
    buf_done(&p->input);
    free(p->program);
    free(p);
    return NULL;
}

/* ---- lines ---- */

static bool send_path(prober *p, const char *path)
{
    LB_AUTO_FREE char *line = base_printf("%s\n", path);
    const char *at = line;
    size_t left = strlen(line);
    while (left) {
        ssize_t n = send(p->fd, at, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        left -= (size_t)n;
    }
    return true;
}

/* The next line without its end, in p->input until buf_drop_front. */
static wait_result next_line(prober *p, int64_t deadline, size_t *ret_length)
{
    for (;;) {
        char *end = p->input.length ? memchr(p->input.data, '\n', p->input.length) : NULL;
        if (end) {
            *end = '\0';
            *ret_length = (size_t)(end - p->input.data);
            return WAIT_LINE;
        }
        struct pollfd waits[] = {{.fd = p->fd, .events = POLLIN}, {.fd = p->pidfd, .events = POLLIN}};
        int ready = poll(waits, LB_COUNT(waits), milliseconds_until(deadline));
        if (ready < 0 && errno != EINTR)
            return WAIT_ENDED;
        if (ready == 0)
            return WAIT_TIMEOUT;
        if (ready < 0)
            continue;
        if (!waits[0].revents)
            return WAIT_ENDED; /* a process that it left behind may still hold the channel */
        char chunk[16384];
        ssize_t n = recv(p->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            return WAIT_ENDED;
        if (n > 0)
            buf_put(&p->input, chunk, (size_t)n);
        if (p->input.overflow)
            return WAIT_GARBAGE;
    }
}

/* ---- answers ---- */

/* "bad\tCODE\tMESSAGE\tHINT" */
static bool read_refusal(char *line, lb_error *ret_refusal)
{
    char *fields[4], *end;
    for (size_t i = 0; i < LB_COUNT(fields); i++) {
        fields[i] = line ? line : NULL;
        line = line ? strchr(line, '\t') : NULL;
        if (line)
            *line++ = '\0';
    }
    if (!fields[3] || line)
        return false;
    long code = strtol(fields[1], &end, 10);
    if (*end || code > LB_ERR_INVALID || code < LB_ERR_INTERNAL || !*fields[2] || !params_is_line(fields[2], 600) ||
        !params_is_line(fields[3], 600))
        return false;
    (void)lb_fail(ret_refusal, (int)code, fields[3], "%s", fields[2]); /* the refusal is the answer */
    return true;
}

/* "ok\tJSON": the spec, or NULL with the refusal. */
static plugin_spec *read_description(const char *json, size_t length, const char *path, lb_error *ret_refusal)
{
    lb_error detail;
    LB_AUTO_FREE char *name = load_name_of(path);
    plugin_spec *spec = spec_read(json, length, &detail);
    if (spec && strcmp(spec->path, path) == 0 && strcmp(spec->name, name) == 0)
        return spec;
    if (spec)
        (void)lb_fail(&detail, LB_ERR_INVALID, "build the plugin again",
                      "it is about another plugin"); /* passed on below */
    (void)lb_fail(ret_refusal, LB_ERR_INVALID, detail.hint,
                  "plugin %.64s describes itself in a way that cannot be: %.350s", name,
                  detail.message); /* the refusal is the answer */
    return spec_free(spec);
}

/* The verdict line. False: it is none, or comes too early: nothing can be described before it is open. */
static bool read_verdict(char *line, size_t length, const char *path, stage at, plugin_spec **ret_spec,
                         lb_error *ret_refusal)
{
    if (at == STAGE_START || strlen(line) != length)
        return false; /* the second is a NUL inside */
    if (strncmp(line, "bad\t", 4) == 0)
        return read_refusal(line, ret_refusal);
    if (at != STAGE_DESCRIPTOR || strncmp(line, "ok\t", 3) != 0)
        return false;
    *ret_spec = read_description(line + 3, length - 3, path, ret_refusal);
    return true;
}

/* One file, by the child that is there. *ret_stage says how far it came. */
static wait_result ask(prober *p, const char *path, int64_t deadline, plugin_spec **ret_spec, lb_error *ret_refusal,
                       stage *ret_stage)
{
    static const char *const marks[] = {"begin\t", "open\t"};
    *ret_stage = STAGE_START;
    if (p->input.length)
        return WAIT_GARBAGE; /* something spoke without being asked */
    if (!send_path(p, path))
        return WAIT_ENDED;
    for (;;) {
        size_t length;
        wait_result waited = next_line(p, deadline, &length);
        if (waited != WAIT_LINE)
            return waited;
        char *line = p->input.data;
        const char *mark = *ret_stage < STAGE_DESCRIPTOR ? marks[*ret_stage] : NULL;
        bool is_mark = mark && strncmp(line, mark, strlen(mark)) == 0 && strcmp(line + strlen(mark), path) == 0;
        bool is_verdict = !is_mark && read_verdict(line, length, path, *ret_stage, ret_spec, ret_refusal);
        buf_drop_front(&p->input, length + 1);
        if (is_verdict) {
            p->answered++;
            return WAIT_LINE;
        }
        if (!is_mark)
            return WAIT_GARBAGE;
        (*ret_stage)++;
    }
}

/* ---- what became of a child ---- */

static void explain_end(wait_result how, stage at, int status, const prober *p, const char *path, lb_error *refusal)
{
    static const char hint[] =
        "keep work out of constructors and the descriptor constant; `lbops plugin check FILE.so` tries it again";
    LB_AUTO_FREE char *name = load_name_of(path);
    const char *what = at == STAGE_DESCRIPTOR ? "its descriptor" : "its constructor";
    const char *signal_name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (how == WAIT_TIMEOUT)
        (void)lb_fail(refusal, LB_ERR_TIMEOUT, hint, "plugin %.64s: %s did not finish within %g s", name, what,
                      p->timeout_ms / 1000.0);
    else if (how == WAIT_GARBAGE)
        (void)lb_fail(refusal, LB_ERR_TOOL, hint, "plugin %.64s: %s wrote garbage into the probe's answer", name, what);
    else if (WIFSIGNALED(status))
        (void)lb_fail(refusal, LB_ERR_TOOL, hint, "plugin %.64s: %s crashed the probe with SIG%s", name, what,
                      signal_name ? signal_name : "?");
    else if (WEXITSTATUS(status) == PROBE_EXIT_FILES)
        (void)lb_fail(refusal, LB_ERR_TOOL, "leave descriptors alone that the plugin has not opened",
                      "plugin %.64s: %s closed or replaced files of the host", name, what);
    else
        (void)lb_fail(refusal, LB_ERR_TOOL, hint, "plugin %.64s: %s ended the probe with exit(%d)", name, what,
                      WEXITSTATUS(status));
    /* the refusal is the answer: its code is read by the caller */
}

int prober_ask(prober *p, const char *path, plugin_spec **ret_spec, lb_error *ret_refusal, lb_error *err)
{
    *ret_spec = NULL;
    for (;;) {
        if (!p->pid && start(p, err) < 0)
            return err->code;
        stage at;
        int64_t deadline = clock_monotonic() + p->timeout_ms * INT64_C(1000);
        wait_result how = ask(p, path, deadline, ret_spec, ret_refusal, &at);
        if (how == WAIT_LINE)
            return 0;
        bool fresh = p->answered == 0;
        int status;
        if (!stop(p, how == WAIT_ENDED ? deadline : 0, &status) && how == WAIT_ENDED)
            how = WAIT_TIMEOUT; /* it closed the channel and went on */
        if (!fresh && how != WAIT_TIMEOUT)
            continue; /* maybe the work of an earlier plugin: judge this one by a child that has seen nothing else */
        if (at == STAGE_START)
            return lb_fail(err, LB_ERR_INTERNAL, "does that program know --probe?",
                           how == WAIT_TIMEOUT ? "the probe %s does not answer" : "the probe %s gives no good answer",
                           p->program);
        explain_end(how, at, status, p, path, ret_refusal);
        return 0;
    }
}
