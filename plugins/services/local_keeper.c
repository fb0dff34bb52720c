/* lbops-keeper: one process per branch, started by the transport when somebody needs the branch.
 *
 * It makes the branch when that is still to be done, starts its server for the first caller, and stops it: --linger
 * seconds after the last caller has gone and nobody else is connected, when the endpoint's suspend timeout passes
 * without activity (which also puts it to sleep in the record), when the branch expires, and when it is told to. It
 * never outlives its work, and its server never outlives it. Callers send one packet each: see local.h. */
#include "local_keeper.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define CALLERS      512
#define RESTARTS     5 /* of a server that dies, within ... */
#define RESTART_SPAN (60 * CLOCK_SECOND)

typedef struct caller {
    int fd;
    bool waits; /* for the server */
} caller;

typedef struct service {
    keeper k;
    int listener;
    caller callers[CALLERS];
    size_t count;
    int64_t left_at; /* when the last caller went */
    int64_t deaths[RESTARTS];
    size_t died;
    bool expired;
    const char *last_wish; /* why it ends: "suspend" also drops the statistics */
} service;

static service *running; /* for the host's functions, which have no argument */

/* ---- the host of pg_session ---- */

static bool is_cancelled(void)
{
    return false; /* its own deadlines end everything */
}

LB_PRINTF(2, 0) static void log_to_file(lb_level level, const char *fmt, va_list args)
{
    char text[600];
    if (level > LB_LOG_INFO || !running || running->k.log < 0)
        return;
    (void)vsnprintf(text, sizeof text, fmt, args);       /* a long line is cut */
    (void)dprintf(running->k.log, "keeper: %s\n", text); /* a log that cannot be written is no reason to stop */
}

static const lb_service_host keeper_host = {
    .size = sizeof keeper_host, .vlog = log_to_file, .cancelled = is_cancelled, .now = clock_monotonic};

void keeper_note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_to_file(LB_LOG_INFO, fmt, args);
    va_end(args);
}

/* ---- callers ---- */

static void say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT); /* who does not listen is gone */
}

static void say_error(int fd, const lb_error *err)
{
    LB_AUTO_FREE char *text = base_printf("%d %.500s\n%.250s", err->code, err->message, err->hint);
    say(fd, text);
}

static void drop_caller(service *s, size_t i)
{
    (void)close(s->callers[i].fd); /* nothing is left to say */
    s->callers[i] = s->callers[--s->count];
    if (!s->count)
        s->left_at = clock_monotonic();
}

static void answer_all(service *s, const lb_error *failure)
{
    for (size_t i = s->count; i-- > 0;) {
        if (!s->callers[i].waits)
            continue;
        s->callers[i].waits = false;
        if (!failure) {
            say(s->callers[i].fd, "ok");
            continue;
        }
        say_error(s->callers[i].fd, failure);
        drop_caller(s, i);
    }
}

/* May the server be started for this wish? */
static int judge(const service *s, const char *wish, bool *ret_wakes, lb_error *err)
{
    RECORD r = {.p = {.lock = -1}};
    int code = record_open(&s->k, false, &r, err);
    if (code < 0)
        return code;
    bool sleeps = doc_is(r.endpoint, "status.current_state", "IDLE") ||
                  doc_is(r.entry, "branch.status.current_state", "ARCHIVED");
    *ret_wakes = sleeps && strcmp(wish, "restore") != 0;
    if (doc_is(r.entry, "branch.status.pending_state", "DELETED") ||
        doc_is(r.entry, "branch.status.current_state", "DELETED"))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "the branch is deleted");
    if (strcmp(wish, "restore") == 0)
        return 0;
    if (doc_flag(r.endpoint, "status.disabled"))
        return lb_fail(err, LB_ERR_SUSPENDED, "enable the endpoint (PATCH spec.disabled)", "the compute is disabled");
    if (sleeps && strcmp(wish, "wake") != 0)
        return lb_fail(err, LB_ERR_SUSPENDED, "wake = true in the target's entry of the manifest lets us wake it",
                       "the compute is suspended");
    return 0;
}

static void take_user(service *s, size_t i, const char *wish)
{
    lb_error err;
    bool wakes = false;
    int r = judge(s, wish, &wakes, &err);
    if (r == 0 && !s->k.server)
        r = server_begin(&s->k, NULL, &err);
    if (r < 0) {
        say_error(s->callers[i].fd, &err);
        drop_caller(s, i);
        return;
    }
    if (wakes && !record_endpoint(&s->k, "ACTIVE"))
        keeper_note("the record still says that the compute sleeps"); /* it is set right at the next wish to wake it */
    s->k.active_at = clock_monotonic();
    s->callers[i].waits = true;
    if (s->k.ready)
        answer_all(s, NULL);
}

/* False: the caller is gone, and another one stands in its place. */
static bool take_packet(service *s, size_t i)
{
    char wish[32];
    ssize_t n = recv(s->callers[i].fd, wish, sizeof wish - 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        drop_caller(s, i);
        return false;
    }
    wish[n] = '\0';
    if (strcmp(wish, "use") == 0 || strcmp(wish, "wake") == 0 || strcmp(wish, "restore") == 0) {
        size_t before = s->count;
        take_user(s, i, wish);
        return s->count == before;
    }
    if (strcmp(wish, "look") == 0)
        record_limits(&s->k);
    else if (strcmp(wish, "suspend") == 0 || strcmp(wish, "end") == 0) {
        s->last_wish = strcmp(wish, "suspend") == 0 ? "suspend" : "end";
        s->k.ends = true;
    }
    say(s->callers[i].fd, "ok");
    drop_caller(s, i);
    return false;
}

static void take_callers(service *s)
{
    int fd;
    while ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (s->count == CALLERS) {
            say(fd, "-8 too many processes use the branch\n");
            (void)close(fd); /* it has been told */
            continue;
        }
        s->callers[s->count++] = (caller){.fd = fd};
    }
}

/* ---- the server's life ---- */

static void on_ready(service *s)
{
    lb_error err;
    answer_all(s, NULL);
    s->k.sessions = -1;
    s->k.active_at = clock_monotonic();
    if (server_activity(&s->k, &err) < 0)
        keeper_note("%s", err.message);
    s->k.active_at = clock_monotonic();
    RECORD r = {.p = {.lock = -1}};
    if (record_open(&s->k, false, &r, &err) == 0 && build_keeps_history(r.entry) && build_base(&s->k, &err) < 0)
        keeper_note("no new base: %s", err.message);
}

/* Somebody killed it. It starts again as long as it is needed and does not die all the time; what its crash left of
 * shared memory may need a moment to go. */
static void on_death(service *s, const lb_error *err)
{
    int64_t now = clock_monotonic(), oldest = s->deaths[s->died % RESTARTS];
    lb_error failure = *err;
    keeper_note("%s", err->message);
    if (!s->count)
        return;
    s->deaths[s->died++ % RESTARTS] = now;
    if (oldest && now - oldest < RESTART_SPAN) {
        answer_all(s, &failure);
        s->k.ends = true;
        return;
    }
    const struct timespec pause = {.tv_nsec = 300000000};
    (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    if (server_begin(&s->k, NULL, &failure) < 0)
        answer_all(s, &failure);
}

static void look_after_server(service *s)
{
    lb_error err;
    bool was_ready = s->k.ready;
    int r = server_look(&s->k, 0, &err);
    if (r < 0)
        on_death(s, &err);
    else if (r > 0 && !was_ready)
        on_ready(s);
}

static void put_to_sleep(service *s)
{
    if (!record_endpoint(&s->k, "IDLE"))
        return; /* tried again at once: the moment is still past */
    keeper_note("suspends the compute after %lld s without activity", (long long)(s->k.suspend_us / CLOCK_SECOND));
    s->last_wish = "suspend";
    s->k.ends = true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* When is there something to decide? On the monotonic clock; 0: only when something comes. */
static int64_t next_moment(const service *s)
{
    int64_t next = 0;
    if (!s->count)
        next = s->left_at + s->k.c.linger_s * CLOCK_SECOND;
    if (s->k.ready && s->k.suspend_us)
        next = earlier(next, s->k.active_at + s->k.suspend_us);
    if (s->k.expires_at)
        next = earlier(next, clock_monotonic() + s->k.expires_at - clock_now());
    return next;
}

/* Nobody of ours is there any more. People who are connected by themselves keep it up as well. */
static void on_linger(service *s)
{
    lb_error err;
    if (s->k.ready && server_activity(&s->k, &err) == 0 && s->k.others > 0) {
        s->left_at = clock_monotonic();
        return;
    }
    (void)record_endpoint(&s->k, NULL); /* figures, which may be older */
    s->k.ends = true;
}

static void on_moment(service *s)
{
    lb_error err;
    int64_t now = clock_monotonic();
    if (s->k.expires_at && clock_now() >= s->k.expires_at) {
        keeper_note("the branch has expired");
        s->expired = s->k.ends = true;
        return;
    }
    if (!s->count && now >= s->left_at + s->k.c.linger_s * CLOCK_SECOND)
        on_linger(s);
    if (s->k.ends || !s->k.ready || !s->k.suspend_us || now < s->k.active_at + s->k.suspend_us)
        return;
    if (server_activity(&s->k, &err) < 0) {
        keeper_note("%s", err.message);
        s->k.active_at = now; /* asked again when it would be due the next time */
    } else if (now >= s->k.active_at + s->k.suspend_us)
        put_to_sleep(s);
}

static void wait_for_something(service *s)
{
    struct pollfd p[3 + CALLERS] = {{.fd = s->listener, .events = POLLIN},
                                    {.fd = s->k.children, .events = POLLIN},
                                    {.fd = s->k.server ? s->k.events : -1, .events = POLLIN}};
    for (size_t i = 0; i < s->count; i++)
        p[3 + i] = (struct pollfd){.fd = s->callers[i].fd, .events = POLLIN};
    int64_t next = next_moment(s), left = next ? next - clock_monotonic() : -1;
    int wait_ms = !next ? -1 : left <= 0 ? 0 : left > 3600 * CLOCK_SECOND ? 3600000 : (int)(left / 1000) + 1;
    if (poll(p, 3 + s->count, wait_ms) < 0)
        return;
    struct signalfd_siginfo info;
    while (read(s->k.children, &info, sizeof info) == (ssize_t)sizeof info)
        s->k.ends = s->k.ends || info.ssi_signo != SIGCHLD;
    for (size_t i = s->count; i-- > 0;)
        if (p[3 + i].revents)
            (void)take_packet(s, i); /* goes down, so that whoever took its place has been looked at */
    if (p[0].revents)
        take_callers(s);
}

/* Whoever removed the whole place wants nothing recorded there: an entry would make the folder anew. */
static bool is_removed(const keeper *k)
{
    struct stat st;
    return fstat(k->dir, &st) == 0 && st.st_nlink == 0;
}

static void serve(service *s)
{
    s->left_at = s->k.active_at = clock_monotonic();
    record_limits(&s->k);
    while (!s->k.ends) {
        wait_for_something(s);
        if (is_removed(&s->k))
            return;
        if (s->k.server)
            look_after_server(s);
        on_moment(s);
    }
}

/* ---- beginning and end ---- */

static int listen_here(service *s, lb_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "keeper.sock"};
    (void)unlink(address.sun_path); /* of an earlier keeper: we have its lock */
    s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind(s->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(s->listener, 128) != 0)
        return lb_fail(err, LB_ERR_IO, NULL, "cannot listen on keeper.sock of %s: %s", s->k.directory, strerror(errno));
    return 0;
}

/* 1: there is nothing to do. */
static int begin(service *s, lb_error *err)
{
    int r = keeper_take(&s->k, err);
    return r == 0 ? listen_here(s, err) : r;
}

/* The server's directories, or a branch that is still to be made. */
static int prepare(service *s, lb_error *err)
{
    keeper *k = &s->k;
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, "server");
    RECORD r = {.p = {.lock = -1}};
    int code = record_open(k, false, &r, err);
    if (code < 0)
        return code;
    k->server_dir = local_dir_open(path, err);
    bool is_new = doc_is(r.entry, "branch.status.current_state", "INIT");
    if (k->server_dir < 0 && !is_new)
        return k->server_dir;
    code = k->server_dir >= 0 ? server_open(k, err) : 0;
    if (!is_new)
        return code;
    base_close(&k->server_dir);
    base_close(&k->data_dir);
    k->server_dir = k->data_dir = -1;
    return record_make(k, err);
}

static void end(service *s)
{
    lb_error err;
    (void)unlink("keeper.sock"); /* before the server stops: who comes now starts the next keeper, which waits for us */
    base_close(&s->listener);
    while (s->count) /* and so that nobody takes their claim for one on a server */
        drop_caller(s, 0);
    server_stop(&s->k);
    if (s->last_wish && strcmp(s->last_wish, "suspend") == 0 && s->k.data_dir >= 0)
        local_drop_statistics(&s->k.c, s->k.data_dir);
    if (!s->expired)
        return;
    base_close(&s->k.lock); /* the removal takes it, like anybody's */
    s->k.lock = -1;
    if (local_mend(&s->k.c, s->k.project, &err) < 0)
        keeper_note("%s", err.message); /* the next one who looks at the project goes on with it */
}

static const char *argument(int argc, char **argv, const char *name)
{
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, length) == 0 && argv[i][2 + length] == '=')
            return argv[i] + 3 + length;
    return "";
}

static void take_arguments(service *s, int argc, char **argv)
{
    const char *programs = argument(argc, argv, "programs");
    s->k.project = base_strdup(argument(argc, argv, "project"));
    s->k.directory = base_strdup(argument(argc, argv, "branch"));
    s->k.c = (local_cluster){.host = &keeper_host,
                             .path = base_strdup(argument(argc, argv, "cluster")),
                             .keeper = base_strdup(argv[0]),
                             .programs = *programs ? base_strdup(programs) : NULL,
                             .linger_s = strtoll(argument(argc, argv, "linger"), NULL, 10),
                             .uid = (uid_t)strtoul(argument(argc, argv, "uid"), NULL, 10),
                             .gid = (gid_t)strtoul(argument(argc, argv, "gid"), NULL, 10)};
}

/* Whoever started us reads until we close it. */
static void tell_starter(const char *text)
{
    (void)dprintf(STDOUT_FILENO, "%s", text); /* whoever has gone needs no answer */
    (void)dup2(STDIN_FILENO, STDOUT_FILENO);  /* /dev/null, both ways */
}

static void free_service(service *s)
{
    free(s->k.project);
    free(s->k.directory);
    free(s->k.programs);
    free(s->k.c.path);
    free(s->k.c.keeper);
    free(s->k.c.programs);
    free(s);
}

int main(int argc, char **argv)
{
    lb_error err;
    service *s = base_alloc(sizeof *s);
    s->listener = s->k.dir = s->k.server_dir = s->k.data_dir = s->k.log = s->k.lock = s->k.children = s->k.events = -1;
    s->k.sessions = -1;
    running = s;
    take_arguments(s, argc, argv);
    if (!*s->k.c.path || !local_is_id(s->k.project) || !local_is_id(s->k.directory)) {
        (void)fputs("the transport of lbops starts this program; it is of no use by hand\n", stderr);
        free_service(s);
        return 2;
    }
    int r = begin(s, &err);
    tell_starter(r < 0 ? err.message : "ok");
    if (r == 0) {
        r = prepare(s, &err);
        if (r == 0)
            serve(s);
        else
            keeper_note("%s", err.message);
        if (r < 0) {
            take_callers(s);
            for (size_t i = 0; i < s->count; i++)
                s->callers[i].waits = true;
            answer_all(s, &err);
        }
        end(s);
    }
    free_service(s);
    return r < 0 ? 1 : 0;
}
