/* Who runs what where: affinity, stealing, recycling, cancelling, and the rest that a tool gets that crashes too often.
 */
#include "desk.h"
#include "runs.h"

#include <signal.h>

static const char targets[] = "[[targets]]\nproject = \"shop\"\nbranch = \"a\"\nclass = \"throwaway\"\n"
                              "[[targets]]\nproject = \"shop\"\nbranch = \"b\"\nclass = \"throwaway\"\n";

static void open_two(stage *s)
{
    CU_ASSERT_FATAL(stage_open(s, "workers = 2\ngrace_s = 1", targets));
    double until = seconds_now() + 20;
    while (pool_ready(supervisor_pool(s->supervisor)) < 2 && seconds_now() < until)
        stage_turn(s, 0.02);
    CU_ASSERT_EQUAL_FATAL(pool_ready(supervisor_pool(s->supervisor)), 2);
}

static int64_t visit(stage *s, const char *branch)
{
    const ending *e = stage_ask(s, "visits", branch, NO_ARGS);
    if (!e || !stage_wait(s, e, 20) || e->status != RUN_OK) {
        CU_FAIL("the visit did not end well");
        return -1;
    }
    return stage_number(e, "result.pid");
}

static void same_target_same_worker(void)
{
    stage s;
    open_two(&s);
    int64_t first = visit(&s, "a");
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(visit(&s, "a"), first);
        if (i % 3 == 0)
            (void)visit(&s, "b"); /* another target in between changes nothing */
    }
    stage_close(&s);
}

static void idle_worker_takes_from_a_busy_one(void)
{
    stage s;
    open_two(&s);
    int64_t home = visit(&s, "a");
    ending *blocking = stage_ask(&s, "visits", "a", ARGS("ms", "3000"));
    ending *next = stage_ask(&s, "visits", "a", NO_ARGS);
    CU_ASSERT_FATAL(blocking && next);
    CU_ASSERT_FATAL(stage_wait(&s, next, 20));
    CU_ASSERT_EQUAL(blocking->count, 0); /* it did not wait for it */
    CU_ASSERT_NOT_EQUAL(stage_number(next, "result.pid"), home);
    CU_ASSERT_FATAL(stage_wait(&s, blocking, 20));
    CU_ASSERT_EQUAL(stage_number(blocking, "result.pid"), home);
    CU_ASSERT_EQUAL(visit(&s, "a"), home);
    stage_close(&s);
}

static void order_is_kept(void)
{
    stage s;
    ending *asked[20];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    for (size_t i = 0; i < LB_COUNT(asked); i++)
        asked[i] = stage_ask(&s, "rests", NULL, ARGS("ms", "5"));
    CU_ASSERT_FATAL(stage_wait(&s, asked[LB_COUNT(asked) - 1], 20));
    for (size_t i = 0; i < LB_COUNT(asked); i++) {
        CU_ASSERT_EQUAL(asked[i]->count, 1);
        CU_ASSERT_EQUAL(asked[i]->status, RUN_OK);
    }
    CU_ASSERT_EQUAL(supervisor_pending(s.supervisor), 0);
    stage_close(&s);
}

static void recycled_after_so_many_runs(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nrecycle_runs = 3", NULL));
    int64_t pids[7];
    for (size_t i = 0; i < LB_COUNT(pids); i++)
        pids[i] = stage_number(stage_run(&s, "rests", NO_ARGS), "result.pid");
    CU_ASSERT(pids[0] == pids[1] && pids[1] == pids[2]);
    CU_ASSERT(pids[3] == pids[4] && pids[4] == pids[5]);
    CU_ASSERT(pids[2] != pids[3] && pids[5] != pids[6]);
    expect_no_strangers(&s);
    stage_close(&s);
}

static void cancelled_while_queued(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    ending *running = stage_ask(&s, "rests", NULL, ARGS("ms", "300"));
    ending *queued = stage_ask(&s, "rests", NULL, NO_ARGS), *last = stage_ask(&s, "rests", NULL, NO_ARGS);
    supervisor_cancel(s.supervisor, queued->id);
    supervisor_cancel(s.supervisor, "no such run");
    CU_ASSERT_FATAL(stage_wait(&s, last, 20));
    CU_ASSERT_EQUAL(running->status, RUN_OK);
    CU_ASSERT_EQUAL(last->status, RUN_OK);
    expect(&s, queued, RUN_FAILED, LB_ERR_CANCELLED, "cancelled before it began");
    stage_close(&s);
}

static void cancelled_while_it_runs(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    expect_healthy(&s);
    pid_t worker = stage_worker(&s, 0);
    ending *e = stage_ask(&s, "rests", NULL, ARGS("ms", "20000"));
    stage_turn(&s, 0.1);
    supervisor_cancel(s.supervisor, e->id);
    CU_ASSERT_FATAL(stage_wait(&s, e, 5));
    CU_ASSERT(e->ms < 3000);
    expect(&s, e, RUN_FAILED, LB_ERR_CANCELLED, "woken up after");
    CU_ASSERT_EQUAL(stage_worker(&s, 0), worker);
    stage_close(&s);
}

static void cancelled_and_does_not_hear(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\ngrace_s = 1",
                               "[agents.x]\nmission = \"m\"\ntools = [\"loops_forever\"]\n"
                               "[agents.x.tool.loops_forever]\ntimeout_s = 60\n"));
    ending *e = stage_ask(&s, "loops_forever", NULL, NO_ARGS);
    stage_turn(&s, 0.3);
    supervisor_cancel(s.supervisor, e->id);
    CU_ASSERT_FATAL(stage_wait(&s, e, 10));
    CU_ASSERT(e->ms < 5000);
    expect(&s, e, RUN_FAILED, LB_ERR_CANCELLED, "was cancelled and did not stop by itself");
    stage_close(&s);
}

/* ---- suspension -------------------------------------------------------------------------------------------------- */

static const char three[] = "workers = 1\ncrashes_to_suspend = 3";

static void crash(stage *s)
{
    CU_ASSERT_EQUAL(stage_run(s, "rests", ARGS("crash", "true"))->status, RUN_CRASHED);
}

static void expect_resting(stage *s)
{
    const ending *e = stage_run(s, "rests", NO_ARGS);
    CU_ASSERT_EQUAL(e->status, RUN_FAILED);
    CU_ASSERT_EQUAL(e->error.code, LB_ERR_SUSPENDED);
    ASSERT_CONTAINS(e->error.message, "rests is suspended since");
    ASSERT_CONTAINS(e->error.message, "SIGABRT");
    ASSERT_CONTAINS(e->error.hint, "--resume");
}

typedef struct answer {
    stage *stage;
    int code;
} answer;

static void hear(void *state, const char *line)
{
    (void)state, (void)line; /* the exit code says it */
}

static void hear_the_end(void *state, int code)
{
    answer *a = state;
    a->code = code;
    ev_break(a->stage->loop, EVBREAK_ALL);
}

static int resume(stage *s, const char *request)
{
    answer a = {.stage = s, .code = -1};
    const desk_client client = {.state = &a, .say = hear, .exit = hear_the_end, .via = "the test"};
    desk *d = desk_new(s->supervisor, s->manifest, NULL, NULL);
    if (desk_serve(d, request, &client))
        (void)ev_run(s->loop, 0);
    d = desk_free(d);
    return a.code;
}

static void suspended_after_crashes_in_a_row(void)
{
    static const char wake[] = "{\"verb\":\"resume\",\"tool\":\"rests\",\"name\":\"anna\"}";
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, three, NULL));
    for (int i = 0; i < 3; i++)
        crash(&s);
    expect_resting(&s);
    expect_healthy(&s); /* the others are not */
    stage_stop(&s);
    CU_ASSERT_FATAL(stage_reopen(&s, three, NULL));
    expect_resting(&s); /* another supervisor knows it */
    CU_ASSERT_EQUAL(resume(&s, wake), 0);
    CU_ASSERT_EQUAL(resume(&s, wake), 1); /* it does not rest */
    CU_ASSERT_EQUAL(stage_run(&s, "rests", NO_ARGS)->status, RUN_OK);
    stage_stop(&s);
    CU_ASSERT_FATAL(stage_reopen(&s, three, NULL));
    CU_ASSERT_EQUAL(stage_run(&s, "rests", NO_ARGS)->status, RUN_OK);
    stage_close(&s);
}

static void success_resets_the_count(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, three, NULL));
    crash(&s);
    crash(&s);
    CU_ASSERT_EQUAL(stage_run(&s, "rests", NO_ARGS)->status, RUN_OK);
    crash(&s);
    crash(&s);
    CU_ASSERT_EQUAL(stage_run(&s, "rests", NO_ARGS)->status, RUN_OK);
    stage_close(&s);
}

static void timeouts_and_failures_do_not_suspend(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\ncrashes_to_suspend = 1", NULL));
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(stage_run(&s, "fails_silently", NO_ARGS)->status, RUN_FAILED);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(stage_run(&s, "loops_until_cancelled", NO_ARGS)->status, RUN_TIMEOUT);
    stage_close(&s);
}

/* ---- workers that end on their own ---------------------------------------------------------------------------------
 */

static void idle_worker_that_is_killed(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    expect_healthy(&s);
    pid_t worker = stage_worker(&s, 0);
    CU_ASSERT_EQUAL(kill(worker, SIGKILL), 0);
    stage_turn(&s, 0.1);
    expect_healthy(&s);
    CU_ASSERT_NOT_EQUAL(stage_worker(&s, 0), worker);
    expect_no_strangers(&s);
    stage_close(&s);
}

static void ended_with_runs_under_way(void)
{
    stage s;
    size_t before = open_descriptors();
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    ending *running = stage_ask(&s, "rests", NULL, ARGS("ms", "20000"));
    ending *queued = stage_ask(&s, "rests", NULL, NO_ARGS);
    stage_turn(&s, 0.1);
    const char *const ids[] = {running->id, queued->id};
    double began = seconds_now();
    stage_stop(&s);
    CU_ASSERT(seconds_now() - began < 15);
    CU_ASSERT(running->count == 1 && queued->count == 1); /* whoever asked has heard of it */
    CU_ASSERT(running->error.code == LB_ERR_CANCELLED && queued->error.code == LB_ERR_CANCELLED);
    expect_no_strangers(&s);
    for (size_t i = 0; i < LB_COUNT(ids); i++)
        CU_ASSERT_EQUAL(rows_with(&s, "tool_runs", ids[i]), 1); /* the book has them as cancelled */
    CU_ASSERT_EQUAL(rows_with(&s, "tool_runs", "\"cancelled\""), 2);
    stage_close(&s);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

SUITE(worker_pool, TEST(same_target_same_worker), TEST(idle_worker_takes_from_a_busy_one), TEST(order_is_kept),
      TEST(recycled_after_so_many_runs), TEST(cancelled_while_queued), TEST(cancelled_while_it_runs),
      TEST(cancelled_and_does_not_hear), TEST(suspended_after_crashes_in_a_row), TEST(success_resets_the_count),
      TEST(timeouts_and_failures_do_not_suspend), TEST(idle_worker_that_is_killed), TEST(ended_with_runs_under_way))
