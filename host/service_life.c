/* How a service's process is set up, and how it is let go. */
#include "service_internal.h"

#include <sys/socket.h>

#define FAREWELL_MS     2000
#define BACKLOG_DEFAULT ((size_t)64 * 1024 * 1024)

static void put_args(buf *out, const param_arg *args, size_t count)
{
    wire_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_str(out, args[i].name);
        wire_put_str(out, args[i].text);
    }
}

int service_new(const service_options *options, service **ret_service, lb_error *err)
{
    service *s = base_alloc(sizeof *s);
    s->loop = options->loop;
    s->program = base_strdup(options->program);
    s->plugin = base_strdup(options->plugin);
    s->kind = options->kind;
    s->hooks = options->hooks;
    s->backlog_limit = options->backlog_bytes ? options->backlog_bytes : BACKLOG_DEFAULT;
    s->child = CHILD_INIT;
    s->setup = BUF_INIT(WIRE_FRAME_LIMIT);
    s->in = BUF_INIT(WIRE_FRAME_LIMIT * 2);
    s->out = BUF_INIT(SIZE_MAX / 4); /* what it holds is bounded by the backlog */
    s->asks_end = &s->asks;
    size_t mark = wire_begin(&s->setup, WIRE_SERVICE);
    wire_put_u32(&s->setup, (uint32_t)options->kind);
    wire_put_str(&s->setup, options->plugin);
    wire_put_str(&s->setup, options->path);
    wire_put_str(&s->setup, options->state_dir);
    wire_put_str(&s->setup, options->work_dir);
    wire_put_u32(&s->setup, (uint32_t)options->log_level);
    put_args(&s->setup, options->args, options->arg_count);
    put_args(&s->setup, options->settings, options->setting_count);
    wire_end(&s->setup, mark);
    ev_timer_init(&s->timer, service_on_timer, 0, 0);
    ev_timer_init(&s->overdue, service_on_overdue, 0, 0);
    s->timer.data = s->overdue.data = s;
    if (s->setup.overflow) {
        (void)service_free(s); /* gives NULL */
        return lb_fail(err, LB_ERR_LIMIT, NULL, "the parameters of %s are too large", options->plugin);
    }
    service_start(s);
    *ret_service = s;
    return 0;
}

/* The closed socket tells the process to end; what it has begun it finishes. */
static void farewell(service *s)
{
    if (!s->child.pid)
        return;
    (void)shutdown(s->child.fd, SHUT_WR); /* cannot fail on a socket that is open */
    child_await(&s->child, FAREWELL_MS);
    child_kill(&s->child, NULL);
}

service *service_free(service *s)
{
    lb_error error;
    if (!s)
        return NULL;
    s->ending = true;
    service_stop_watching(s);
    ev_timer_stop(s->loop, &s->overdue);
    farewell(s);
    (void)lb_fail(&error, LB_ERR_CANCELLED, NULL, "the host is ending");
    while (s->asks)
        service_finish(s, service_take(s, s->asks->id), NULL, &error);
    buf_done(&s->setup);
    buf_done(&s->in);
    buf_done(&s->out);
    free(s->program);
    free(s->plugin);
    free(s);
    return NULL;
}

bool service_is_up(const service *s)
{
    return s->phase == PHASE_UP;
}

bool service_is_ending(const service *s)
{
    return s->ending;
}

size_t service_waiting(const service *s)
{
    return s->waiting;
}

pid_t service_pid(const service *s)
{
    return s->child.pid;
}

const char *service_plugin(const service *s)
{
    return s->plugin;
}

int service_failures(const service *s)
{
    return s->phase == PHASE_UP ? 0 : s->failures;
}

const lb_error *service_trouble(const service *s)
{
    return &s->trouble;
}
