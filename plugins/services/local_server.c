/* One server: its start, its end, what it says of itself. It is our child, so that its end is seen at once and its pid
 * is nobody else's. */
#include "local_keeper.h"

#include "clock.h"

#include <sql/local/activity.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define START_LIMIT   (60 * CLOCK_SECOND)
#define PROGRAM_LIMIT (3600 * CLOCK_SECOND)
#define STOP_LIMIT    (5 * CLOCK_SECOND) /* for each way of asking */
#define SQL_LIMIT     (10 * CLOCK_SECOND)
#define OPTIONS       96

/* ---- waiting for children ---- */

static void take_signals(keeper *k)
{
    struct signalfd_siginfo info;
    while (read(k->children, &info, sizeof info) == (ssize_t)sizeof info)
        k->ends = k->ends || info.ssi_signo != SIGCHLD;
}

/* True once the child has ended. Signals that came meanwhile are remembered. */
static bool wait_child(keeper *k, pid_t pid, int64_t limit, int *ret_status)
{
    int64_t until = clock_monotonic() + limit;
    for (;;) {
        pid_t ended = waitpid(pid, ret_status, WNOHANG);
        if (ended == pid || (ended < 0 && errno == ECHILD))
            return true;
        int64_t left = until - clock_monotonic();
        if (left <= 0)
            return false;
        struct pollfd p = {.fd = k->children, .events = POLLIN};
        (void)poll(&p, 1, (int)(left / 1000) + 1); /* waitpid says what came of it */
        take_signals(k);
    }
}

/* What the log says last, for a message. */
static void last_words(const keeper *k, char *into, size_t size)
{
    char text[4096];
    struct stat st;
    into[0] = '\0';
    if (fstat(k->log, &st) != 0)
        return;
    off_t from = st.st_size > (off_t)sizeof text - 1 ? st.st_size - (off_t)sizeof text + 1 : 0;
    ssize_t n = pread(k->log, text, sizeof text - 1, from);
    text[n > 0 ? n : 0] = '\0';
    static const char *const marks[] = {"FATAL:  ", "PANIC:  ", "error: "};
    for (size_t i = 0; i < LB_COUNT(marks); i++) {
        const char *found = NULL;
        for (const char *p = text; (p = strstr(p, marks[i])); p++)
            found = p;
        if (found) {
            (void)snprintf(into, size, ": %.*s", (int)strcspn(found + strlen(marks[i]), "\n"),
                           found + strlen(marks[i])); /* a long line is cut */
            return;
        }
    }
}

int server_run(keeper *k, const char *const *argv, const int *dirs, lb_error *err)
{
    int status = 0;
    char words[200];
    const local_program program = {.argv = argv, .dirs = {dirs[0], dirs[1], dirs[2]}, .log = k->log};
    const char *name = strrchr(argv[0], '/');
    pid_t pid = local_start(&k->c, &program, err);
    if (pid < 0)
        return pid;
    if (!wait_child(k, pid, PROGRAM_LIMIT, &status)) {
        (void)kill(pid, SIGKILL); /* our own child */
        (void)wait_child(k, pid, STOP_LIMIT, &status);
        return lb_fail(err, LB_ERR_TIMEOUT, NULL, "%s did not end within an hour", name ? name + 1 : argv[0]);
    }
    if (status == 0)
        return 0;
    last_words(k, words, sizeof words);
    return lb_fail(err, LB_ERR_IO, "the branch's log says more", "%s failed%s", name ? name + 1 : argv[0], words);
}

/* ---- what an earlier keeper left ---- */

/* The server that stands in our data directory, as its pid file and the kernel agree; 0: none. */
static pid_t find_orphan(const keeper *k)
{
    char text[32] = "", path[64];
    struct stat own, its;
    LB_AUTO_FD int fd = openat(k->data_dir, "postmaster.pid", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return 0;
    long pid = strtol(text, NULL, 10);
    (void)snprintf(path, sizeof path, "/proc/%ld/cwd", pid); /* fits */
    return pid > 1 && stat(path, &its) == 0 && fstat(k->data_dir, &own) == 0 && own.st_dev == its.st_dev &&
                   own.st_ino == its.st_ino
               ? (pid_t)pid
               : 0;
}

/* It was told to stop when its keeper died; it may need to be told again. A pidfd is this process and no later one. */
static int end_orphan(const keeper *k, lb_error *err)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGKILL};
    pid_t pid = find_orphan(k);
    if (!pid)
        return 0;
    LB_AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    for (size_t i = 0; fd >= 0 && find_orphan(k) == pid; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)(STOP_LIMIT / 1000)) > 0)
            return 0;
        if (i == LB_COUNT(signals))
            return lb_fail(err, LB_ERR_CONFLICT, NULL, "process %ld in the data directory does not end", (long)pid);
        (void)syscall(SYS_pidfd_send_signal, fd, signals[i], NULL, 0); /* gone is as good */
    }
    return 0;
}

int server_open(keeper *k, lb_error *err)
{
    k->data_dir = openat(k->server_dir, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (k->data_dir < 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "delete the branch and make it again", "%s has no data directory",
                       k->directory);
    return end_orphan(k, err);
}

/* ---- starting ---- */

typedef struct option_list {
    const char *words[OPTIONS];
    char *owned[OPTIONS];
    size_t count, owned_count;
} option_list;

static void put_word(option_list *l, const char *word)
{
    if (l->count + 1 < OPTIONS)
        l->words[l->count++] = word;
}

LB_PRINTF(2, 3) static void put_setting(option_list *l, const char *fmt, ...)
{
    va_list args;
    char text[600];
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* longer ones are refused where they come in */
    va_end(args);
    if (l->owned_count < OPTIONS && l->count + 2 < OPTIONS) {
        char *copy = base_strdup(text);
        l->owned[l->owned_count++] = copy;
        put_word(l, "-c");
        put_word(l, copy);
    }
}

static void put_branch_settings(option_list *l, doc *entry)
{
    doc *settings = doc_at(local_primary(entry), "status.settings.pg_settings");
    if (!json_object_is_type(settings, json_type_object))
        return;
    json_object_object_foreach(settings, name, value)
    {
        put_setting(l, "%s=%s", name, json_object_get_string(value));
    }
}

/* As many as a compute of that size has: 209 for each unit. */
static int64_t connections(doc *entry)
{
    double most = doc_f64(local_primary(entry), "status.autoscaling_limit_max_cu", 0.5);
    double least = doc_f64(local_primary(entry), "status.autoscaling_limit_min_cu", 0.5);
    double units = most < 8 * least ? most : 8 * least;
    return units >= 19 ? 4000 : (int64_t)(units * 209);
}

/* The branch's own settings first: the last one counts, and ours are what the rest depends on. */
static void put_options(option_list *l, keeper *k, doc *entry)
{
    put_setting(l, "shared_buffers=32MB");
    put_setting(l, "max_wal_size=128MB");
    put_setting(l, "min_wal_size=5MB");
    put_setting(l,
                "wal_keep_size=64MB"); /* several base backups at once: each one's checkpoint would recycle the log */
    put_setting(l, "jit=off");
    put_branch_settings(l, entry);
    put_setting(l, "listen_addresses=");
    put_setting(l, "port=" LOCAL_PORT);
    put_setting(l, "unix_socket_directories=..");
    put_setting(l, "unix_socket_permissions=0700");
    put_setting(l, "cluster_name=%s", k->directory);
    put_setting(l, "shared_preload_libraries=pg_stat_statements");
    put_setting(l, "logging_collector=off");
    put_setting(l, "log_destination=stderr");
    put_setting(l, "max_connections=%lld", (long long)connections(entry));
    put_setting(l, "wal_level=replica");
    put_setting(l, "max_wal_senders=8");
    put_setting(l, "archive_mode=on");
    if (build_keeps_history(entry)) /* put in place whole: a copy that was cut short must not count as the file */
        put_setting(l,
                    "archive_command=test -e ../wal/%%f || { cp %%p ../wal/%%f.new && mv ../wal/%%f.new ../wal/%%f; }");
    else
        put_setting(l, "archive_command=true");
}

static void stop_watching(keeper *k)
{
    base_close(&k->events);
    k->events = -1;
}

static int watch_data(keeper *k, lb_error *err)
{
    char path[64];
    stop_watching(k); /* of an earlier start */
    k->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", k->data_dir); /* fits */
    if (k->events < 0 || inotify_add_watch(k->events, path, IN_CLOSE_WRITE | IN_CREATE | IN_MODIFY | IN_MOVED_TO) < 0)
        return lb_fail(err, LB_ERR_LIMIT, "raise fs.inotify.max_user_instances", "cannot watch the data directory: %s",
                       strerror(errno));
    return 0;
}

static int launch(keeper *k, doc *entry, const server_start *how, lb_error *err)
{
    option_list l = {.count = 0};
    LB_AUTO_FREE char *postgres = base_printf("%s/postgres", k->programs);
    put_word(&l, postgres);
    put_word(&l, "-D");
    put_word(&l, "/proc/self/fd/" LB_STRINGIFY(LOCAL_FD));
    put_options(&l, k, entry);
    for (size_t i = 0; how && how->options[i]; i++)
        put_word(&l, how->options[i]);
    const local_program program = {
        .argv = l.words, .dirs = {k->data_dir, how ? how->dirs[0] : -1, how ? how->dirs[1] : -1}, .log = k->log};
    pid_t pid = local_start(&k->c, &program, err);
    for (size_t i = 0; i < l.owned_count; i++)
        free(l.owned[i]);
    if (pid < 0)
        return pid;
    k->server = pid;
    k->ready = false;
    return 0;
}

int server_begin(keeper *k, const server_start *how, lb_error *err)
{
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_look(&k->c, k->project, &p, err);
    if (r < 0)
        return r;
    doc *entry = local_branch_by_directory(&p, k->directory);
    if (!entry)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "the branch %s is gone", k->directory);
    r = watch_data(k, err);
    return r < 0 ? r : launch(k, entry, how, err);
}

/* The eighth line of the pid file says so, of the process in its first line. */
static bool says_ready(const keeper *k)
{
    char text[1024];
    LB_AUTO_FD int fd = openat(k->data_dir, "postmaster.pid", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    const char *line = text;
    if (strtol(text, NULL, 10) != (long)k->server)
        return false;
    for (int i = 1; i < 8 && line; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return line && strncmp(line, "ready", 5) == 0;
}

static void drain_events(const keeper *k)
{
    char events[4096];
    while (k->events >= 0 && read(k->events, events, sizeof events) > 0)
        continue;
}

int server_look(keeper *k, int64_t wait_us, lb_error *err)
{
    int status = 0;
    char words[200];
    struct pollfd p[] = {{.fd = k->events, .events = POLLIN}, {.fd = k->children, .events = POLLIN}};
    if (wait_us > 0)
        (void)poll(p, LB_COUNT(p), (int)(wait_us / 1000) + 1); /* what came is looked at below */
    drain_events(k);
    take_signals(k);
    pid_t ended = waitpid(k->server, &status, WNOHANG);
    if (ended == k->server || (ended < 0 && errno == ECHILD)) {
        k->server = 0;
        k->ready = false;
        last_words(k, words, sizeof words);
        return lb_fail(err, LB_ERR_UNREACHABLE, "the branch's log says more", "the server of %s ended%s", k->directory,
                       words);
    }
    k->ready = k->ready || says_ready(k);
    if (k->ready)
        stop_watching(k); /* a user has 128 of these, and may have more branches */
    return k->ready;
}

int server_start_whole(keeper *k, const server_start *how, lb_error *err)
{
    int64_t until = clock_monotonic() + (how ? PROGRAM_LIMIT : START_LIMIT); /* a recovery reads as much as there is */
    int r = server_begin(k, how, err);
    while (r == 0) {
        r = server_look(k, CLOCK_SECOND, err);
        if (r == 0 && (k->ends || clock_monotonic() > until)) {
            server_stop(k);
            r = lb_fail(err, LB_ERR_TIMEOUT, "the branch's log says more", "the server of %s did not come up",
                        k->directory);
        }
    }
    return r < 0 ? r : 0;
}

void server_stop(keeper *k)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGKILL};
    int status = 0;
    for (size_t i = 0; k->server && i < LB_COUNT(signals); i++) {
        (void)kill(k->server, signals[i]); /* our own child, not yet waited for */
        if (signals[i] != SIGINT)
            (void)kill(k->server, SIGCONT); /* one that was stopped could not hear it */
        if (wait_child(k, k->server, i == 0 ? 3 * STOP_LIMIT : STOP_LIMIT, &status))
            k->server = 0;
    }
    k->server = 0;
    k->ready = false;
}

/* ---- asking it ---- */

/* $1 for its only parameter, where it has one. */
static char *text_of(const lb_statement *statement)
{
    const lb_statement_part *parts = statement->variants[0].parts;
    return parts[0].param < 0 ? base_strdup(parts[0].text) : base_printf("%s$1%s", parts[0].text, parts[1].text);
}

static int run_sql(keeper *k, int dir, const char *database, const lb_statement *statement, const char *param,
                   const lb_sink *sink, lb_error *err)
{
    char conninfo[256];
    LB_AUTO_FREE char *text = text_of(statement);
    pg_session *session = NULL;
    int64_t affected = 0, deadline = clock_monotonic() + SQL_LIMIT;
    (void)snprintf(conninfo, sizeof conninfo, "host=/proc/self/fd/%d port=%s user=%s dbname=%s", dir, LOCAL_PORT,
                   LOCAL_SUPERUSER, database); /* fits; all of it is ours */
    const pg_options options = {.conninfo = conninfo, .connect_timeout_ms = 5000, .lock_timeout_ms = 5000};
    const lb_command command = {.size = sizeof command,
                                .name = statement->name,
                                .text = text,
                                .params = &param,
                                .param_count = statement->param_count,
                                .read_only = statement->kind == LB_STATEMENT_READ,
                                .deadline = deadline};
    int r = pg_session_open(k->c.host, &options, "keeper", deadline, &session, err);
    if (r == 0)
        r = pg_session_execute(session, &command, sink, &affected, err);
    pg_session_close(session);
    return r;
}

int server_sql(keeper *k, int dir, const char *database, const lb_statement *statement, const lb_sink *sink,
               lb_error *err)
{
    return run_sql(k, dir, database, statement, NULL, sink, err);
}

typedef struct figures {
    int64_t others, arrived, changed_at, sessions, bytes;
    bool busy;
    char lsn[32];
} figures;

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state, (void)names; /* it is our own statement */
    return count == 7 ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns for 7", count);
}

static int take_figures(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    figures *f = state;
    (void)count, (void)err; /* judged by take_columns */
    f->others = strtoll(cells[0], NULL, 10);
    f->arrived = strtoll(cells[1], NULL, 10);
    f->busy = cells[2][0] == 't';
    if (!cells[3] || !clock_parse(cells[3], &f->changed_at))
        f->changed_at = 0;
    f->sessions = strtoll(cells[4], NULL, 10);
    (void)snprintf(f->lsn, sizeof f->lsn, "%s", cells[5]); /* fits */
    f->bytes = strtoll(cells[6], NULL, 10);
    return 0;
}

int server_activity(keeper *k, lb_error *err)
{
    figures f = {0};
    char since[CLOCK_TEXT];
    int64_t looked_at = clock_now();
    const lb_sink sink = {.size = sizeof sink, .state = &f, .columns = take_columns, .row = take_figures};
    clock_format(k->looked_at, since);
    int r = run_sql(k, k->server_dir, "postgres", &local_activity_sql, since, &sink, err);
    if (r < 0)
        return r;
    int64_t now = clock_monotonic(), changed = f.changed_at ? now - (clock_now() - f.changed_at) : 0;
    /* Who has come since we last looked (which was a session as well) and is not there any more, was there at some
     * time. */
    bool came_and_went = k->sessions >= 0 && f.sessions - k->sessions - 1 > f.arrived;
    if (f.busy || came_and_went)
        k->active_at = now;
    else if (changed > k->active_at)
        k->active_at = changed < now ? changed : now;
    k->others = f.others;
    k->sessions = f.sessions;
    k->looked_at = looked_at;
    k->last_bytes = f.bytes;
    memcpy(k->lsn, f.lsn, sizeof k->lsn);
    return 0;
}
