#include "service_internal.h"

#include "log.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define START_TIMEOUT_S 60.0
#define BACKOFF_FIRST_S 0.1
#define BACKOFF_MOST_S  30.0
#define OVERTIME        (2 * CLOCK_SECOND) /* for the plugin to see its deadline itself */
#define HEALTHY_RATIO   10.0 /* one that lived so many times as long as was waited for it did not fail, ... */
#define HEALTHY_AFTER_S 10.0 /* ... nor did one that lived so long */

/* ---- asks ---- */

static void watch_writes(service *s)
{
    int wanted = EV_READ | (s->out.length ? EV_WRITE : 0);
    if ((s->io.events & (EV_READ | EV_WRITE)) == wanted)
        return;
    ev_io_stop(s->loop, &s->io);
    ev_io_set(&s->io, s->child.fd, wanted);
    ev_io_start(s->loop, &s->io);
}

/* False: the peer is gone. */
static bool send_out(service *s)
{
    while (s->out.length) {
        ssize_t n = send(s->child.fd, s->out.data, s->out.length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (n < 0)
            break;
        buf_drop_front(&s->out, (size_t)n);
    }
    watch_writes(s);
    return true;
}

static void arm_overdue(service *s)
{
    int64_t first = INT64_MAX;
    for (const ask *a = s->asks; a; a = a->next)
        first = a->deadline < first ? a->deadline : first;
    ev_timer_stop(s->loop, &s->overdue);
    if (first == INT64_MAX)
        return;
    double left = (double)(first + OVERTIME - clock_monotonic()) / (double)CLOCK_SECOND;
    ev_timer_set(&s->overdue, left > 0 ? left : 0, 0);
    ev_timer_start(s->loop, &s->overdue);
}

/* Nobody waits for it from here on. */
static void unload(service *s, ask *a)
{
    s->waiting--;
    s->backlog_bytes -= a->frame.length;
    buf_done(&a->frame);
    a->answer = NULL;
    a->piece = NULL;
}

void service_finish(service *s, ask *a, wire_reader *fields, const lb_error *error)
{
    service_answer answer = a->answer;
    void *owner = a->owner, *tag = a->tag;
    if (answer)
        unload(s, a);
    free(a);
    if (answer)
        answer(owner, tag, fields, error);
}

ask *service_take(service *s, int64_t id)
{
    for (ask **link = &s->asks; *link; link = &(*link)->next) {
        ask *a = *link;
        if (a->id != id)
            continue;
        *link = a->next;
        if (!a->next)
            s->asks_end = link;
        return a;
    }
    return NULL;
}

buf *service_begin(service *s, uint32_t verb, int64_t timeout_us, service_answer answer, void *owner, void *tag,
                   lb_error *err)
{
    if (s->ending) {
        (void)lb_fail(err, LB_ERR_CANCELLED, NULL, "the host is ending"); /* the NULL says it */
        return NULL;
    }
    if (s->backlog_bytes > s->backlog_limit) {
        (void)lb_fail(err, LB_ERR_LIMIT, "see why it is slow: lbops events --kind 'service.*'",
                      "%zu requests wait for %s already", s->waiting, s->plugin); /* the NULL says it */
        return NULL;
    }
    ask *a = base_alloc(sizeof *a);
    a->id = ++s->next_id;
    a->deadline = clock_monotonic() + timeout_us;
    a->answer = answer;
    a->owner = owner;
    a->tag = tag;
    a->frame = BUF_INIT(WIRE_FRAME_LIMIT + 1024);
    (void)wire_begin(&a->frame, WIRE_ASK_SERVICE); /* the mark is 0 */
    wire_put_i64(&a->frame, a->id);
    wire_put_u32(&a->frame, verb);
    wire_put_i64(&a->frame, a->deadline);
    s->writing = a;
    return &a->frame;
}

void service_pieces(service *s, service_piece piece)
{
    s->writing->piece = piece;
}

/* The process has the first one in its hands, or takes it next; those behind it are told of once they are the first. */
static void tell_unwanted(service *s)
{
    ask *first = s->asks;
    if (!first || first->answer || first->told || s->phase != PHASE_UP)
        return;
    /* Where that fails it is answered at its deadline. */
    first->told =
        sigqueue(s->child.pid, SIGNAL_UNWANTED, (union sigval){.sival_int = service_ask_mark(first->id)}) == 0;
}

void service_withdraw(service *s, const void *tag)
{
    for (ask *a = s->asks, *next; a; a = next) {
        next = a->next;
        if (a->tag != tag || !a->answer)
            continue;
        bool is_sent = s->phase == PHASE_UP && !a->frame.overflow;
        unload(s, a);
        if (!is_sent)
            free(service_take(s, a->id));
    }
    tell_unwanted(s);
    arm_overdue(s);
}

void service_end(service *s)
{
    ask *a = s->writing;
    s->writing = NULL;
    wire_end(&a->frame, 0);
    *s->asks_end = a;
    s->asks_end = &a->next;
    s->waiting++;
    s->backlog_bytes += a->frame.length;
    if (a->frame.overflow) { /* told like every other end: from the loop, never from inside the call */
        a->deadline = clock_monotonic() - OVERTIME;
    } else if (s->phase == PHASE_UP) {
        buf_put(&s->out, a->frame.data, a->frame.length);
        (void)send_out(s); /* a peer that is gone says so through its socket */
    }
    arm_overdue(s);
}

/* ---- the process ---- */

void service_stop_watching(service *s)
{
    ev_io_stop(s->loop, &s->io);
    ev_io_stop(s->loop, &s->stderr_io);
    ev_timer_stop(s->loop, &s->timer);
}

static double pause_after(int failures)
{
    double wait = BACKOFF_FIRST_S;
    for (int i = 1; i < failures && wait < BACKOFF_MOST_S; i++)
        wait *= 2;
    return wait < BACKOFF_MOST_S ? wait : BACKOFF_MOST_S;
}

static void rest(service *s)
{
    s->phase = PHASE_RESTING;
    ev_timer_set(&s->timer, pause_after(s->failures), 0);
    ev_timer_start(s->loop, &s->timer);
}

/* So the pauses stay small against the time in which it served, and grow where it dies as soon as it is there. */
static bool was_healthy(const service *s)
{
    double lived = (double)(clock_monotonic() - s->up_since) / (double)CLOCK_SECOND;
    return s->phase == PHASE_UP && (lived > HEALTHY_AFTER_S || lived > HEALTHY_RATIO * pause_after(s->failures));
}

/* What nobody waits for went with the process. */
static void forget_unwanted(service *s)
{
    for (ask *a = s->asks, *next; a; a = next) {
        next = a->next;
        if (!a->answer)
            free(service_take(s, a->id));
    }
}

/* why NULL: it ended by itself, and we look how. */
static void bury(service *s, const lb_error *why)
{
    int status = 0;
    char death[64];
    service_stop_watching(s);
    bool has_ended = child_has_ended(s->child.pid);
    child_kill(&s->child, &status);
    forget_unwanted(s);
    buf_clear(&s->in);
    buf_clear(&s->out);
    if (was_healthy(s))
        s->failures = 0;
    s->failures++;
    if (why)
        s->trouble = *why;
    else
        (void)lb_fail(&s->trouble, LB_ERR_UNREACHABLE, "it is started again; its plugin may have a defect",
                      "the process of %s has ended: %s%s%s", s->plugin,
                      has_ended ? child_death(status, death) : "it closed its channel",
                      s->child.tail_length ? "; its last words: " : "", child_last_words(&s->child));
    rest(s);
    if (s->hooks.down)
        s->hooks.down(s->hooks.state, s, &s->trouble, s->failures);
}

static void send_again(service *s)
{
    for (const ask *a = s->asks; a; a = a->next)
        if (!a->frame.overflow)
            buf_put(&s->out, a->frame.data, a->frame.length);
}

static bool on_opened(service *s, wire_reader *r)
{
    lb_error error = {0};
    error.code = -(int)(wire_get_u32(r) & 0xffff);
    if (s->phase != PHASE_STARTING)
        return false;
    if (error.code) {
        (void)snprintf(error.message, sizeof error.message, "%s", wire_get_required(r));
        (void)snprintf(error.hint, sizeof error.hint, "%s", wire_get_required(r));
        bury(s, &error);
        return true;
    }
    ev_timer_stop(s->loop, &s->timer);
    s->phase = PHASE_UP;
    s->up_since = clock_monotonic();
    s->trouble = (lb_error){0};
    send_again(s);
    if (s->hooks.up)
        s->hooks.up(s->hooks.state, s, r);
    return true;
}

static bool on_answer(service *s, wire_reader *r)
{
    lb_error error = {0};
    ask *a = service_take(s, wire_get_i64(r));
    error.code = -(int)(wire_get_u32(r) & 0xffff);
    tell_unwanted(s);
    if (error.code) {
        (void)snprintf(error.sqlstate, sizeof error.sqlstate, "%s", wire_get_required(r));
        (void)snprintf(error.message, sizeof error.message, "%s", wire_get_required(r));
        (void)snprintf(error.hint, sizeof error.hint, "%s", wire_get_required(r));
    }
    if (!a)
        return !r->bad; /* its time was over before the answer came */
    if (r->bad) {
        (void)lb_fail(&error, LB_ERR_INTERNAL, NULL, "%s answered with something that is no answer", s->plugin);
        service_finish(s, a, NULL, &error);
        return false;
    }
    service_finish(s, a, error.code ? NULL : r, error.code ? &error : NULL);
    return true;
}

static bool on_piece(const service *s, wire_reader *r)
{
    int64_t id = wire_get_i64(r);
    const ask *a = s->asks;
    while (a && a->id != id)
        a = a->next;
    if (a && a->piece && !r->bad)
        a->piece(a->owner, a->tag, r);
    return !r->bad; /* of one that nobody waits for, it is let go */
}

static bool on_log(const service *s, wire_reader *r)
{
    uint32_t level = wire_get_u32(r);
    const char *text = wire_get_required(r);
    if (!wire_done(r) || level < LB_LOG_ERROR || level > LB_LOG_DEBUG)
        return false;
    log_line((lb_level)level, s->plugin, "%s", text);
    return true;
}

static bool handle_frame(service *s, wire_type type, wire_reader *r)
{
    switch (type) {
    case WIRE_OPENED:
        return on_opened(s, r);
    case WIRE_ANSWER:
        return on_answer(s, r);
    case WIRE_PIECE:
        return on_piece(s, r);
    case WIRE_LOG:
        return on_log(s, r);
    case WIRE_NEWS:
        if (s->hooks.news)
            s->hooks.news(s->hooks.state, s, r);
        return true;
    default:
        return false;
    }
}

static void handle_frames(service *s)
{
    size_t used = 0, size;
    wire_type type;
    wire_reader reader;
    pid_t pid = s->child.pid;
    int whole;
    while ((whole = wire_frame(buf_text(&s->in) + used, s->in.length - used, &type, &reader, &size)) > 0) {
        bool ok = handle_frame(s, type, &reader);
        if (s->child.pid != pid)
            return; /* it has been buried, and its buffer is empty */
        used += size;
        if (!ok) {
            whole = -1;
            break;
        }
    }
    buf_drop_front(&s->in, used);
    if (whole < 0) {
        lb_error error;
        (void)lb_fail(&error, LB_ERR_INTERNAL, NULL, "the process of %s spoke nonsense", s->plugin);
        bury(s, &error);
    }
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    service *s = io->data;
    pid_t pid = s->child.pid;
    (void)loop, (void)events; /* the state says what there is to do */
    char *room = buf_reserve(&s->in, (size_t)64 * 1024);
    ssize_t n = room ? recv(s->child.fd, room, (size_t)64 * 1024, 0) : 0;
    if (n > 0) {
        buf_commit(&s->in, (size_t)n);
        handle_frames(s);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        bury(s, NULL);
    }
    if (s->child.pid == pid && pid && !send_out(s))
        bury(s, NULL);
    arm_overdue(s);
}

static void on_stderr(struct ev_loop *loop, ev_io *io, int events)
{
    service *s = io->data;
    (void)events;
    if (!child_read_stderr(&s->child))
        ev_io_stop(loop, io); /* closed; the socket's own end says the rest */
}

void service_on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    service *s = timer->data;
    lb_error error;
    (void)loop, (void)events;
    if (s->phase == PHASE_RESTING) {
        service_start(s);
        return;
    }
    (void)lb_fail(&error, LB_ERR_TIMEOUT, NULL, "%s did not open within %.0f s", s->plugin, START_TIMEOUT_S);
    bury(s, &error);
}

/* Asks whose time is over are answered. The one that the process has in its hands, the first, has stopped it: a new
 * process serves the others. One that only waited behind it is no reason. */
void service_on_overdue(struct ev_loop *loop, ev_timer *timer, int events)
{
    service *s = timer->data;
    int64_t limit = clock_monotonic() - OVERTIME;
    bool was_sent = false;
    lb_error error;
    (void)loop, (void)events;
    for (ask *a = s->asks, *next; a; a = next) {
        next = a->next;
        if (a->deadline > limit)
            continue;
        was_sent = was_sent || (a == s->asks && s->phase == PHASE_UP && !a->frame.overflow);
        if (a->frame.overflow)
            (void)lb_fail(&error, LB_ERR_LIMIT, NULL, "a request to %s is larger than %zu MB", s->plugin,
                          WIRE_FRAME_LIMIT >> 20);
        else if (s->trouble.code)
            error = s->trouble;
        else
            (void)lb_fail(&error, LB_ERR_TIMEOUT, NULL, "%s did not answer in time", s->plugin);
        service_finish(s, service_take(s, a->id), NULL, &error);
        next = s->asks; /* the callback may have asked or ended anything */
    }
    if (was_sent && s->child.pid) {
        (void)lb_fail(&error, LB_ERR_TIMEOUT, NULL, "%s hung and was ended", s->plugin);
        bury(s, &error);
    }
    arm_overdue(s);
}

void service_start(service *s)
{
    lb_error error;
    s->phase = PHASE_STARTING;
    if (child_start(&s->child, s->program, "--service", &error) < 0) {
        s->trouble = error;
        s->failures++;
        rest(s);
        if (s->hooks.down)
            s->hooks.down(s->hooks.state, s, &s->trouble, s->failures);
        return;
    }
    ev_io_init(&s->io, on_socket, s->child.fd, EV_READ);
    ev_io_init(&s->stderr_io, on_stderr, s->child.stderr_fd, EV_READ);
    s->io.data = s->stderr_io.data = s;
    ev_io_start(s->loop, &s->io);
    ev_io_start(s->loop, &s->stderr_io);
    ev_timer_set(&s->timer, START_TIMEOUT_S, 0);
    ev_timer_start(s->loop, &s->timer);
    buf_put(&s->out, s->setup.data, s->setup.length);
    if (!send_out(s))
        bury(s, NULL);
}
