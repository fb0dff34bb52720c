/* What one hostile tool does to its own run, and that it does nothing to any other: each run ends once, with the status
 * and the words that it deserves, in bounded time; the next run works, and no process and no descriptor is left. */
#include "runs.h"

#include <time.h>

#define SLOW 20000.0 /* milliseconds; far above what any of these needs, far below for ever */

/* One hostile run on a stage of its own; the worker must be another one afterwards when it is told to be. */
static void hostile(const char *tool, const char *const *args, run_status status, int code, const char *message,
                    bool replaced, double most_ms)
{
    stage s;
    size_t before = open_descriptors();
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    expect_healthy(&s);
    pid_t worker = stage_worker(&s, 0);
    const ending *e = stage_run(&s, tool, args);
    expect(&s, e, status, code, message);
    if (e->ms > most_ms)
        printf("\n    %s took %.0f ms\n", tool, e->ms);
    CU_ASSERT(e->ms <= most_ms);
    CU_ASSERT_EQUAL(stage_worker(&s, 0) != worker, replaced);
    stage_close(&s);
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

/* ---- ends of the process ---- */

static void segmentation_fault(void)
{
    hostile("segfaults", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "segfaults crashed: it was ended by SIGSEGV", true, SLOW);
}

static void abort_with_last_words(void)
{
    hostile("aborts", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL,
            "SIGABRT; its last words: first words the invariant ?? is broken", true, SLOW);
}

static void exit_zero(void)
{
    hostile("exits", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "ended itself with exit(0)", true, SLOW);
}

static void exit_three(void)
{
    hostile("exits", ARGS("code", "3"), RUN_CRASHED, LB_ERR_TOOL, "ended itself with exit(3)", true, SLOW);
}

static void sigkill_on_itself(void)
{
    hostile("kills_itself", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "ended by SIGKILL", true, SLOW);
}

static void stack_overflow(void)
{
    hostile("recurses", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "ended by SIGSEGV", true, SLOW);
}

static void crash_in_a_cleanup(void)
{
    hostile("crash_in_cleanup", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "ended by SIGSEGV", true, SLOW);
}

/* ---- time ---- */

static void endless_loop_that_ignores_sigterm(void)
{
    hostile("loops_forever", NO_ARGS, RUN_TIMEOUT, LB_ERR_TIMEOUT, "did not end within 1 s and was killed", true, 4000);
}

static void endless_loop_that_asks(void)
{
    hostile("loops_until_cancelled", NO_ARGS, RUN_TIMEOUT, LB_ERR_TIMEOUT, "stopped when it was asked to", false, 3000);
}

static void endless_writes_to_stderr(void)
{
    hostile("never_quiet", NO_ARGS, RUN_TIMEOUT, LB_ERR_TIMEOUT, "did not end within 1 s and was killed", true, 5000);
}

/* ---- memory ---- */

static void endless_malloc(void)
{
#ifdef LBOPS_SANITIZED
    printf("\n    left out: sanitizers reserve the address space that the cap is on\n");
#else
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nworker_memory_mb = 256\nrun_memory_mb = 64", NULL));
    const ending *e = stage_run(&s, "allocates_malloc", NO_ARGS);
    expect(&s, e, RUN_FAILED, LB_ERR_NO_MEMORY, "out of memory");
    stage_close(&s);
#endif
}

static void endless_lb_alloc(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nrun_memory_mb = 8", NULL));
    const ending *e = stage_run(&s, "allocates_arena", NO_ARGS);
    expect(&s, e, RUN_FAILED, LB_ERR_NO_MEMORY, "out of memory");
    ASSERT_CONTAINS(e->error.hint, "run_memory_mb");
    stage_close(&s);
}

/* ---- descriptors ---- */

static void closed_descriptors(void)
{
    hostile("closes_descriptors", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "closes_descriptors crashed: ", true, SLOW);
}

/* The closed pipe must not keep the host busy. */
static void closed_standard_descriptors(void)
{
    struct timespec before, after;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before); /* this clock is always there */
    hostile("closes_stderr", NO_ARGS, RUN_OK, 0, NULL, false, SLOW);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    CU_ASSERT((double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9 < 0.5);
}

static void garbage_on_the_channel(void)
{
    static const char *const kinds[] = {"noise", "huge", "zero", "unknown", "half", "type"};
    for (size_t i = 0; i < LB_COUNT(kinds); i++)
        hostile("garbage_frames", ARGS("kind", kinds[i]), RUN_CRASHED, LB_ERR_TOOL,
                "sent something that is not a frame", true, SLOW);
}

/* ---- processes and threads ---- */

static void fork_bomb(void)
{
    char mark[64];
    (void)snprintf(mark, sizeof mark, "lbops-test-mark-%d", (int)getpid());
    hostile("fork_bomb", ARGS("mark", mark), RUN_OK, 0, NULL, true, SLOW);
    CU_ASSERT(!is_marked(mark));
}

static void child_left_behind(void)
{
    static const char *const ways[] = {"plain", "session", "daemon"};
    for (size_t i = 0; i < LB_COUNT(ways); i++)
        hostile("leaves_child", ARGS("how", ways[i]), RUN_OK, 0, NULL, true, SLOW);
}

static void fork_that_returns_twice(void)
{
    stage s;
    char half[16];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "fork_returns", NO_ARGS);
    ASSERT_TEXT(stage_text(e, "result.half", half, sizeof half), "parent");
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

/* What is left in the process must not harm the run after it. */
static void harm_that_comes_later(const char *tool, bool replaced)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, tool, NO_ARGS);
    pid_t worker = stage_worker(&s, 0);
    const ending *next = stage_run(&s, "rests", ARGS("ms", "900"));
    CU_ASSERT_EQUAL(e->status, RUN_OK);
    expect(&s, next, RUN_OK, 0, NULL);
    CU_ASSERT_EQUAL(worker == 0 || stage_worker(&s, 0) != worker, replaced);
    stage_close(&s);
}

static void thread_left_behind(void)
{
    harm_that_comes_later("leaves_thread", true);
}

static void alarm_left_behind(void)
{
    harm_that_comes_later("sets_alarm", false);
}

/* ---- floods ---- */

static void flood_of_events(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nrun_events = 500", NULL));
    const ending *e = stage_run(&s, "floods_events", NO_ARGS);
    CU_ASSERT_EQUAL(stage_number(e, "events.499.payload.number"), 499);
    CU_ASSERT_EQUAL(stage_number(e, "events.500.payload.number"), -1);
    expect(&s, e, RUN_FAILED, LB_ERR_LIMIT, "more than 500 events in one run");
    stage_close(&s);
}

static void events_that_are_large(void)
{
    hostile("large_events", NO_ARGS, RUN_FAILED, LB_ERR_LIMIT, "events of one run are larger than 16 MB", false, SLOW);
}

static void flood_of_log_lines(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "floods_log", NO_ARGS);
    CU_ASSERT(s.log_lines > 500 && s.log_lines <= 1001);
    ASSERT_CONTAINS(s.last_log, "left out");
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

static void flood_on_stderr(void)
{
    hostile("floods_stderr", NO_ARGS, RUN_CRASHED, LB_ERR_TOOL, "out of cheese", true, SLOW);
}

static void gigabyte_result(void)
{
    hostile("gigabyte_result", NO_ARGS, RUN_FAILED, LB_ERR_LIMIT, "the result is larger than 16 MB", false, SLOW);
}

static void result_in_many_parts(void)
{
    hostile("many_lists", NO_ARGS, RUN_FAILED, LB_ERR_LIMIT, "the result is larger than 16 MB", false, SLOW);
}

/* More than a frame can carry, where the manifest allows it. */
static void result_larger_than_a_frame(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nresult_mb = 900\nworker_memory_mb = 4096", NULL));
    const ending *e = stage_run(&s, "many_lists", NO_ARGS);
    expect(&s, e, RUN_FAILED, LB_ERR_LIMIT, "the result is larger than");
    stage_close(&s);
}

/* ---- results ---- */

static void invalid_utf8(void)
{
    static const char *const refused[] = {"result", "name", "append", "record", "event", "skipped"};
    for (size_t i = 0; i < LB_COUNT(refused); i++)
        hostile("bad_text", ARGS("where", refused[i]), RUN_FAILED, LB_ERR_INVALID, "UTF-8", false, SLOW);
    hostile("bad_text", ARGS("where", "log"), RUN_OK, 0, NULL, false, SLOW);
    hostile("bad_text", ARGS("where", "error"), RUN_FAILED, LB_ERR_TOOL, "cannot say caf", false, SLOW);
    hostile("bad_text", ARGS("where", "title"), RUN_FAILED, LB_ERR_TOOL, "left the group", false, SLOW);
}

static void group_left_open(void)
{
    hostile("open_group", NO_ARGS, RUN_FAILED, LB_ERR_TOOL, "left the group \"half a plan\" open", false, SLOW);
}

static void failure_without_a_reason(void)
{
    hostile("fails_silently", NO_ARGS, RUN_FAILED, LB_ERR_TOOL, "failed with -77 and gave no reason", false, SLOW);
    hostile("fails_silently", ARGS("how", "positive"), RUN_FAILED, LB_ERR_TOOL, "gave no reason", false, SLOW);
}

/* An error that was dealt with on the way is none: what run() returns counts. */
static void success_with_an_error(void)
{
    hostile("fails_silently", ARGS("how", "contradiction"), RUN_OK, 0, NULL, false, SLOW);
}

static void error_without_an_end(void)
{
    hostile("fails_silently", ARGS("how", "unterminated"), RUN_FAILED, LB_ERR_TOOL, "mmmmmmmm", false, SLOW);
}

static void detector_without_coverage(void)
{
    hostile("says_nothing", NO_ARGS, RUN_FAILED, LB_ERR_TOOL, "neither what it examined nor what it skipped", false,
            SLOW);
}

static void overwritten_context(void)
{
    hostile("alters_context", NO_ARGS, RUN_OK, 0, NULL, false, SLOW);
    hostile("alters_context", ARGS("table", "true"), RUN_CRASHED, LB_ERR_TOOL, "SIGSEGV", true, SLOW);
}

/* The arguments that one run wrote over are whole again for the next. */
static void overwritten_arguments_do_not_last(void)
{
    stage s;
    char text[32];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        const ending *e = stage_run(&s, "alters_context", NO_ARGS);
        ASSERT_TEXT(stage_text(e, "result.text", text, sizeof text), "as given");
        CU_ASSERT_EQUAL(stage_number(e, "result.number"), 7);
    }
    stage_close(&s);
}

SUITE(hostile_runs, TEST(segmentation_fault), TEST(abort_with_last_words), TEST(exit_zero), TEST(exit_three),
      TEST(sigkill_on_itself), TEST(stack_overflow), TEST(crash_in_a_cleanup), TEST(endless_loop_that_ignores_sigterm),
      TEST(endless_loop_that_asks), TEST(endless_writes_to_stderr), TEST(endless_malloc), TEST(endless_lb_alloc),
      TEST(closed_descriptors), TEST(closed_standard_descriptors), TEST(garbage_on_the_channel), TEST(fork_bomb),
      TEST(child_left_behind), TEST(fork_that_returns_twice), TEST(thread_left_behind), TEST(alarm_left_behind),
      TEST(flood_of_events), TEST(events_that_are_large), TEST(flood_of_log_lines), TEST(flood_on_stderr),
      TEST(gigabyte_result), TEST(result_in_many_parts), TEST(result_larger_than_a_frame), TEST(invalid_utf8),
      TEST(group_left_open), TEST(failure_without_a_reason), TEST(success_with_an_error), TEST(error_without_an_end),
      TEST(detector_without_coverage), TEST(overwritten_context), TEST(overwritten_arguments_do_not_last))
