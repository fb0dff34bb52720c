/* The worker's life: limits, setup, then one run after the other until the supervisor closes the socket. */
#include "worker.h"

#include "log.h"
#include "model_service.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

typedef struct worker {
    run_worker run;
    worker_setup setup;
    arena setup_memory, request_memory;
    buf in;
    buf out; /* frames that may wait for the end of the run */
    pid_t pid;
} worker;

static void on_term(int signal_number)
{
    (void)signal_number;
    run_cancel_current();
}

/* Interrupts what blocks (no SA_RESTART), so that a transport sees the wish at once. */
static void catch_term(void)
{
    struct sigaction action = {.sa_handler = on_term};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL); /* cannot fail for SIGTERM */
    (void)signal(SIGINT, SIG_IGN);           /* Ctrl-C at a terminal is the supervisor's to handle */
    (void)signal(SIGPIPE, SIG_IGN);
}

static void set_limit(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return;
    limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
    (void)setrlimit((__rlimit_resource_t)resource, &limit); /* lowering one's own limit is always allowed */
}

static void protect(void)
{
    (void)fcntl(WORKER_FD, F_SETFD, FD_CLOEXEC); /* not for the programs that runs start */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);      /* so that a run sees what it leaves behind */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);      /* the socket's end says it as well */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0); /* no core file: it would hold tokens */
    set_limit(RLIMIT_CORE, 0);
}

static void limit_memory(const worker_setup *setup)
{
#ifndef LBOPS_SANITIZED /* the sanitizers reserve terabytes of address space */
    set_limit(RLIMIT_AS, (rlim_t)setup->worker_memory_mb * 1024 * 1024);
#else
    (void)setup;
#endif
}

/* Small frames wait for the end of the run (or for 64 KB), which saves a system call each; a change goes out at once,
 * since it is the trace of what a crash may leave behind. */
static void flush_frames(worker *w)
{
    if (getpid() != w->pid)
        _exit(0); /* a tool forked and lets its child go on as if it were the worker */
    if (w->out.length && wire_send_all(WORKER_FD, &w->out) != 0)
        _exit(0); /* the supervisor is gone, or a tool closed the socket: nobody is left to serve */
    buf_clear(&w->out);
}

static void send_frame(void *state, const buf *frame)
{
    worker *w = state;
    if (frame->overflow || w->out.length + frame->length > (size_t)64 * 1024)
        flush_frames(w);
    if (frame->overflow)
        return; /* too long to matter as a log line; results and events are bounded before they come here */
    buf_put(&w->out, frame->data, frame->length);
    wire_type type = (wire_type)((unsigned char)frame->data[4] | (unsigned char)frame->data[5] << 8);
    if (type == WIRE_CHANGE || type == WIRE_PROGRESS || type == WIRE_LOG || type == WIRE_ASK)
        flush_frames(w);
}

/* False at the end of the socket. */
static bool read_more(worker *w)
{
    char *room = buf_reserve(&w->in, (size_t)64 * 1024);
    ssize_t n = room ? recv(WORKER_FD, room, (size_t)64 * 1024, 0) : 0;
    if (n > 0)
        buf_commit(&w->in, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

#define LOOK_MS 1000 /* a signal ends the wait; this is for one that came just before it */

/* Until the deadline, or until the run is to stop: that more can be read. */
static int wait_for_answer(int64_t deadline, lb_error *err)
{
    for (;;) {
        int64_t left = (deadline - clock_monotonic() + 999) / 1000;
        struct pollfd waiting = {.fd = WORKER_FD, .events = POLLIN};
        if (run_is_cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "the run was asked to stop");
        if (left <= 0)
            return lb_fail(err, LB_ERR_TIMEOUT, "give the tool a larger timeout_s in the manifest, or ask for less",
                           "the history did not answer within the run's time");
        if (poll(&waiting, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
            return 0;
    }
}

static int ask(void *state, const buf *frame, int64_t deadline,
               int (*answer)(void *arg, wire_type type, wire_reader *r, lb_error *err), void *arg, lb_error *err)
{
    worker *w = state;
    wire_type type;
    wire_reader reader;
    size_t size;
    send_frame(w, frame);
    flush_frames(w);
    for (int r = 0;;) {
        int whole = wire_frame(buf_text(&w->in), w->in.length, &type, &reader, &size);
        if (whole < 0)
            _exit(0); /* whoever sits there is no supervisor */
        if (whole > 0) {
            r = answer(arg, type, &reader, err);
            buf_drop_front(&w->in, size);
            if (r)
                return r < 0 ? r : 0;
            continue;
        }
        if ((r = wait_for_answer(deadline, err)) < 0)
            return r;
        if (!read_more(w))
            _exit(0); /* the supervisor is gone */
    }
}

/* Waits for the next frame; closes idle sessions meanwhile. False at the end of the socket. */
static bool receive(worker *w, wire_type *ret_type, wire_reader *ret_reader, size_t *ret_size)
{
    for (;;) {
        int whole = wire_frame(buf_text(&w->in), w->in.length, ret_type, ret_reader, ret_size);
        if (whole != 0)
            return whole > 0;
        int64_t wait = w->run.sessions ? session_close_idle(w->run.sessions) : -1;
        struct pollfd waiting = {.fd = WORKER_FD, .events = POLLIN};
        if (wait >= 0 && poll(&waiting, 1, (int)(wait / 1000) + 1) == 0)
            continue;
        if (!read_more(w))
            return false;
    }
}

static bool take_setup(worker *w)
{
    wire_type type;
    wire_reader reader;
    size_t size;
    if (!receive(w, &type, &reader, &size) || type != WIRE_SETUP ||
        !job_get_setup(&reader, &w->setup_memory, &w->setup))
        return false;
    buf_drop_front(&w->in, size);
    log_setup(w->setup.log_level, LOG_TEXT, false);
    if (chdir(w->setup.work_dir) != 0) /* the manifest's relative paths start where it lies */
        log_line(LB_LOG_WARN, "worker", "cannot enter %s", w->setup.work_dir);
    limit_memory(&w->setup);
    arena_init(&w->run.memory, (size_t)w->setup.run_memory_mb * 1024 * 1024);
    w->run.setup = &w->setup;
    w->run.sessions = session_pool_new(&w->setup, NULL);
    w->run.channel = (run_channel){.state = w, .send = send_frame, .ask = ask};
    w->run.result = BUF_INIT((size_t)w->setup.result_mb * 1024 * 1024);
    w->run.remembered = BUF_INIT(RUN_MEMORY_MOST + 1);
    size_t mark = wire_begin(&w->out, WIRE_READY);
    wire_end(&w->out, mark);
    flush_frames(w);
    return true;
}

static bool is_over_memory(const worker_setup *setup)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss / 1024 > (long)setup->worker_memory_mb / 2;
}

/* What the run before may have left: an alarm that is still to come, a signal that it does not hear any more. */
static void forget_signals(void)
{
    const struct itimerval never = {0};
    (void)setitimer(ITIMER_REAL, &never, NULL); /* cannot fail with these arguments */
    catch_term();
}

static void put_done(worker *w, const char *run_id, const run_done *done)
{
    flush_frames(w);
    job_put_done(&w->out, run_id, done);
    if (!w->out.overflow)
        return;
    run_done smaller = *done;
    smaller.result = "{}";
    if (!smaller.error.code) {
        smaller.status = RUN_FAILED;
        (void)lb_fail(&smaller.error, LB_ERR_LIMIT, "report less", "the result is larger than %zu MB",
                      WIRE_FRAME_LIMIT >> 20); /* the code is in it */
    }
    buf_clear(&w->out);
    job_put_done(&w->out, run_id, &smaller);
}

static bool serve_one(worker *w)
{
    wire_type type;
    wire_reader reader;
    size_t size;
    run_request request;
    int64_t deadline;
    run_done done;
    while (receive(w, &type, &reader, &size) && (type == WIRE_HISTORY_PIECE || type == WIRE_HISTORY_END))
        buf_drop_front(&w->in, size); /* the run that asked has stopped waiting */
    if (type != WIRE_RUN)
        return false;
    arena_reset(&w->request_memory);
    if (!job_get_run(&reader, &w->request_memory, &request, &deadline))
        return false;
    buf_drop_front(&w->in, size);
    forget_signals();
    run_execute(&w->run, &request, deadline, &done);
    done.retire = done.retire || is_over_memory(&w->setup);
    put_done(w, request.id, &done);
    flush_frames(w);
    return true;
}

int worker_main(void)
{
    worker w = {.in = BUF_INIT(WIRE_FRAME_LIMIT), .out = BUF_INIT(WIRE_FRAME_LIMIT), .pid = getpid()};
    protect();
    catch_term();
    arena_init(&w.setup_memory, 0);
    arena_init(&w.request_memory, WIRE_FRAME_LIMIT);
    if (!take_setup(&w))
        return 0;
    while (serve_one(&w))
        continue;
    w.run.sessions = session_pool_free(w.run.sessions);
    w.run.model = model_service_free(w.run.model);
    arena_done(&w.run.memory);
    arena_done(&w.request_memory);
    arena_done(&w.setup_memory);
    buf_done(&w.run.result);
    buf_done(&w.run.remembered);
    buf_done(&w.in);
    buf_done(&w.out);
    return 0;
}
