/* The command line on terminals and without them, on streams that are closed or full, and when it is interrupted. */
#include "program.h"

#include <signal.h>

/* ---- terminals and streams --------------------------------------------------------------------------------------- */

static void colour_on_a_terminal_only(void)
{
    SCRATCH dir = workspace_new();
    const circumstances terminal = {.out = OUTLET_TERMINAL};
    ANSWER a = in_workspace_how(&terminal, dir, WORDS("tools"));
    ANSWER b = in_workspace_how(&terminal, dir, WORDS("--no-color", "tools"));
    ANSWER c = in_workspace_how(&terminal, dir, WORDS("run", "noop", "--json"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "\033[1m");
    CU_ASSERT_PTR_NULL(strchr(b.out, '\033'));
    CU_ASSERT_PTR_NULL(strchr(c.out, '\033'));
}

static void errors_are_coloured_by_their_own_stream(void)
{
    ANSWER a = start_program(&(const circumstances){.err = OUTLET_TERMINAL}, WORDS("chek"));
    ANSWER b = start_program(&(const circumstances){.out = OUTLET_TERMINAL}, WORDS("chek"));
    ASSERT_CONTAINS(a.err, "\033[31merror:");
    CU_ASSERT_PTR_NULL(strchr(b.err, '\033'));
}

static void progress_after_a_second_on_a_terminal(void)
{
    SCRATCH dir = workspace_new();
    const circumstances terminal = {.err = OUTLET_TERMINAL};
    ANSWER slow = in_workspace_how(&terminal, dir, WORDS("run", "rests", "--ms", "1600"));
    ANSWER quick = in_workspace_how(&terminal, dir, WORDS("run", "rests", "--ms", "50"));
    ANSWER quiet = in_workspace_how(&terminal, dir, WORDS("--quiet", "run", "rests", "--ms", "1300"));
    ANSWER piped = in_workspace(dir, WORDS("run", "rests", "--ms", "1300"));
    ASSERT_CONTAINS(slow.err, "1 s rests: ");
    ASSERT_CONTAINS(slow.err, "of 1600 milliseconds of rest");
    ASSERT_TEXT(quick.err, "");
    ASSERT_TEXT(quiet.err, "");
    ASSERT_TEXT(piped.err, "");
}

static void closed_stdout(void)
{
    SCRATCH dir = workspace_new();
    const circumstances closed = {.out = OUTLET_CLOSED};
    ANSWER a = in_workspace_how(&closed, dir, WORDS("run", "noop", "--json"));
    ANSWER b = in_workspace_how(&closed, dir, WORDS("tools"));
    CU_ASSERT(a.code == 1 || a.code == 5);
    CU_ASSERT(b.code == 1 || b.code == 5);
    ASSERT_CONTAINS(a.err, "cannot write the answer");
    ASSERT_CONTAINS(b.err, "cannot write the answer");
}

static void all_streams_closed(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a =
        in_workspace_how(&(const circumstances){.out = OUTLET_CLOSED, .err = OUTLET_CLOSED}, dir, WORDS("run", "noop"));
    CU_ASSERT(a.code == 1 || a.code == 5);
    CU_ASSERT(exists(
        dir, "state/outbox/tool_runs")); /* the run itself was made, and none of its files was taken for a stream */
}

static void full_device_as_stdout(void)
{
    SCRATCH dir = workspace_new();
    const circumstances full = {.out = OUTLET_FULL};
    ANSWER a = in_workspace_how(&full, dir, WORDS("run", "noop", "--json"));
    ANSWER b = start_program(&full, WORDS("--help"));
    CU_ASSERT(a.code == 1 || a.code == 5);
    CU_ASSERT(b.code == 1 || b.code == 5);
    ASSERT_CONTAINS(a.err, "cannot write the answer");
    ASSERT_CONTAINS(b.err, "cannot write the answer");
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void interrupt_cancels_the_run(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < LB_COUNT(signals); i++) {
        SCRATCH dir = workspace_new();
        const circumstances interrupted = {.signal = signals[i], .signal_after_ms = 1000};
        ANSWER a = in_workspace_how(&interrupted, dir, WORDS("run", "rests", "--ms", "90000", "--json"));
        expect_code(&a, 1);
        CU_ASSERT(a.seconds < 60);
        JSON_AUTO *document = one_document(a.out);
        CU_ASSERT_PTR_NOT_NULL_FATAL(document);
        ASSERT_TEXT(text_at(document, "error", "code"), "cancelled");
        CU_ASSERT(exists(dir, "state/outbox/tool_runs"));
    }
}

static void interrupt_of_one_that_does_not_hear(void)
{
    SCRATCH dir = workspace_new();
    const circumstances interrupted = {.signal = SIGINT, .signal_after_ms = 1000};
    ANSWER a = in_workspace_how(&interrupted, dir, WORDS("run", "loops_forever", "--timeout", "300", "--json"));
    expect_code(&a, 1);
    CU_ASSERT(a.seconds < 60);
    JSON_AUTO *document = one_document(a.out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    ASSERT_CONTAINS(text_at(document, "error", "message"), "did not stop by itself");
}

static void second_interrupt_does_not_wait(void)
{
    SCRATCH dir = workspace_with_grace(120);
    const circumstances interrupted = {.signal = SIGINT, .signal_after_ms = 1000, .twice = true};
    ANSWER a = in_workspace_how(&interrupted, dir, WORDS("run", "loops_forever", "--timeout", "300", "--json"));
    expect_code(&a, 1);
    CU_ASSERT(a.seconds < 60); /* less than the grace period */
    JSON_AUTO *document = one_document(a.out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    ASSERT_TEXT(text_at(document, "error", "code"), "cancelled");
}

static void suspended_and_resumed(void)
{
    SCRATCH dir = workspace_new();
    for (int i = 0; i < 3; i++) {
        ANSWER crashed = in_workspace(dir, WORDS("--quiet", "run", "segfaults"));
        expect_code(&crashed, 1);
    }
    ANSWER refused = in_workspace(dir, WORDS("run", "segfaults", "--json"));
    ANSWER resumed = in_workspace(dir, WORDS("tools", "segfaults", "--resume"));
    ANSWER again = in_workspace(dir, WORDS("tools", "segfaults", "--resume"));
    ANSWER after = in_workspace(dir, WORDS("run", "segfaults", "--json"));
    ASSERT_CONTAINS(refused.out, "\"suspended\"");
    ASSERT_CONTAINS(refused.out, "--resume");
    expect_code(&resumed, 0);
    CU_ASSERT_NOT_EQUAL(again.code, 0);
    ASSERT_CONTAINS(after.out, "\"crashed\"");
}

SUITE(command_line_streams, TEST(colour_on_a_terminal_only), TEST(errors_are_coloured_by_their_own_stream),
      TEST(progress_after_a_second_on_a_terminal), TEST(closed_stdout), TEST(all_streams_closed),
      TEST(full_device_as_stdout), TEST(interrupt_cancels_the_run), TEST(interrupt_of_one_that_does_not_hear),
      TEST(second_interrupt_does_not_wait), TEST(suspended_and_resumed))
