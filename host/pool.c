#include "pool_slot.h"

#include "json.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FOREIGN_CHILDREN 64
#define START_TIMEOUT_S  30.0
#define START_FAILURES   3 /* in a row, before runs are told that there are no workers */
#define KEPT_BYTES       ((size_t)1024 * 1024)

struct pool {
    struct ev_loop *loop;
    char *program;
    pool_hooks hooks;
    int grace_s, recycle_runs;
    size_t events_limit;
    buf setup; /* the setup frame, sent to each new worker */
    slot *slots;
    size_t slot_count;
    size_t pending;
    int start_failures;
    char start_failure[200];
    pid_t foreign[FOREIGN_CHILDREN]; /* children that this process had before: none of ours to judge */
    size_t foreign_count;
};

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
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].pid == pid)
            return false;
    for (size_t i = 0; i < p->foreign_count; i++)
        if (p->foreign[i] == pid)
            return false;
    return true;
}

static void note_foreign_children(pool *p)
{
    char path[64], list[1024];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
    list[n > 0 ? n : 0] = '\0';
    for (char *at = list, *end; *at && p->foreign_count < FOREIGN_CHILDREN; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            return;
        p->foreign[p->foreign_count++] = (pid_t)pid;
    }
}

/* ---- ends of runs ---- */

/* Tells the owner, and frees the slot for the next run before that: the owner may submit at once. */
static void end_run(slot *s, const run_done *done)
{
    pool *p = s->pool;
    BUF_AUTO changes = BUF_INIT(SIZE_MAX / 4);
    BUF_AUTO events = s->events;
    const run_request *request = s->request;
    run_outcome outcome = {.request = request, .done = *done};
    buf_putc(&changes, '[');
    for (size_t i = 0; i < s->change_count; i++) {
        if (!s->changes[i].json)
            continue;
        json_comma(&changes);
        buf_puts(&changes, s->changes[i].json);
        outcome.has_changed = outcome.has_changed || s->changes[i].outcome >= 3;
        outcome.unknown_changes += s->changes[i].outcome == 3;
    }
    buf_putc(&changes, ']');
    if (!events.length)
        buf_putc(&events, '[');
    buf_putc(&events, ']');
    outcome.changes = buf_text(&changes);
    outcome.events = buf_text(&events);
    s->events = BUF_INIT(p->events_limit);
    slot_clear_run(s);
    p->pending--;
    p->hooks.ended(p->hooks.state, &outcome);
}

static void end_unserved(pool *p, const run_request *request, run_status status, const lb_error *error)
{
    run_outcome outcome = {
        .request = request,
        .done = {.status = status, .error = *error, .result = "{}", .started_at = clock_now()},
        .changes = "[]",
        .events = "[]",
    };
    p->pending--;
    p->hooks.ended(p->hooks.state, &outcome);
}

static const char *death_of(int status, char text[64])
{
    if (WIFSIGNALED(status))
        (void)snprintf(text, 64, "it was ended by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 0)
        (void)snprintf(text, 64, "it ended itself with exit(0)");
    else
        (void)snprintf(text, 64, "it ended itself with exit(%d)", WEXITSTATUS(status));
    return text;
}

static uint32_t unknown_changes(const slot *s)
{
    uint32_t count = 0;
    for (size_t i = 0; i < s->change_count; i++)
        count += s->changes[i].json && s->changes[i].outcome == 3;
    return count;
}

/* The socket of a process that is ending closes a moment before the process is gone; one that lives on has closed it
 * itself. */
static bool has_ended(pid_t pid)
{
    LB_AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return pidfd < 0 || poll(&ended, 1, 100) == 1;
}

/* A worker that ended, by itself or by us, with or without a run. */
static void bury(slot *s, const char *why)
{
    int status = 0;
    char death[64];
    struct ev_loop *loop = s->pool->loop;
    ev_io_stop(loop, &s->io);
    ev_io_stop(loop, &s->stderr_io);
    ev_timer_stop(loop, &s->timer);
    if (!why && !has_ended(s->pid))
        why = "it closed the channel to the host";
    bool was_starting = s->state == SLOT_STARTING;
    slot_kill(s, &status);
    if (was_starting) {
        s->pool->start_failures++;
        (void)snprintf(s->pool->start_failure, sizeof s->pool->start_failure, "%s%s%.100s",
                       why ? why : death_of(status, death), s->tail_length ? ": " : "", s->tail_length ? s->tail : "");
    }
    if (!s->request)
        return;
    run_done done = {.status = RUN_CRASHED, .result = "{}"};
    uint32_t unknown = unknown_changes(s);
    if (s->past_deadline) {
        done.status = RUN_TIMEOUT;
        (void)lb_fail(&done.error, LB_ERR_TIMEOUT, "give it a larger timeout_s, or less to do",
                      "%s did not end within %u s and was killed", s->request->tool, s->request->timeout_s);
    } else if (s->asked_to_stop) {
        done.status = RUN_FAILED;
        (void)lb_fail(&done.error, LB_ERR_CANCELLED, NULL, "%s was cancelled and did not stop by itself",
                      s->request->tool);
    } else {
        (void)lb_fail(&done.error, LB_ERR_TOOL,
                      "run the plugin under a debugger: lbops plugin check FILE.so comes first", "%s crashed: %s%s%s",
                      s->request->tool, why ? why : death_of(status, death), s->tail_length ? "; its last words: " : "",
                      slot_last_words(s));
    }
    if (unknown)
        (void)snprintf(done.error.hint, sizeof done.error.hint,
                       "%u change(s) had been begun: look at each with outcome \"unknown\" before running it again",
                       unknown);
    done.started_at = s->submitted_at;
    done.duration_us = clock_now() - s->submitted_at;
    end_run(s, &done);
}

/* ---- frames from workers ---- */

static bool on_change(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t index = wire_get_u32(r), outcome = wire_get_u32(r);
    const char *json = wire_get_required(r);
    if (!wire_done(r) || !s->request || strcmp(id, s->request->id) != 0 || index > s->change_count + 100000)
        return false;
    while (s->change_count <= index) {
        BASE_PUSH(s->changes, s->change_count, s->change_capacity);
        s->changes[s->change_count++] = (slot_change){0};
    }
    slot_change *c = &s->changes[index];
    s->kept_bytes += strlen(json);
    if (s->kept_bytes > s->pool->events_limit)
        return false;
    free(c->json);
    *c = (slot_change){.json = base_strdup(json), .outcome = outcome};
    return true;
}

static bool on_event(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r), *json = wire_get_required(r);
    if (!wire_done(r) || !s->request || strcmp(id, s->request->id) != 0)
        return false;
    buf_putc(&s->events, s->events.length ? ',' : '[');
    buf_puts(&s->events, json);
    return !s->events.overflow;
}

static bool on_log(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t level = wire_get_u32(r);
    const char *tool = wire_get_required(r), *text = wire_get_required(r);
    if (!wire_done(r) || level < LB_LOG_ERROR || level > LB_LOG_DEBUG)
        return false;
    if (s->request && strcmp(id, s->request->id) == 0 && s->pool->hooks.log)
        s->pool->hooks.log(s->pool->hooks.state, s->request, (lb_level)level, tool, text);
    return true;
}

static bool on_progress(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    int64_t done = wire_get_i64(r), total = wire_get_i64(r);
    const char *what = wire_get_str(r);
    if (!wire_done(r))
        return false;
    if (s->request && strcmp(id, s->request->id) == 0 && s->pool->hooks.progress)
        s->pool->hooks.progress(s->pool->hooks.state, s->request, done, total, what);
    return true;
}

/* A called run is a run of its own in the books: its request and its end come right after each other. */
static bool on_called(const slot *s, wire_reader *r, run_request *called)
{
    (void)snprintf(called->id, sizeof called->id, "%s", wire_get_required(r));
    called->parent_id = wire_get_str(r);
    called->tool = wire_get_required(r);
    called->agent = wire_get_str(r);
    called->target.project = wire_get_str(r);
    called->target.branch = wire_get_str(r);
    if (!wire_done(r) || !s->request)
        return false;
    called->plan = s->request->plan;
    called->actor_kind = s->request->actor_kind;
    called->actor = s->request->actor;
    return true;
}

static bool on_done(slot *s, wire_reader *r, const run_request *called)
{
    const char *id = NULL;
    run_done done;
    pool *p = s->pool;
    if (!job_get_done(r, &id, &done) || !s->request)
        return false;
    if (called && strcmp(id, called->id) == 0) {
        run_outcome outcome = {.request = called, .done = done, .changes = "[]", .events = "[]"};
        p->hooks.ended(p->hooks.state, &outcome);
        return true;
    }
    if (strcmp(id, s->request->id) != 0)
        return false;
    ev_timer_stop(p->loop, &s->timer);
    if (s->past_deadline && done.status == RUN_FAILED)
        done.status = RUN_TIMEOUT;
    if (s->past_deadline && done.error.code == LB_ERR_CANCELLED) /* it was asked to stop since its time was over */
        (void)lb_fail(&done.error, LB_ERR_TIMEOUT, "give it a larger timeout_s, or less to do",
                      "%s did not end within %u s and stopped when it was asked to", s->request->tool, s->request->timeout_s);
    s->runs++;
    bool retire = done.retire || s->runs >= p->recycle_runs;
    s->state =
        retire ? SLOT_RETIRING : SLOT_IDLE; /* the owner may submit the next run while it hears of this one's end */
    end_run(s, &done);
    if (retire)
        bury(s, "retired");
    return true;
}

/* False when the worker speaks nonsense. Texts of the frames point into s->in, which nobody touches before they are
 * done. */
static bool handle_frames(slot *s)
{
    size_t used = 0, settled = 0, size;
    wire_type type;
    wire_reader reader;
    run_request called = {0};
    bool has_called = false, ok = true;
    pid_t pid = s->pid;
    while (ok) {
        int whole = wire_frame(buf_text(&s->in) + used, s->in.length - used, &type, &reader, &size);
        if (whole <= 0) {
            ok = whole == 0;
            break;
        }
        switch (type) {
        case WIRE_READY:
            ok = wire_done(&reader) && s->state == SLOT_STARTING;
            s->state = ok ? SLOT_IDLE : s->state;
            s->pool->start_failures = 0;
            ev_timer_stop(s->pool->loop, &s->timer);
            break;
        case WIRE_CHANGE:
            ok = on_change(s, &reader);
            break;
        case WIRE_EVENT:
            ok = on_event(s, &reader);
            break;
        case WIRE_LOG:
            ok = on_log(s, &reader);
            break;
        case WIRE_PROGRESS:
            ok = on_progress(s, &reader);
            break;
        case WIRE_CALLED:
            ok = on_called(s, &reader, &called);
            break;
        case WIRE_DONE:
            ok = on_done(s, &reader, has_called ? &called : NULL);
            break;
        default:
            ok = false;
        }
        if (s->pid != pid)
            return true; /* retired meanwhile: its buffer is gone */
        used += size;
        has_called = type == WIRE_CALLED;
        if (!has_called) /* a called run's texts lie in front of its end: both go together */
            settled = used;
    }
    buf_drop_front(&s->in, settled);
    buf_trim(&s->in, KEPT_BYTES);
    return ok;
}

static void watch_writes(slot *s)
{
    int wanted = EV_READ | (s->out.length ? EV_WRITE : 0);
    if ((s->io.events & (EV_READ | EV_WRITE)) == wanted)
        return;
    ev_io_stop(s->pool->loop, &s->io);
    ev_io_set(&s->io, s->fd, wanted);
    ev_io_start(s->pool->loop, &s->io);
}

/* 1: something came. 0: nothing now. -1: the end. */
static int read_socket(slot *s)
{
    char *room = buf_reserve(&s->in, (size_t)64 * 1024);
    if (!room)
        return -1;
    ssize_t n = recv(s->fd, room, (size_t)64 * 1024, 0);
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
    if (got > 0 && !handle_frames(s))
        bury(s, "it sent something that is not a frame");
    else if (got < 0 || (s->pid && slot_send(s) != 0))
        bury(s, NULL);
    if (s->pid)
        watch_writes(s);
    dispatch(p);
}

static void on_stderr(struct ev_loop *loop, ev_io *io, int events)
{
    slot *s = io->data;
    (void)events;
    if (!slot_read_stderr(s))
        ev_io_stop(loop, io); /* closed; the socket's own end says the rest */
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    slot *s = timer->data;
    (void)events;
    if (s->state == SLOT_STARTING) {
        bury(s, "it did not get ready");
        dispatch(s->pool);
        return;
    }
    if (!s->past_deadline && !s->asked_to_stop) {
        s->past_deadline = true;
        (void)kill(s->pid, SIGTERM); /* the worker tells the tool; the kill comes after the grace period */
        ev_timer_set(timer, s->pool->grace_s, 0);
        ev_timer_start(loop, timer);
        return;
    }
    bury(s, "killed");
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
    ev_io_init(&s->io, on_socket, s->fd, EV_READ);
    ev_io_init(&s->stderr_io, on_stderr, s->stderr_fd, EV_READ);
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
        end_unserved(s->pool, take_from(s), RUN_FAILED, error);
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
        end_unserved(s->pool, q->request, RUN_FAILED, &error);
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
        (void)kill(s->pid, SIGTERM);
        ev_timer_stop(p->loop, &s->timer);
        ev_timer_set(&s->timer, p->grace_s, 0);
        ev_timer_start(p->loop, &s->timer);
        return;
    }
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
    return index < p->slot_count ? p->slots[index].pid : 0;
}

static char *own_program(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return base_strdup("/proc/self/exe");
    path[n] = '\0';
    return base_strdup(path);
}

int pool_new(const pool_options *options, pool **ret_pool, lb_error *err)
{
    pool *p = base_alloc(sizeof *p);
    p->loop = options->loop;
    p->program = options->program ? base_strdup(options->program) : own_program();
    p->hooks = options->hooks;
    p->grace_s = options->grace_s;
    p->recycle_runs = options->recycle_runs;
    p->events_limit = options->events_limit;
    p->setup = BUF_INIT(WIRE_FRAME_LIMIT);
    job_put_setup(&p->setup, options->setup);
    p->slot_count = (size_t)options->workers;
    p->slots = base_alloc(p->slot_count * sizeof *p->slots);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a worker leaves behind comes to us; without it we only see less */
    note_foreign_children(p);
    for (size_t i = 0; i < p->slot_count; i++) {
        slot *s = &p->slots[i];
        *s = (slot){.pool = p, .fd = -1, .stderr_fd = -1, .in = BUF_INIT(WIRE_FRAME_LIMIT * 2)};
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
    if (s->pid)
        bury(s, "the host is ending");
    free(s->changes);
    buf_done(&s->in);
    buf_done(&s->out);
    buf_done(&s->events);
}

pool *pool_free(pool *p)
{
    if (!p)
        return NULL;
    for (size_t i = 0; i < p->slot_count; i++)
        shut_slot(&p->slots[i]);
    free(p->slots);
    free(p->program);
    buf_done(&p->setup);
    free(p);
    return NULL;
}
