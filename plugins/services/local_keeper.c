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
#define LOG_LIMIT    ((off_t)10 * 1024 * 1024)
#define TAKE_OVER    (40 * CLOCK_SECOND) /* an earlier keeper stops its server meanwhile */
#define RESTARTS     5                   /* of a server that dies, within ... */
#define RESTART_SPAN (60 * CLOCK_SECOND)
#define ATTEMPTS     3 /* at making a branch */

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
    const char *last_wish; /* why it ends: "suspend" also drops the statistics */
    int64_t suspend_us;    /* 0: never */
    int64_t expires_at;    /* on the real clock; 0: never */
    int64_t look_at;       /* when to ask the server who is there; 0: not */
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

LB_PRINTF(1, 2) static void note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_to_file(LB_LOG_INFO, fmt, args);
    va_end(args);
}

/* ---- the record ---- */

typedef struct record {
    local_project p;
    doc *entry, *endpoint;
} record;

static int open_record(const keeper *k, bool locked, record *r, lb_error *err)
{
    int code = locked ? local_open(&k->c, k->project, &r->p, err) : local_look(&k->c, k->project, &r->p, err);
    if (code < 0)
        return code;
    r->entry = local_branch_by_directory(&r->p, k->directory);
    r->endpoint = r->entry ? local_primary(r->entry) : NULL;
    if (r->endpoint)
        return 0;
    local_close(&r->p);
    return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "the branch is gone");
}

static void close_record(record *r)
{
    local_close(&r->p);
}
#define RECORD LB_CLEANUP(close_record) record

static void read_limits(service *s)
{
    lb_error err;
    RECORD r = {.p = {.lock = -1}};
    if (open_record(&s->k, false, &r, &err) < 0) {
        s->k.ends = true;
        return;
    }
    bool never = doc_flag(r.endpoint, "status.no_suspension");
    int64_t timeout = local_seconds(doc_text(r.endpoint, "status.suspend_timeout_duration"));
    s->suspend_us = never || timeout <= 0 ? 0 : timeout;
    s->expires_at = doc_time(r.entry, "branch.status.expire_time");
}

static void set_state(doc *d, const char *state, int64_t now)
{
    doc_set_text(d, "status.current_state", state);
    doc_set(d, "status.pending_state", NULL);
    doc_set_time(d, "status.state_change_time", now);
}

/* Where the compute stands, for who asks the control plane. */
static void save_endpoint(service *s, const char *state)
{
    lb_error err;
    RECORD r = {.p = {.lock = -1}};
    if (open_record(&s->k, true, &r, &err) < 0)
        return;
    int64_t idle_us = clock_monotonic() - s->k.active_at;
    if (state)
        doc_set_text(r.endpoint, "status.current_state", state);
    if (state && strcmp(state, "ACTIVE") == 0 && doc_is(r.entry, "branch.status.current_state", "ARCHIVED"))
        set_state(doc_at(r.entry, "branch"), "READY", clock_now());
    if (s->k.active_at)
        doc_set_time(r.endpoint, "status.last_active_time", clock_now() - idle_us);
    if (s->k.last_bytes)
        doc_set_i64(r.entry, "branch.status.logical_size_bytes", s->k.last_bytes);
    if (local_save(&r.p, &err) < 0)
        note("%s", err.message);
}

/* ---- making the branch ---- */

static int count_attempt(const keeper *k, int64_t *ret_attempts, lb_error *err)
{
    RECORD r = {.p = {.lock = -1}};
    int code = open_record(k, true, &r, err);
    if (code < 0)
        return code;
    *ret_attempts = doc_i64(r.entry, "attempts", 0) + 1;
    doc_set_i64(r.entry, "attempts", *ret_attempts);
    return local_save(&r.p, err);
}

/* The record first, then the operation: whoever finds the one without the other finishes it (local_mend). */
static int tell_made(const keeper *k, lb_error *err)
{
    int64_t now = clock_now();
    RECORD r = {.p = {.lock = -1}};
    int code = open_record(k, true, &r, err);
    if (code < 0)
        return code;
    doc *branch = doc_at(r.entry, "branch"), *project = doc_at(r.p.d, "project");
    set_state(branch, "READY", now);
    doc_set_time(branch, "update_time", now);
    doc_set_i64(branch, "status.logical_size_bytes", k->last_bytes);
    if (doc_at(r.entry, "source") && !doc_text(branch, "status.source_branch_lsn"))
        doc_set_text(branch, "status.source_branch_lsn", k->lsn);
    doc_set_text(r.endpoint, "status.current_state", "ACTIVE");
    doc_set(r.endpoint, "status.pending_state", NULL);
    doc_set_time(r.endpoint, "status.last_active_time", now);
    doc_set(r.entry, "attempts", NULL);
    code = local_save(&r.p, err);
    const char *operation = doc_text(r.entry, "operation");
    if (code < 0 || !operation)
        return code;
    code = local_end_operation(&k->c, operation, doc_at(r.entry, "source") ? branch : project, NULL, err);
    if (code < 0)
        return code;
    doc_set(r.entry, "operation", NULL);
    return local_save(&r.p, err);
}

/* What cannot be made is not there: the name is free again, and the operation says why. */
static void give_up(const keeper *k, const lb_error *failure)
{
    lb_error err;
    RECORD r = {.p = {.lock = -1}};
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, NULL);
    note("gives the branch up: %s", failure->message);
    if (open_record(k, true, &r, &err) < 0)
        return;
    LB_AUTO_FREE char *operation = base_strdup(doc_text(r.entry, "operation"));
    if (doc_at(r.entry, "source")) {
        local_remove_branch(&r.p, k->directory);
    } else {
        (void)json_object_put(r.p.d); /* a project is nothing without its first branch */
        r.p.d = NULL;
    }
    r.entry = r.endpoint = NULL;
    int code = operation ? local_end_operation(&k->c, operation, NULL, failure, &err) : 0;
    if (code >= 0)
        code = local_save(&r.p, &err);
    if (code < 0)
        note("%s", err.message);
    local_discard(&k->c, path);
}

static int make_branch(service *s, lb_error *err)
{
    keeper *k = &s->k;
    int64_t attempts = 0;
    int r = count_attempt(k, &attempts, err);
    if (r < 0)
        return r;
    RECORD rec = {.p = {.lock = -1}};
    r = open_record(k, false, &rec, err);
    if (r < 0)
        return r;
    if (attempts > ATTEMPTS)
        r = lb_fail(err, LB_ERR_INTERNAL, NULL, "making the branch died %d times", ATTEMPTS);
    else
        r = build_branch(k, rec.entry, err);
    if (r == 0)
        r = server_activity(k, err);
    if (r == 0)
        r = tell_made(k, err);
    if (r < 0 && !k->ends) {
        server_stop(k);
        give_up(k, err);
    }
    k->active_at = clock_monotonic();
    return r;
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
    int code = open_record(&s->k, false, &r, err);
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
    if (wakes)
        save_endpoint(s, "ACTIVE");
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
        read_limits(s);
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
        note("%s", err.message);
    s->k.active_at = clock_monotonic();
    RECORD r = {.p = {.lock = -1}};
    if (open_record(&s->k, false, &r, &err) == 0 && build_keeps_history(r.entry) && build_base(&s->k, &err) < 0)
        note("no new base: %s", err.message);
}

/* Somebody killed it. It starts again as long as it is needed and does not die all the time; what its crash left of
 * shared memory may need a moment to go. */
static void on_death(service *s, const lb_error *err)
{
    int64_t now = clock_monotonic(), oldest = s->deaths[s->died % RESTARTS];
    lb_error failure = *err;
    note("%s", err->message);
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
    note("suspends the compute after %lld s without activity", (long long)(s->suspend_us / CLOCK_SECOND));
    save_endpoint(s, "IDLE");
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
    if (s->k.ready && s->suspend_us)
        next = earlier(next, s->k.active_at + s->suspend_us);
    if (s->expires_at)
        next = earlier(next, clock_monotonic() + s->expires_at - clock_now());
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
    save_endpoint(s, NULL);
    s->k.ends = true;
}

static void on_moment(service *s)
{
    lb_error err;
    int64_t now = clock_monotonic();
    if (s->expires_at && clock_now() >= s->expires_at) {
        note("the branch has expired");
        s->k.ends = true;
        return;
    }
    if (!s->count && now >= s->left_at + s->k.c.linger_s * CLOCK_SECOND)
        on_linger(s);
    if (s->k.ends || !s->k.ready || !s->suspend_us || now < s->k.active_at + s->suspend_us)
        return;
    if (server_activity(&s->k, &err) < 0) {
        note("%s", err.message);
        s->k.active_at = now; /* asked again when it would be due the next time */
    } else if (now >= s->k.active_at + s->suspend_us)
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

static void serve(service *s)
{
    s->left_at = s->k.active_at = clock_monotonic();
    read_limits(s);
    while (!s->k.ends) {
        wait_for_something(s);
        if (s->k.server)
            look_after_server(s);
        on_moment(s);
    }
}

/* ---- beginning and end ---- */

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

/* 1: there is nothing to do. */
static int begin(service *s, lb_error *err)
{
    keeper *k = &s->k;
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
    if (r == 0)
        r = catch_signals(k, err);
    return r == 0 ? listen_here(s, err) : r;
}

/* The server's directories, or a branch that is still to be made. */
static int prepare(service *s, lb_error *err)
{
    keeper *k = &s->k;
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, "server");
    RECORD r = {.p = {.lock = -1}};
    int code = open_record(k, false, &r, err);
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
    return make_branch(s, err);
}

static void end(service *s)
{
    (void)unlink("keeper.sock"); /* before the server stops: who comes now starts the next keeper, which waits for us */
    base_close(&s->listener);
    server_stop(&s->k);
    if (s->last_wish && strcmp(s->last_wish, "suspend") == 0 && s->k.data_dir >= 0)
        local_drop_statistics(&s->k.c, s->k.data_dir);
    while (s->count)
        drop_caller(s, 0);
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
            note("%s", err.message);
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
