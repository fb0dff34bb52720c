/* The ledger's thread against the loop, in the interleaving that is seldom: the thread has said that a group is
 * written, and is held up right there until the loop has handed it the next one. The program is linked with
 * --wrap=ev_async_send. */
#include "scratch.h"
#include "unit/suite.h"

#include "ledger.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

void __real_ev_async_send(struct ev_loop *loop, ev_async *async);
void __wrap_ev_async_send(struct ev_loop *loop, ev_async *async);

static sem_t never;
static int held_ms;

void __wrap_ev_async_send(struct ev_loop *loop, ev_async *async)
{
    struct timespec until;
    __real_ev_async_send(loop, async);
    (void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail */
    int64_t ns = until.tv_nsec + (int64_t)held_ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (held_ms && sem_timedwait(&never, &until) != 0 && errno == EINTR)
        continue;
}

typedef struct stage {
    struct ev_loop *loop;
    ledger *ledger;
    ev_timer limit;
    int added, durable, failed, wanted;
} stage;

static void add_run(stage *s)
{
    run_request request = {.tool = "t", .actor_kind = GATE_PERSON, .actor = "p"};
    id_new(request.id);
    const run_outcome outcome = {.request = &request, .done = {.status = RUN_OK, .started_at = clock_now()}};
    s->added++;
    ledger_add(s->ledger, &outcome, s);
}

static void on_durable(void *state, void *tag, const lb_error *error)
{
    stage *s = tag;
    (void)state; /* the tag is the same */
    s->durable++;
    s->failed += error != NULL;
    if (s->added < s->wanted)
        add_run(s);
    else if (s->durable == s->wanted)
        ev_break(s->loop, EVBREAK_ALL);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events; /* it took too long: the counts tell */
    ev_break(loop, EVBREAK_ALL);
}

static void run_stage(int wanted, int hold_ms)
{
    lb_error err;
    SCRATCH dir = scratch_new();
    stage s = {.loop = ev_loop_new(EVFLAG_AUTO), .wanted = wanted};
    held_ms = hold_ms;
    CU_ASSERT_FATAL(ledger_new(s.loop, dir, on_durable, &s, &s.ledger, &err) >= 0);
    ev_timer_init(&s.limit, on_limit, 10, 0);
    ev_timer_start(s.loop, &s.limit);
    add_run(&s);
    (void)ev_run(s.loop, 0); /* ends by ev_break */
    CU_ASSERT_EQUAL(s.durable, wanted);
    CU_ASSERT_EQUAL(s.failed, 0);
    CU_ASSERT_EQUAL(ledger_pending(s.ledger), 0);
    held_ms = 0;
    (void)ledger_free(s.ledger); /* gives NULL */
    ev_loop_destroy(s.loop);
}

static void each_row_becomes_durable(void)
{
    run_stage(20, 0);
}

/* Longer than the gap between two groups, so that the next one is handed over meanwhile. */
static void a_thread_that_is_held_up_misses_no_group(void)
{
    run_stage(5, 150);
}

SUITE(ledger, TEST(each_row_becomes_durable), TEST(a_thread_that_is_held_up_misses_no_group))
