#include "program.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#define PATIENCE_S 90

typedef struct stream {
    int ours, theirs; /* -1: none */
    buf text;
} stream;

static void open_stream(stream *s, outlet kind)
{
    int ends[2] = {-1, -1};
    s->text = BUF_INIT((size_t)256 * 1024 * 1024);
    if (kind == OUTLET_PIPE)
        CU_ASSERT_FATAL(pipe2(ends, O_CLOEXEC) == 0);
    if (kind == OUTLET_FULL)
        ends[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (kind == OUTLET_TERMINAL)
        CU_ASSERT_FATAL(openpty(&ends[0], &ends[1], NULL, NULL, NULL) == 0);
    s->ours = ends[0];
    s->theirs = ends[1];
    if (s->ours >= 0)
        (void)fcntl(s->ours, F_SETFD, FD_CLOEXEC); /* cannot fail on our own descriptor */
}

static _Noreturn void become_program(const circumstances *how, int out, int err, const char *const *words)
{
    const char *argv[32] = {getenv("LBOPS_PROGRAM")};
    for (size_t i = 0; words[i] && i < 30; i++)
        argv[i + 1] = words[i];
    if (!argv[0])
        _exit(125);
    (void)unsetenv("LBOPS_STATE_DIR"); /* what the person who runs the tests has set does not count */
    (void)unsetenv("LBOPS_MANIFEST");
    (void)unsetenv("NO_COLOR");
    (void)(how->state_dir && setenv("LBOPS_STATE_DIR", how->state_dir, 1)); /* a failure fails the test */
    if (how->directory && chdir(how->directory) != 0)
        _exit(126);
    int nothing = open("/dev/null", O_RDONLY);
    (void)dup2(nothing, 0);
    (void)(out >= 0 ? dup2(out, 1) : close(1));
    (void)(err >= 0 ? dup2(err, 2) : close(2));
    (void)execv(argv[0], (char *const *)(uintptr_t)argv); /* takes them unchanged; its type is older than const */
    _exit(127);
}

static void close_theirs(stream *s)
{
    if (s->theirs >= 0)
        (void)close(s->theirs); /* the program has its own */
    s->theirs = -1;
}

/* False at the end. A terminal whose other side is gone says EIO. */
static bool read_some(stream *s)
{
    char chunk[65536];
    ssize_t n = read(s->ours, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR)
        return true;
    if (n > 0) {
        buf_put(&s->text, chunk, (size_t)n);
        return true;
    }
    (void)close(s->ours);
    s->ours = -1;
    return false;
}

/* Whether the program catches the signal. Before that it would end by it. Blocked is not enough: everything is for a
 * moment in a fork, and the moment can be seen. */
static bool hears(pid_t pid, int signal)
{
    LB_AUTO_FREE char *path = base_printf("/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return false;
    uint64_t heard = 0;
    char line[256];
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "SigCgt:", 7))
            heard = strtoull(line + 7, NULL, 16);
    (void)fclose(status);
    return heard >> (signal - 1) & 1;
}

/* Reads both until both are closed or the time is over. */
static void listen_to(stream streams[2], pid_t pid, const circumstances *how, int64_t began)
{
    bool signalled = !how->signal;
    int64_t heard_at = -1;
    while (streams[0].ours >= 0 || streams[1].ours >= 0) {
        int64_t passed_ms = (clock_monotonic() - began) / 1000;
        if (heard_at < 0 && !signalled && hears(pid, how->signal))
            heard_at = passed_ms;
        if (heard_at >= 0 && !signalled && passed_ms >= heard_at + how->signal_after_ms) {
            (void)kill(pid, how->signal);
            signalled = true;
            if (how->twice) {
                (void)usleep(100000); /* or both would be one */
                (void)kill(pid, how->signal);
            }
        }
        if (passed_ms > (int64_t)PATIENCE_S * 1000)
            return;
        struct pollfd waiting[2] = {{.fd = streams[0].ours, .events = POLLIN},
                                    {.fd = streams[1].ours, .events = POLLIN}};
        if (poll(waiting, 2, 20) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (waiting[i].revents)
                (void)read_some(&streams[i]); /* its end is seen by the loop */
    }
}

static int wait_for(pid_t pid, int64_t began)
{
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_monotonic() - began > (int64_t)PATIENCE_S * CLOCK_SECOND) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return -1000;
        }
        (void)usleep(1000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

answer start_program(const circumstances *how, const char *const *words)
{
    stream streams[2];
    open_stream(&streams[0], how->out);
    open_stream(&streams[1], how->err);
    int64_t began = clock_monotonic();
    (void)fflush(stdout); /* or the child would print it again */
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        become_program(how, streams[0].theirs, streams[1].theirs, words);
    close_theirs(&streams[0]);
    close_theirs(&streams[1]);
    listen_to(streams, pid, how, began);
    answer a = {.code = wait_for(pid, began), .seconds = (double)(clock_monotonic() - began) / 1e6};
    a.out = base_strdup(buf_text(&streams[0].text));
    a.err = base_strdup(buf_text(&streams[1].text));
    for (int i = 0; i < 2; i++) {
        buf_done(&streams[i].text);
        if (streams[i].ours >= 0)
            (void)close(streams[i].ours); /* it did not end in time, and the code says so */
    }
    return a;
}

answer lbops(const char *const *words)
{
    return start_program(&(const circumstances){0}, words);
}

void answer_done(answer *a)
{
    free(a->out);
    free(a->err);
}

void workspace_put(const char *dir, const char *name, const char *text)
{
    lb_error err;
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name), *parent = base_strdup(path);
    *strrchr(parent, '/') = '\0';
    if (fs_make_dirs(parent, &err) < 0 || fs_write_durable(path, text, strlen(text), 0600, &err) < 0)
        CU_FAIL_FATAL("cannot write into the workspace");
}

static const char sizes[] =
    "[{\"columns\": [\"name\", \"bytes\"], \"rows\": [[\"orders\", \"4096\"], [\"events\", \"100\"]]}]";

char *workspace_new(void)
{
    return workspace_with_grace(3);
}

char *workspace_with_grace(int seconds)
{
    char *dir = scratch_new();
    LB_AUTO_FREE char *manifest = base_printf(
        "[workspace]\nname = \"cli\"\nstate_dir = \"state\"\nplugins = [\"%s\", \"%s\"]\n[limits]\ngrace_s = %d\n"
        "[services.transport]\nplugin = \"transport_mock\"\nfixtures = \"fixtures\"\n"
        "[[targets]]\nproject = \"shop\"\nbranch = \"dev\"\nclass = \"throwaway\"\n",
        getenv("LBOPS_HOSTILE"), getenv("LBOPS_PLUGINS"), seconds);
    workspace_put(dir, "lbops.toml", manifest);
    workspace_put(dir, "fixtures/sql/hostile/read_sizes.json", sizes);
    workspace_put(dir, "fixtures/sql/hostile/fix_table.json", "[{\"affected\": 1}]");
    workspace_put(dir, "fixtures/targets.json",
                  "[{\"project\": \"away\", \"branch\": \"*\", \"error\": {\"code\": \"unreachable\", \"message\": "
                  "\"nobody there\"}}]");
    return dir;
}

struct json_object *one_document(const char *text)
{
    lb_error err;
    size_t length = strlen(text);
    if (!length || text[length - 1] != '\n' || memchr(text, '\n', length - 1))
        return NULL; /* one line */
    return json_parse(text, length - 1, &err);
}

void expect_code(const answer *a, int code)
{
    if (a->code != code)
        printf("\n    exit code %d, not %d\n    out <%.600s>\n    err <%.600s>\n", a->code, code, a->out, a->err);
    CU_ASSERT_EQUAL(a->code, code);
}

answer in_workspace_how(const circumstances *how, const char *dir, const char *const *words)
{
    const char *all[32] = {"-m"};
    LB_AUTO_FREE char *path = base_printf("%s/lbops.toml", dir);
    all[1] = path;
    for (size_t i = 0; words[i] && i < 28; i++)
        all[i + 2] = words[i];
    return start_program(how, all);
}

answer in_workspace(const char *dir, const char *const *words)
{
    return in_workspace_how(&(const circumstances){0}, dir, words);
}

const char *text_at(struct json_object *object, const char *outer, const char *name)
{
    struct json_object *found = NULL, *inner = object;
    if (outer && !json_object_object_get_ex(object, outer, &inner))
        return NULL;
    return json_object_object_get_ex(inner, name, &found) && found ? json_object_get_string(found) : NULL;
}

size_t length_at(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) ? json_object_array_length(found) : 0;
}

bool exists(const char *dir, const char *name)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name);
    return access(path, F_OK) == 0;
}
