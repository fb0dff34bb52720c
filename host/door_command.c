/* Changes that are neither SQL nor the control plane: files and programs. */
#include "door.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define OUTPUT_LIMIT ((size_t)1024 * 1024)

/* The folders that it is to lie in are made with it. */
int door_run_file(change *c, lb_error *err)
{
    const char *slash = strrchr(c->path, '/');
    const char *folder = slash > c->path ? arena_printf(c->group->run->memory, "%.*s", (int)(slash - c->path), c->path)
                                         : "/"; /* a path begins with one */
    if (!folder)
        return lb_out_of_memory(err);
    if (fs_make_dirs(folder, err) < 0)
        return err->code;
    return fs_write_durable(c->path, c->content, strlen(c->content), 0644, err);
}

int door_spawn(const change *c, int output, char *const *environment, pid_t *ret_pid, lb_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return fs_fail(err, failed, "start", c->argv[0]);
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, output, 1);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, output, 2);
        failed = failed ? failed : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        char *const *argv =
            (char *const *)(uintptr_t)c->argv; /* posix_spawn takes them unchanged, its type is older than const */
        failed = failed ? failed : posix_spawnp(ret_pid, c->argv[0], &actions, &attributes, argv, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed ? fs_fail(err, failed, "start", c->argv[0]) : 0;
}

/* Reads until the program closes its output. False when the run's time is over before that. */
static bool read_output(const run_state *run, int fd, buf *output)
{
    lb_error ignored;
    for (;;) {
        if (run_check_stop(run, &ignored) < 0)
            return false;
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (run->deadline - clock_monotonic()) / 1000 + 1;
        if (poll(&waiting, 1, left_ms > 60000 ? 60000 : (int)left_ms) <= 0)
            continue;
        char chunk[4096];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
        if (n > 0)
            buf_put(output, chunk, (size_t)n);
    }
}

int door_judge_exit(const change *c, int status, const buf *output, lb_error *err)
{
    size_t shown = output->length > 200 ? 200 : output->length;
    const char *tail = buf_text(output) + output->length - shown;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return lb_fail(err, LB_ERR_TOOL, NULL, "%s was ended by signal %d (%s)", c->argv[0], WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    return lb_fail(err, LB_ERR_TOOL, "its last words are in the message", "%s ended with code %d: %s", c->argv[0],
                   WEXITSTATUS(status), tail);
}

int door_run_exec(change *c, lb_error *err)
{
    run_state *run = c->group->run;
    int ends[2], status = 0;
    pid_t pid = -1;
    char **environment = NULL;
    if (door_is_beside(c))
        return door_run_beside(c, err);
    int r = door_lend(c, &environment, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fs_fail(err, errno, "make a pipe for", c->argv[0]);
    r = door_spawn(c, ends[1], environment, &pid, err);
    (void)close(ends[1]); /* the child has its own */
    LB_AUTO_FD int from = ends[0];
    if (r < 0)
        return r;
    BUF_AUTO output = BUF_INIT(OUTPUT_LIMIT);
    bool in_time = read_output(run, from, &output);
    if (!in_time)
        (void)kill(-pid, SIGKILL); /* the whole group; gone already is fine */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!in_time)
        return lb_fail(err, LB_ERR_TIMEOUT, "give the tool a larger timeout_s", "%s did not end in time", c->argv[0]);
    door_hide_password(c, &output);
    c->group->reply = arena_strdup(run->memory, buf_text(&output));
    return c->group->reply ? door_judge_exit(c, status, &output, err) : lb_out_of_memory(err);
}
