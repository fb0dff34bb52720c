#include "pool_slot.h"
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define START_TIMEOUT_S 30.0
#define FAREWELL_MS     100
#define START_FAILURES  3 /* in a row, before runs are told that there are no workers */

static void on_socket(struct ev_loop *loop, ev_io *io, int events);
static void on_stderr(struct ev_loop *loop, ev_io *io, int events);
static void on_timer(struct ev_loop *loop, ev_timer *timer, int events);
static void dispatch(pool *p);

const char *pool_program(const pool *p)
{
    return p->program;
}

bool pool_is_orphan(const pool *p, pid_t pid)
{
    for (size_t i = 0; i < p->foreign_count; i++)
        if (p->foreign[i] == pid)
            return false;
    return !child_is_known(pid);
}

static void note_foreign(void *arg, pid_t pid)
{
    pool *p = arg;
    if (p->foreign_count < POOL_FOREIGN_CHILDREN && !child_is_known(pid))
        p->foreign[p->foreign_count++] = pid;
}

/* ---- watching a worker ---- */

static void watch_writes(slot *s)
{
    int wanted = EV_READ | (s->out.length ? EV_WRITE : 0);
    if ((s->io.events & (EV_READ | EV_WRITE)) == wanted)
        return;
    ev_io_stop(s->pool->loop, &s->io);
    ev_io_set(&s->io, s->child.fd, wanted);
    ev_io_start(s->pool->loop, &s->io);
}

/* 1: something came. 0: nothing now. -1: the end. */
static int read_socket(slot *s)
{
    char *room = buf_reserve(&s->in, (size_t)64 * 1024);
    if (!room)
        return -1;
    ssize_t n = recv(s->child.fd, room, (size_t)64 * 1024, 0);
    if (n > 0) {
        buf_commit(&s->in, (size_t)n);
        return 1;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    slot *s = io->data;
    pool *p = s->pool;
    (void)loop, (void)events; /* the state says what there is to do */
    int got = read_socket(s);
    if (got > 0 && !pool_handle_frames(s))
        pool_bury(s, "it sent something that is not a frame");
    else if (got < 0 || (s->child.pid && slot_send(s) != 0))
        pool_bury(s, NULL);
    if (s->child.pid)
        watch_writes(s);
    dispatch(p);
}

static void on_stderr(struct ev_loop *loop, ev_io *io, int events)
{
    slot *s = io->data;
    (void)events;
    if (!child_read_stderr(&s->child))
        ev_io_stop(loop, io); /* closed; the socket's own end says the rest */
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    slot *s = timer->data;
    (void)events;
    if (s->state == SLOT_STARTING) {
        pool_bury(s, "it did not get ready");
        dispatch(s->pool);
        return;
    }
    if (!s->past_deadline && !s->asked_to_stop) {
        s->past_deadline = true;
        (void)kill(s->child.pid, SIGTERM); /* the worker tells the tool; the kill comes after the grace period */
        ev_timer_set(timer, s->pool->grace_s, 0);
        ev_timer_start(loop, timer);
        return;
    }
    pool_bury(s, "killed");
    dispatch(s->pool);
}

/* ---- queueing ---- */

static uint32_t hash_target(const lb_target *target)
{
    uint32_t hash = 2166136261U;
    const char *const parts[] = {target->project ? target->project : "", "/", target->branch ? target->branch : ""};
    for (size_t i = 0; i < LB_COUNT(parts); i++)
        for (const char *p = parts[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 16777619U;
    return hash;
}

static const run_request *take_from(slot *from)
{
    queued_run *q = from->queue;
    const run_request *request = q->request;
    from->queue = q->next;
    if (!from->queue)
        from->queue_end = &from->queue;
    from->queued--;
    free(q);
    return request;
}

/* Its own queue first, then the longest one of the others. */
static const run_request *next_for(pool *p, slot *s)
{
    slot *from = s;
    for (size_t i = 0; !s->queued && i < p->slot_count; i++)
        if (p->slots[i].queued > from->queued)
            from = &p->slots[i];
    return from->queued ? take_from(from) : NULL;
}

static void start_watching(slot *s)
{
    pool *p = s->pool;
    ev_io_init(&s->io, on_socket, s->child.fd, EV_READ);
    ev_io_init(&s->stderr_io, on_stderr, s->child.stderr_fd, EV_READ);
    s->io.data = s->stderr_io.data = s;
    ev_io_start(p->loop, &s->io);
    ev_io_start(p->loop, &s->stderr_io);
    ev_timer_init(&s->timer, on_timer, START_TIMEOUT_S, 0);
    s->timer.data = s;
    ev_timer_start(p->loop, &s->timer);
    buf_put(&s->out, p->setup.data, p->setup.length);
}

static int bring_up(slot *s, lb_error *err)
{
    int r = slot_start(s, err);
    if (r < 0)
        return r;
    start_watching(s);
    if (slot_send(s) == 0)
        watch_writes(s);
    return 0; /* a worker that is gone already says so through its socket */
}

static void give(slot *s, const run_request *request)
{
    pool *p = s->pool;
    s->request = request;
    s->state = SLOT_BUSY;
    ev_now_update(p->loop); /* the loop may have slept or worked since it looked */
    s->submitted_at = clock_now();
    s->deadline_at = clock_monotonic() + (int64_t)request->timeout_s * CLOCK_SECOND;
    job_put_run(&s->out, request, s->deadline_at);
    ev_timer_init(&s->timer, on_timer, request->timeout_s, 0);
    s->timer.data = s;
    ev_timer_start(p->loop, &s->timer);
    if (slot_send(s) == 0)
        watch_writes(s);
}

static void fail_queue(slot *s, const lb_error *error)
{
    while (s->queued)
        pool_end_unserved(s->pool, take_from(s), RUN_FAILED, error);
}

static size_t queued_in_all(const pool *p)
{
    size_t queued = 0;
    for (size_t i = 0; i < p->slot_count; i++)
        queued += p->slots[i].queued;
    return queued;
}

static void dispatch(pool *p)
{
    lb_error error;
    size_t waiting = queued_in_all(p);
    if (waiting && p->start_failures >= START_FAILURES && pool_ready(p) == 0) {
        p->start_failures = 0; /* the next run may find a better day */
        (void)lb_fail(&error, LB_ERR_INTERNAL, "is lbops installed whole, and is there memory?", "no worker starts: %s",
                      p->start_failure);
        for (size_t i = 0; i < p->slot_count; i++)
            fail_queue(&p->slots[i], &error);
        return;
    }
    for (size_t i = 0; waiting && i < p->slot_count; i++) {
        slot *s = &p->slots[i];
        if (s->state == SLOT_DOWN) {
            if (bring_up(s, &error) < 0 && pool_ready(p) == 0)
                fail_queue(s, &error);
        } else if (s->state == SLOT_IDLE) {
            const run_request *request = next_for(p, s);
            if (request)
                give(s, request);
        }
    }
}

void pool_submit(pool *p, const run_request *request)
{
    slot *home = &p->slots[hash_target(&request->target) % p->slot_count];
    p->pending++;
    if (home->state == SLOT_IDLE && !home->queued) { /* the usual case, without a detour */
        give(home, request);
        return;
    }
    queued_run *q = base_alloc(sizeof *q);
    q->request = request;
    *home->queue_end = q;
    home->queue_end = &q->next;
    home->queued++;
    dispatch(p);
}

static bool cancel_queued(slot *s, const char *run_id)
{
    lb_error error;
    for (queued_run **link = &s->queue; *link; link = &(*link)->next) {
        queued_run *q = *link;
        if (strcmp(q->request->id, run_id) != 0)
            continue;
        *link = q->next;
        if (!q->next)
            s->queue_end = link;
        s->queued--;
        (void)lb_fail(&error, LB_ERR_CANCELLED, NULL, "cancelled before it began");
        pool_end_unserved(s->pool, q->request, RUN_FAILED, &error);
        free(q);
        return true;
    }
    return false;
}

void pool_cancel(pool *p, const char *run_id)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        slot *s = &p->slots[i];
        if (cancel_queued(s, run_id))
            return;
        if (!s->request || strcmp(s->request->id, run_id) != 0 || s->asked_to_stop)
            continue;
        s->asked_to_stop = true;
        (void)kill(s->child.pid, SIGTERM);
        ev_timer_stop(p->loop, &s->timer);
        ev_timer_set(&s->timer, p->grace_s, 0);
        ev_timer_start(p->loop, &s->timer);
        return;
    }
}

bool pool_answer(pool *p, const char *run_id, const buf *frame)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        slot *s = &p->slots[i];
        if (!s->request || strcmp(s->request->id, run_id) != 0)
            continue;
        buf_put(&s->out, frame->data, frame->length);
        if (slot_send(s) == 0) /* a worker that is gone says so through its socket */
            watch_writes(s);
        return true;
    }
    return false;
}

size_t pool_pending(const pool *p)
{
    return p->pending;
}

size_t pool_ready(const pool *p)
{
    size_t ready = 0;
    for (size_t i = 0; i < p->slot_count; i++)
        ready += p->slots[i].state == SLOT_IDLE || p->slots[i].state == SLOT_BUSY;
    return ready;
}

pid_t pool_worker_pid(const pool *p, size_t index)
{
    return index < p->slot_count ? p->slots[index].child.pid : 0;
}

int pool_new(const pool_options *options, pool **ret_pool, lb_error *err)
{
    pool *p = base_alloc(sizeof *p);
    p->loop = options->loop;
    p->program = options->program ? base_strdup(options->program) : base_strdup(self_path());
    p->hooks = options->hooks;
    p->grace_s = options->grace_s;
    p->recycle_runs = options->recycle_runs;
    p->events_limit = options->events_limit;
    p->setup = BUF_INIT(WIRE_FRAME_LIMIT);
    job_put_setup(&p->setup, options->setup);
    p->slot_count = (size_t)options->workers;
    p->slots = base_alloc(p->slot_count * sizeof *p->slots);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a worker leaves behind comes to us; without it we only see less */
    child_each(note_foreign, p);
    for (size_t i = 0; i < p->slot_count; i++) {
        slot *s = &p->slots[i];
        *s = (slot){.pool = p, .child = CHILD_INIT, .in = BUF_INIT(WIRE_FRAME_LIMIT * 2)};
        s->out = BUF_INIT(WIRE_FRAME_LIMIT * 2);
        s->events = BUF_INIT(p->events_limit);
        s->queue_end = &s->queue;
    }
    for (size_t i = 0; i < p->slot_count; i++) {
        if (bring_up(&p->slots[i], err) < 0) {
            (void)pool_free(p); /* gives NULL */
            return err->code;
        }
    }
    *ret_pool = p;
    return 0;
}

static void shut_slot(slot *s)
{
    lb_error error;
    (void)lb_fail(&error, LB_ERR_CANCELLED, NULL, "the host is ending");
    fail_queue(s, &error);
    s->asked_to_stop = s->request != NULL;
    if (s->child.pid)
        pool_bury(s, "the host is ending");
    free(s->changes);
    buf_done(&s->in);
    buf_done(&s->out);
    buf_done(&s->events);
}

/* One that does nothing ends by itself, and takes leave of its servers: of what is killed they count the client as
 * lost. */
static void dismiss_idle(pool *p)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].state == SLOT_IDLE && p->slots[i].child.pid > 0)
            (void)shutdown(p->slots[i].child.fd, SHUT_RDWR);
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].state == SLOT_IDLE && p->slots[i].child.pid > 0)
            child_await(&p->slots[i].child, FAREWELL_MS); /* or is killed */
}

pool *pool_free(pool *p)
{
    if (!p)
        return NULL;
    dismiss_idle(p);
    for (size_t i = 0; i < p->slot_count; i++)
        shut_slot(&p->slots[i]);
    free(p->slots);
    free(p->program);
    buf_done(&p->setup);
    free(p);
    return NULL;
}
