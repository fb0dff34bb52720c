/* Other processes: Postgres' programs and the servers' user, and the keepers of branches. */
#include "local.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- between fork and exec: nothing but system calls ---- */

static bool drop_rights(const local_cluster *c)
{
    if (geteuid() != 0)
        return true;
    return setgroups(0, NULL) == 0 && setresgid(c->gid, c->gid, c->gid) == 0 &&
           setresuid(c->uid, c->uid, c->uid) == 0 && setuid(0) != 0;
}

/* A worker limits its memory and catches signals; what it starts gets the ordinary world back. */
static void reset_world(void)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};
    struct rlimit limit;
    sigset_t none;
    for (size_t i = 0; i < LB_COUNT(signals); i++)
        (void)signal(signals[i], SIG_DFL); /* cannot fail for these */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (getrlimit(RLIMIT_AS, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_AS, &limit); /* up to the hard limit is always allowed */
    }
    (void)umask(077);
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

bool local_as_server(const local_cluster *c, bool (*fn)(const void *arg), const void *arg)
{
    pid_t pid = fork();
    if (pid == 0) {
        reset_world();
        _exit(drop_rights(c) && fn(arg) ? 0 : 1);
    }
    return pid > 0 && wait_for(pid) == 0;
}

/* ---- programs ---- */

static char *const clean_environment[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LC_ALL=C.UTF-8"},
                                          (char[]){"TZ=UTC"}, (char[]){"HOME=/"}, NULL};

/* Descriptors that are above those which are to be given, so that dup2 treads on none of them. */
static bool place_descriptors(const local_program *program)
{
    int moved[LB_COUNT(program->dirs)], log = fcntl(program->log, F_DUPFD, LOCAL_FD + 8);
    int none = open("/dev/null", O_RDONLY);
    bool ok = log >= 0 && none >= 0;
    for (size_t i = 0; i < LB_COUNT(program->dirs); i++)
        moved[i] = program->dirs[i] >= 0 ? fcntl(program->dirs[i], F_DUPFD, LOCAL_FD + 8) : -1;
    ok = ok && dup2(none, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0;
    for (size_t i = 0; i < LB_COUNT(program->dirs); i++)
        ok = ok && (moved[i] < 0 || dup2(moved[i], LOCAL_FD + (int)i) >= 0);
    (void)close_range(3, LOCAL_FD - 1, 0); /* what is not open stays so */
    return ok && close_range(LOCAL_FD + (unsigned)LB_COUNT(program->dirs), ~0U, 0) == 0;
}

pid_t local_start(const local_cluster *c, const local_program *program, lb_error *err)
{
    union {
        const char *const *in;
        char *const *out; /* execve promises to leave it alone; its type is older than const */
    } argv = {.in = program->argv};
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid > 0
                   ? pid
                   : lb_fail(err, LB_ERR_LIMIT, "are there too many processes?", "cannot fork: %s", strerror(errno));
    reset_world();
    bool ok = setpgid(0, 0) == 0 && place_descriptors(program) && chdir("/") == 0 && drop_rights(c) &&
              prctl(PR_SET_PDEATHSIG, SIGINT) == 0; /* a fast shutdown, when it is a server */
    if (ok && getppid() == parent)
        (void)execve(argv.out[0], argv.out, clean_environment); /* returns on failure alone */
    _exit(127);
}

/* ---- keepers ---- */

static char *flag(const char *name, const char *value)
{
    return base_printf("--%s=%s", name, value);
}

static char *number_flag(const char *name, int64_t value)
{
    return base_printf("--%s=%lld", name, (long long)value);
}

static void free_words(char **words)
{
    for (char **w = words; *w; w++)
        free(*w);
}

/* In a child: one more fork lets it go, so that it is nobody's child; its end of the pipe stays open until it takes
 * callers. */
static void become_keeper(char **argv, int pipe_end)
{
    reset_world();
    if (setsid() < 0 || dup2(pipe_end, STDOUT_FILENO) < 0 || chdir("/") != 0)
        _exit(1);
    (void)close_range(3, ~0U, 0); /* what is not open stays so */
    int none = open("/dev/null", O_RDWR);
    if (none < 0 || dup2(none, STDIN_FILENO) < 0 || dup2(none, STDERR_FILENO) < 0)
        _exit(1);
    pid_t pid = fork();
    if (pid == 0)
        (void)execv(argv[0], argv); /* returns on failure alone */
    _exit(pid > 0 ? 0 : 1);
}

/* What the keeper says before it closes its end: nothing when all is well. */
static int hear(int fd, const char *program, lb_error *err)
{
    char text[400];
    size_t length = 0;
    ssize_t n = 1;
    while (n != 0 && length + 1 < sizeof text) {
        n = read(fd, text + length, sizeof text - 1 - length);
        if (n < 0 && errno != EINTR)
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    text[length] = '\0';
    if (strcmp(text, "ok") == 0)
        return 0;
    return lb_fail(err, LB_ERR_IO, "is the installation complete?", "%s did not start%s%s", program, length ? ": " : "",
                   text);
}

static int start_detached(char **argv, lb_error *err)
{
    int ends[2], subreaper = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return lb_fail(err, LB_ERR_LIMIT, "raise the limit of open files (ulimit -n)", "no pipe: %s", strerror(errno));
    /* A worker adopts what its runs leave behind, and is replaced because of it. A keeper is meant to stay. */
    bool adopts = prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper;
    if (adopts)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 0); /* cannot fail with this argument */
    pid_t pid = fork();
    if (pid == 0)
        become_keeper(argv, ends[1]);
    (void)close(ends[1]); /* the child's */
    int status = pid > 0 ? wait_for(pid) : -1;
    if (adopts)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* as above */
    int r = status == 0 ? hear(ends[0], argv[0], err)
                        : lb_fail(err, LB_ERR_LIMIT, "are there too many processes?", "cannot start %s", argv[0]);
    (void)close(ends[0]); /* was only read */
    return r;
}

int local_start_keeper(const local_cluster *c, const char *project, const char *directory, lb_error *err)
{
    struct stat st;
    if (stat(c->keeper, &st) != 0)
        return fs_fail(err, errno, "find the program", c->keeper);
    char *argv[] = {
        base_strdup(c->keeper),
        flag("cluster", c->path),
        flag("project", project),
        flag("branch", directory),
        number_flag("linger", c->linger_s),
        number_flag("uid", (int64_t)c->uid),
        number_flag("gid", (int64_t)c->gid),
        flag("programs", c->programs ? c->programs : ""),
        NULL,
    };
    int r = start_detached(argv, err);
    free_words(argv);
    return r;
}
