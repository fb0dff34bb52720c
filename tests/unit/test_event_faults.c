/* The log of events when it is killed, when the disk is full, and when syncing fails. The program is linked with
 * --wrap=fdatasync. */
#include "event_stage.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static int syncs_to_fail;

int __wrap_fdatasync(int fd)
{
    if (syncs_to_fail > 0) {
        syncs_to_fail--;
        errno = EIO;
        return -1;
    }
    return __real_fdatasync(fd);
}

/* ---- killed at any moment ---- */

typedef struct victim {
    struct ev_loop *loop;
    event_log *log;
    int out;
    uint64_t next;
} victim;

/* Says what is durable before anything else can happen. */
static void victim_durable(void *state, uint64_t seq)
{
    victim *v = state;
    if (write(v->out, &seq, sizeof seq) != sizeof seq)
        _exit(1);
}

static void victim_adds(struct ev_loop *loop, ev_idle *idle, int events)
{
    victim *v = idle->data;
    lb_error err;
    (void)loop, (void)events;
    for (int i = 0; i < 500; i++) {
        char payload[64];
        uint64_t seq = 0;
        (void)snprintf(payload, sizeof payload, "{\"number\":%llu}", (unsigned long long)v->next);
        const event e = {.kind = "step.taken", .payload = payload};
        int r = event_log_add(v->log, &e, &seq, &err);
        if (r == LB_ERR_LIMIT)
            return;
        if (r < 0 || seq != v->next)
            _exit(2);
        v->next++;
    }
}

static _Noreturn void be_victim(const char *dir, int out)
{
    victim v = {.loop = ev_loop_new(EVFLAG_AUTO), .out = out};
    event_log_found found;
    lb_error err;
    ev_idle idle;
    const event_log_options options = {.loop = v.loop,
                                       .dir = dir,
                                       .hooks = {.state = &v, .durable = victim_durable},
                                       .segment_bytes = 1000000,
                                       .backlog_bytes = 1000000};
    if (event_log_open(&options, &v.log, &found, &err) < 0)
        _exit(3);
    v.next = found.last + 1;
    ev_idle_init(&idle, victim_adds);
    idle.data = &v;
    ev_idle_start(v.loop, &idle);
    (void)ev_run(v.loop, 0); /* until it is killed */
    _exit(4);
}

/* Reads reports until the time is over, and then what is still in the pipe. */
static uint64_t last_report(int in, int64_t until)
{
    uint64_t seq = 0, last = 0;
    struct pollfd fd = {.fd = in, .events = POLLIN};
    for (;;) {
        int64_t left = until - clock_monotonic();
        int timeout = until == 0 ? 0 : left > 0 ? (int)(left / 1000) + 1 : 0;
        if (poll(&fd, 1, timeout) <= 0 || read(in, &seq, sizeof seq) != sizeof seq)
            return last;
        CU_ASSERT(seq > last);
        last = seq;
        if (until && clock_monotonic() >= until)
            return last;
    }
}

/* Event n says that it is the n-th. */
static void expect_numbers(const char *dir, uint64_t at_least)
{
    lb_error err;
    event e;
    event_reader *r;
    uint64_t count = 0;
    int code;
    CU_ASSERT_EQUAL_FATAL(event_reader_new(dir, &(event_read_options){.verify = true}, &r, &err), 0);
    while ((code = event_reader_next(r, 0, &e, &err)) == 1) {
        LB_AUTO_FREE char *payload = base_printf("{\"number\":%llu}", (unsigned long long)++count);
        if (e.seq != count || strcmp(e.payload, payload) != 0)
            CU_FAIL_FATAL("an event is not where it was");
    }
    if (code < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT(count >= at_least);
    (void)event_reader_free(r); /* gives NULL */
}

/* waits: the time begins when something has been reported, which on a busy machine may take a while. */
static uint64_t kill_once(const char *dir, bool waits, int64_t after_us)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        be_victim(dir, ends[1]);
    (void)close(ends[1]);
    struct pollfd first = {.fd = ends[0], .events = POLLIN};
    CU_ASSERT(!waits || poll(&first, 1, 60000) == 1);
    uint64_t before = last_report(ends[0], clock_monotonic() + after_us);
    (void)kill(pid, SIGKILL); /* our own child */
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status));
    uint64_t after = last_report(ends[0], 0);
    (void)close(ends[0]);
    return after > before ? after : before;
}

static void what_was_reported_durable_survives_a_kill(void)
{
    SCRATCH dir = scratch_new();
    uint64_t reported = 0;
    unsigned random = (unsigned)clock_now();
    int torn = 0;
    for (int round = 0; round < 30; round++) {
        random = random * 1103515245 + 12345;
        uint64_t last = kill_once(dir, round % 2, 1000 + (random >> 8) % 40000);
        reported = last > reported ? last : reported;
        event_stage *s = stage_new(dir);
        stage_open(s);
        torn += s->found.torn[0] != '\0';
        ASSERT_TEXT(s->found.broken, "");
        CU_ASSERT(s->found.last >= reported);
        s = stage_free(s);
        expect_numbers(dir, reported);
    }
    printf("(%llu events, %d torn ends, %zu segments) ", (unsigned long long)reported, torn, segment_count(dir));
    CU_ASSERT(reported > 0);
}

/* ---- a full disk ---- */

static void allow_bytes(rlim_t bytes)
{
    struct rlimit limit;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Fills the backlog; how many were accepted. */
static uint64_t fill(event_stage *s)
{
    lb_error err;
    uint64_t seq = 0, last = 0;
    const event e = {.kind = "step.taken"};
    while (event_log_add(s->log, &e, &seq, &err) == 0)
        last = seq;
    CU_ASSERT_EQUAL(err.code, LB_ERR_LIMIT);
    return last;
}

static void a_full_disk_loses_nothing(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    s->options.backlog_bytes = 100000;
    stage_open(s);
    stage_add(s, 10);
    (void)signal(SIGXFSZ, SIG_IGN); /* EFBIG is what we want */
    allow_bytes(30000);
    uint64_t last = fill(s);
    s->wanted = 0;
    while (!s->troubles && !s->is_late)
        stage_run(s);
    CU_ASSERT_EQUAL(s->trouble.code, LB_ERR_IO);
    ASSERT_CONTAINS(s->trouble.message, "File too large");
    CU_ASSERT(event_log_durable(s->log) < last);
    allow_bytes(RLIM_INFINITY);
    stage_until_durable(s, last);
    CU_ASSERT_EQUAL(s->troubles, 1); /* said once, not at each try */
    CU_ASSERT_EQUAL(s->recoveries, 1);
    if (!s->rooms)
        stage_run(s);
    CU_ASSERT_EQUAL(s->rooms, 1);
    stage_add(s, 5);
    s = stage_free(s);
    expect_whole(dir, last + 5);
}

/* It ends while the disk is full: what was durable is there, and it says that the rest is not. */
static void an_end_on_a_full_disk_is_honest(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    s->options.backlog_bytes = 100000;
    stage_open(s);
    stage_add(s, 10);
    allow_bytes(30000);
    uint64_t last = fill(s);
    stage_close(s);
    CU_ASSERT_EQUAL(s->troubles, 1);
    CU_ASSERT(s->durable >= 10 && s->durable < last);
    uint64_t durable = s->durable;
    allow_bytes(RLIM_INFINITY);
    stage_open(s);
    CU_ASSERT(s->found.last >= durable);
    uint64_t found = s->found.last;
    stage_add(s, 3);
    s = stage_free(s);
    expect_whole(dir, found + 3);
}

static void a_sync_that_failed_is_done_again(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 3);
    syncs_to_fail = 1;
    uint64_t last = stage_add_kind(s, "a", NULL);
    s->wanted = 0;
    while (!s->troubles && !s->is_late)
        stage_run(s);
    ASSERT_CONTAINS(s->trouble.message, "cannot sync");
    CU_ASSERT_EQUAL(event_log_durable(s->log), 3);
    stage_until_durable(s, last);
    s = stage_free(s);
    expect_whole(dir, 4);
}

SUITE(event_faults, TEST(what_was_reported_durable_survives_a_kill), TEST(a_full_disk_loses_nothing),
      TEST(an_end_on_a_full_disk_is_honest), TEST(a_sync_that_failed_is_done_again))
