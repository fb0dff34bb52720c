/* The service process's life: setup, opening the plugin, then one ask after the other until the supervisor closes the
 * socket. */
#include "service_main.h"

#include "child.h"
#include "clock.h"
#include "fs.h"
#include "load.h"
#include "log.h"
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

typedef struct process {
    service_env env;
    const service_driver *driver;
    void *state;
    arena memory;
    buf in, out;
} process;

#define NO_ASK (-1)

static volatile sig_atomic_t stop_requested;
static atomic_int asked = NO_ASK, unwanted = NO_ASK; /* marks of asks: the one in hand, the last that was withdrawn */
static atomic_bool only_reads;                       /* the one in hand */
static pid_t supervisor;

static void on_term(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/* Nobody waits for that ask's answer any more, which may have been sent, or may not have been begun. */
static void on_unwanted(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)context;
    atomic_store(&unwanted, info->si_value.sival_int);
}

/* A supervisor that was killed withdraws nothing; a question would go on for minutes and hold its memory. */
static bool is_for_nobody(void)
{
    return atomic_load(&only_reads) && getppid() != supervisor;
}

static bool is_cancelled(void)
{
    int mark = atomic_load(&asked);
    return stop_requested != 0 || (mark != NO_ASK && mark == atomic_load(&unwanted)) || is_for_nobody();
}

/* Log lines of the plugin go to the supervisor, which knows where logs go. */
LB_PRINTF(2, 0) static void log_of_plugin(lb_level level, const char *fmt, va_list args)
{
    char text[2048];
    if (!log_enabled(level))
        return;
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long line is cut */
    BUF_AUTO frame = BUF_INIT(8192);
    size_t mark = wire_begin(&frame, WIRE_LOG);
    wire_put_u32(&frame, (uint32_t)level);
    wire_put_str(&frame, text);
    wire_end(&frame, mark);
    (void)wire_send_all(CHILD_FD, &frame); /* a supervisor that is gone is seen at the next read */
}

static const lb_service_host service_host = {
    .size = sizeof service_host,
    .vlog = log_of_plugin,
    .cancelled = is_cancelled,
    .now = clock_monotonic,
};

static void protect(void)
{
    struct sigaction action = {.sa_handler = on_term};
    struct sigaction withdrawn = {.sa_sigaction = on_unwanted, .sa_flags = SA_SIGINFO};
    const struct rlimit none = {0, 0};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL); /* cannot fail for SIGTERM */
    (void)sigemptyset(&withdrawn.sa_mask);
    (void)sigaction(SIGNAL_UNWANTED, &withdrawn, NULL);
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C at a terminal is the supervisor's to handle */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)fcntl(CHILD_FD, F_SETFD, FD_CLOEXEC);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0); /* no core file: it would hold secrets */
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* ---- frames ---- */

static const service_driver *driver_of(lb_kind kind)
{
    static const service_driver *const drivers[] = {&service_state_driver, &service_delta_driver,
                                                    &service_approval_driver, &service_alert_driver};
    for (size_t i = 0; i < LB_COUNT(drivers); i++)
        if (drivers[i]->kind == kind)
            return drivers[i];
    return NULL;
}

size_t service_news_begin(buf *news)
{
    return wire_begin(news, WIRE_NEWS);
}

void service_news_end(buf *news, size_t mark)
{
    wire_end(news, mark);
}

void service_send_news(buf *news)
{
    (void)wire_send_all(CHILD_FD, news); /* a supervisor that is gone is seen at the next read */
}

void service_send_piece(const service_env *env, const buf *piece)
{
    BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
    size_t mark = wire_begin(&frame, WIRE_PIECE);
    wire_put_i64(&frame, env->asked);
    buf_put(&frame, piece->data, piece->length);
    wire_end(&frame, mark);
    if (!frame.overflow)
        (void)wire_send_all(CHILD_FD, &frame);
}

const char *service_setting(const service_env *env, const char *name, const char *fallback)
{
    for (size_t i = 0; i < env->setting_count; i++)
        if (strcmp(env->settings[i].name, name) == 0)
            return env->settings[i].text;
    return fallback;
}

/* False: nobody is there any more. */
static bool flush(process *p)
{
    bool ok = !p->out.length || wire_send_all(CHILD_FD, &p->out) == 0;
    buf_clear(&p->out);
    return ok;
}

static bool idle(process *p, int *ret_wait_ms)
{
    *ret_wait_ms = -1;
    if (!p->state || !p->driver->idle)
        return true;
    int64_t next = p->driver->idle(p->state, &p->out);
    if (next >= 0)
        *ret_wait_ms = next / 1000 > 3600000 ? 3600000 : (int)((next + 999) / 1000);
    return flush(p);
}

/* Waits for the next frame; the driver does its own work meanwhile. False at the end of the socket, or when somebody
 * ends us. */
static bool receive(process *p, wire_type *ret_type, wire_reader *ret_reader, size_t *ret_size)
{
    while (!stop_requested) {
        int whole = wire_frame(buf_text(&p->in), p->in.length, ret_type, ret_reader, ret_size);
        if (whole != 0)
            return whole > 0;
        int wait_ms;
        if (!idle(p, &wait_ms))
            return false;
        struct pollfd watched[2] = {{.fd = CHILD_FD, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
        if (p->state && p->driver->watch)
            watched[1].fd = p->driver->watch(p->state);
        if (poll(watched, 2, wait_ms) <= 0 || !watched[0].revents)
            continue; /* the driver's own turn, or a signal */
        char *room = buf_reserve(&p->in, (size_t)256 * 1024);
        ssize_t n = room ? recv(CHILD_FD, room, (size_t)256 * 1024, 0) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        buf_commit(&p->in, (size_t)n);
    }
    return false;
}

static const char *keep(process *p, wire_reader *r)
{
    const char *text = wire_get_required(r);
    const char *copy = arena_strdup(&p->memory, text);
    r->bad = r->bad || !copy;
    return copy ? copy : "";
}

static const param_arg *get_args(process *p, wire_reader *r, size_t *ret_count)
{
    uint32_t count = wire_get_u32(r);
    if (r->bad || count > (size_t)(r->end - r->p) / 8) {
        r->bad = true;
        return NULL;
    }
    param_arg *args = arena_alloc(&p->memory, (count + 1) * sizeof *args);
    for (uint32_t i = 0; args && i < count; i++) {
        args[i].name = keep(p, r);
        args[i].text = keep(p, r);
    }
    r->bad = r->bad || !args;
    *ret_count = count;
    return args;
}

/* ---- opening ---- */

static int bind_args(process *p, const param_arg *args, size_t count, lb_error *err)
{
    const lb_service *table = p->env.ops;
    void *into = arena_alloc(&p->memory, table->args_size ? table->args_size : 1);
    if (!into)
        return lb_out_of_memory(err);
    param_rows rows = {.rows = table->params, .stride = table->param_size};
    p->env.args = into;
    return params_bind(p->env.plugin, rows, args, count, into, table->args_size, &p->memory, err);
}

static int open_plugin(process *p, lb_kind kind, const char *path, const param_arg *args, size_t count, buf *greeting,
                       lb_error *err)
{
    const lb_plugin *plugin = NULL;
    p->driver = driver_of(kind);
    if (!p->driver)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "there is no driver for services of kind %d", (int)kind);
    if (chdir(p->env.work_dir) != 0)
        return fs_fail(err, errno, "enter", p->env.work_dir);
    int r = load_plugin(path, &plugin, err);
    if (r < 0)
        return r;
    const lb_service *table = plugin->ops;
    if (plugin->kind != (uint32_t)kind || table->size < p->driver->ops_bytes)
        return lb_fail(err, LB_ERR_INVALID, "rebuild the plugin with this version's headers",
                       "%s is no service of the right kind, or its table is short", p->env.plugin);
    p->env.ops = plugin->ops;
    r = bind_args(p, args, count, err);
    if (r >= 0)
        r = p->driver->open(&p->env, &p->state, greeting, err);
    return r;
}

static bool take_setup(process *p)
{
    wire_type type;
    wire_reader r;
    size_t size, count = 0;
    lb_error error = {0};
    if (!receive(p, &type, &r, &size) || type != WIRE_SERVICE)
        return false;
    lb_kind kind = (lb_kind)wire_get_u32(&r);
    p->env = (service_env){.host = &service_host, .memory = &p->memory, .plugin = keep(p, &r)};
    const char *path = keep(p, &r);
    p->env.state_dir = keep(p, &r);
    p->env.work_dir = keep(p, &r);
    log_setup((lb_level)wire_get_u32(&r), LOG_TEXT, false);
    const param_arg *args = get_args(p, &r, &count);
    p->env.settings = get_args(p, &r, &p->env.setting_count);
    if (!wire_done(&r))
        return false;
    buf_drop_front(&p->in, size);
    BUF_AUTO greeting = BUF_INIT((size_t)1024 * 1024);
    int code = open_plugin(p, kind, path, args, count, &greeting, &error);
    size_t mark = wire_begin(&p->out, WIRE_OPENED);
    wire_put_u32(&p->out, code < 0 ? (uint32_t)-error.code : 0);
    if (code < 0) {
        wire_put_str(&p->out, error.message);
        wire_put_str(&p->out, error.hint);
    } else {
        buf_put(&p->out, greeting.data, greeting.length);
    }
    wire_end(&p->out, mark);
    return flush(p) && code >= 0;
}

static bool serve_one(process *p)
{
    wire_type type;
    wire_reader r;
    size_t size;
    lb_error error = {0};
    if (!receive(p, &type, &r, &size) || type != WIRE_ASK_SERVICE)
        return false;
    int64_t id = wire_get_i64(&r);
    uint32_t verb = wire_get_u32(&r);
    int64_t deadline = wire_get_i64(&r);
    p->env.asked = id;
    atomic_store(&only_reads, p->driver->only_reads && p->driver->only_reads(verb));
    atomic_store(&asked, service_ask_mark(id));
    size_t mark = wire_begin(&p->out, WIRE_ANSWER), head;
    wire_put_i64(&p->out, id);
    wire_put_u32(&p->out, 0);
    head = p->out.length;
    int code = r.bad            ? lb_fail(&error, LB_ERR_INTERNAL, NULL, "a malformed request")
               : is_cancelled() ? lb_fail(&error, LB_ERR_CANCELLED, NULL, "nobody waits for it any more")
                                : p->driver->handle(p->state, verb, &r, deadline, &p->out, &error);
    atomic_store(&asked, NO_ASK);
    if (code == LB_ERR_CANCELLED && stop_requested)
        return false; /* by whoever ends us, which its asker does not: another process is asked again */
    if (code >= 0 && p->out.overflow)
        code =
            lb_fail(&error, LB_ERR_LIMIT, "ask for less", "the answer is larger than %zu MB", WIRE_FRAME_LIMIT >> 20);
    if (code < 0) {
        buf_cut(&p->out, head - 4);
        wire_put_u32(&p->out, (uint32_t)-error.code);
        wire_put_str(&p->out, error.sqlstate);
        wire_put_str(&p->out, error.message);
        wire_put_str(&p->out, error.hint);
    }
    wire_end(&p->out, mark);
    buf_drop_front(&p->in, size);
    buf_trim(&p->in, (size_t)1024 * 1024);
    return flush(p);
}

int service_main(void)
{
    process p = {.in = BUF_INIT(WIRE_FRAME_LIMIT * 2), .out = BUF_INIT(WIRE_FRAME_LIMIT)};
    supervisor = getppid();
    protect();
    arena_init(&p.memory, 0);
    if (take_setup(&p))
        while (serve_one(&p))
            continue;
    if (p.state)
        p.driver->close(p.state);
    arena_done(&p.memory);
    buf_done(&p.in);
    buf_done(&p.out);
    return 0;
}
