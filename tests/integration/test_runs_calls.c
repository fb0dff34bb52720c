/* Runs that call runs, runs that change the world, and their arguments. */
#include "runs.h"

static void one_call(const char *whom, run_status status, int code, const char *message)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "caller", ARGS("whom", whom));
    expect(&s, e, status, code, message);
    stage_close(&s);
}

static void undeclared_call(void)
{
    one_call("noop", RUN_FAILED, LB_ERR_INVALID, "caller does not declare that it calls noop");
}

static void call_of_nobody(void)
{
    one_call("nobody", RUN_FAILED, LB_ERR_NOT_FOUND, "there is no tool nobody to call");
}

static void call_of_itself(void)
{
    one_call("caller", RUN_FAILED, LB_ERR_INVALID, "caller is running already in this chain of calls");
}

static void circle_of_calls(void)
{
    one_call("circle_a", RUN_FAILED, LB_ERR_INVALID, "circle_a is running already in this chain of calls");
}

static void calls_too_deep(void)
{
    one_call("deep_1", RUN_FAILED, LB_ERR_LIMIT, "calls are nested deeper than 8");
}

static void callee_fails(void)
{
    one_call("fails_silently", RUN_FAILED, LB_ERR_TOOL, "fails_silently: fails_silently failed with -77");
}

static void callee_crashes(void)
{
    one_call("segfaults", RUN_CRASHED, LB_ERR_TOOL, "ended by SIGSEGV");
}

/* The callee runs under the caller's deadline. */
static void callee_does_not_end(void)
{
    one_call("loops_until_cancelled", RUN_TIMEOUT, LB_ERR_TIMEOUT, "caller did not end within 3 s");
}

static void called_runs_stand_in_the_book(void)
{
    stage s;
    char parent[80], finding[32];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "caller", ARGS("whom", "steps"));
    (void)snprintf(parent, sizeof parent, "\"parent_run_id\":\"%s\"", e->id);
    expect(&s, e, RUN_OK, 0, NULL);
    CU_ASSERT_EQUAL(rows_with(&s, "tool_runs", parent), 1);
    CU_ASSERT_EQUAL(rows_with(&s, "lakebase_metrics", "\"steps\""), 1);
    ASSERT_TEXT(stage_text(e, "result.answer.findings.0.kind", finding, sizeof finding), "step");
    ASSERT_TEXT(stage_text(e, "events.0.type", finding, sizeof finding), "step.taken");
    stage_close(&s);
}

/* ---- others on the target of the run that calls ------------------------------------------------------------------ */

static void send(const char *const *args, int64_t alone_since, run_status status, const alone_sight *sight)
{
    stage s;
    static const char transport[] =
        "[services.transport]\nplugin = \"transport_mock\"\nfixtures = \"" LBOPS_FIXTURES "\"\n";
    CU_ASSERT_FATAL(stage_open(&s, NULL, transport));
    s.alone_since = alone_since;
    ending *e = stage_ask(&s, "sends", "production", args);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT_FATAL(stage_wait(&s, e, 60));
    CU_ASSERT_EQUAL(e->status, status);
    CU_ASSERT_EQUAL(e->sight.opened, sight->opened);
    CU_ASSERT_EQUAL(e->sight.is_over, sight->is_over);
    stage_close(&s);
}

static void only_sessions_at_home_are_told(void)
{
    send(NO_ARGS, 0, RUN_OK, &(alone_sight){.opened = 1});
    send(ARGS("whereto", "production"), 0, RUN_OK, &(alone_sight){.opened = 1});
    send(ARGS("whereto", "dev"), 0, RUN_OK, &(alone_sight){0});
}

/* The compute of the fixtures was last active long before now, and long after 1970. */
static void called_runs_leave_a_target_alone_and_tell_that_it_is_over(void)
{
    send(NO_ARGS, clock_now(), RUN_SKIPPED, &(alone_sight){0});
    send(ARGS("whereto", "production"), clock_now(), RUN_SKIPPED, &(alone_sight){0});
    send(NO_ARGS, CLOCK_SECOND, RUN_OK, &(alone_sight){.opened = 1, .is_over = true});
    send(ARGS("whereto", "dev"), clock_now(), RUN_OK, &(alone_sight){0});
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static void crash_after_an_applied_change(void)
{
    stage s;
    char text[64];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    LB_AUTO_FREE char *path = base_printf("%s/made.txt", s.dir);
    const ending *e = stage_run(&s, "crashes_after_change", ARGS("path", path));
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    ASSERT_TEXT(stage_text(e, "changes.0.outcome", text, sizeof text), "applied");
    ASSERT_TEXT(stage_text(e, "changes.0.kind", text, sizeof text), "file");
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"phase\":\"intent\""), 1);
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"outcome\":\"applied\""), 1);
    expect(&s, e, RUN_CRASHED, LB_ERR_TOOL, "SIGABRT");
    stage_close(&s);
}

static const char allow_programs[] = "[[gate]]\ntool = \"crashes_in_change\"\ndecision = \"execute\"\nloosen = true\n"
                                     "reason = \"the test wants to see it die\"\n";

static void crash_in_the_middle_of_a_change(void)
{
    stage s;
    char text[64];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    stage_stop(&s);
    CU_ASSERT_FATAL(stage_reopen(&s, "workers = 1\ngrace_s = 1", allow_programs));
    const ending *e = stage_run(&s, "crashes_in_change", NO_ARGS);
    ASSERT_TEXT(stage_text(e, "changes.0.outcome", text, sizeof text), "unknown");
    CU_ASSERT_EQUAL(stage_number(e, "changes.1.rows"), -1); /* it was never begun */
    ASSERT_CONTAINS(e->error.hint, "\"unknown\"");
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"phase\":\"intent\""), 2);
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"outcome\":\"unknown\""),
                    2); /* nobody can say which of the group it was */
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"phase\":\"outcome\""), 2);
    expect(&s, e, RUN_CRASHED, LB_ERR_TOOL, "SIGKILL");
    stage_close(&s);
}

static void program_that_nobody_allowed(void)
{
    stage s;
    char text[64];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "crashes_in_change", NO_ARGS);
    ASSERT_TEXT(stage_text(e, "changes.0.outcome", text, sizeof text), "waiting");
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"phase\":\"intent\""), 0);
    expect(&s, e, RUN_PENDING_APPROVAL, 0, NULL);
    stage_close(&s);
}

static const char allow_many[] = "[[gate]]\ntool = \"many_changes\"\ndecision = \"execute\"\nloosen = true\n"
                                 "reason = \"the test wants to see many\"\n";

/* Each change is told of more than once; only what it came to in the end counts for the room that there is. */
static void very_many_changes(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nresult_mb = 1", allow_many));
    const ending *e = stage_run(&s, "many_changes", ARGS("count", "500", "bytes", "100"));
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", "\"outcome\":\"applied\""), 500);
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

static void changes_that_are_too_large(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, "workers = 1\nresult_mb = 1", allow_many));
    const ending *e = stage_run(&s, "many_changes", ARGS("count", "20", "bytes", "90000"));
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", NULL), 0); /* said before any of them was made */
    expect(&s, e, RUN_FAILED, LB_ERR_LIMIT, "the changes of one run take more than 1 MB");
    stage_close(&s);
}

static void plan_leaves_no_trace(void)
{
    stage s;
    char text[64];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    LB_AUTO_FREE char *path = base_printf("%s/planned.txt", s.dir);
    ending *e = stage_ask_plan(&s, "steps", ARGS("path", path));
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT_FATAL(stage_wait(&s, e, 20));
    ASSERT_TEXT(stage_text(e, "changes.0.outcome", text, sizeof text), "planned");
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(rows_with(&s, "audit_log", NULL), 0);
    CU_ASSERT_EQUAL(rows_with(&s, "lakebase_metrics", NULL), 0);
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

/* What a run was told is kept is a fact, however it ends; what a crash took with it was never acknowledged as durable.
 */
static void records_of_runs_that_end_badly(void)
{
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    expect(&s, stage_run(&s, "steps", ARGS("end", "fail")), RUN_FAILED, LB_ERR_TOOL, "failed as it was asked to");
    CU_ASSERT_EQUAL(rows_with(&s, "lakebase_metrics", NULL), 1);
    expect(&s, stage_run(&s, "steps", ARGS("end", "crash")), RUN_CRASHED, LB_ERR_TOOL, "SIGABRT");
    CU_ASSERT_EQUAL(rows_with(&s, "lakebase_metrics", NULL), 1);
    CU_ASSERT(outbox_is_whole(&s, "lakebase_metrics", true));
    stage_close(&s);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void arguments_of_every_type(void)
{
    stage s;
    char text[128];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(&s, "echoes",
                                ARGS("text", "caf\xc3\xa9 \"x\"", "ident", "Weird name", "document", "{\"a\":[1,null]}",
                                     "i64", "9223372036854775807", "time", "2026-01-31T23:59:59.5Z", "f64", "-1.25e10",
                                     "flag", "false", "texts", "[\"a\",\"\"]"));
    ASSERT_TEXT(stage_text(e, "result.text", text, sizeof text), "caf\xc3\xa9 \"x\"");
    ASSERT_TEXT(stage_text(e, "result.ident", text, sizeof text), "Weird name");
    CU_ASSERT_EQUAL(stage_number(e, "result.document.a.0"), 1);
    CU_ASSERT_EQUAL(stage_number(e, "result.i64"), INT64_MAX);
    ASSERT_TEXT(stage_text(e, "result.time", text, sizeof text), "2026-01-31T23:59:59.500000Z");
    CU_ASSERT_EQUAL(stage_number(e, "result.f64"), -12500000000);
    ASSERT_TEXT(stage_text(e, "result.flag", text, sizeof text), "false");
    ASSERT_TEXT(stage_text(e, "result.texts.0.v", text, sizeof text), "a");
    ASSERT_TEXT(stage_text(e, "result.texts.1.v", text, sizeof text), "");
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

static void lists_and_defaults(void)
{
    stage s;
    char text[128];
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    const ending *e = stage_run(
        &s, "echoes", ARGS("i64s", "[-1, 0, 9007199254740993]", "f64s", "[0.1, 2]", "flags", "[true, false]"));
    CU_ASSERT_EQUAL(stage_number(e, "result.i64s.0.v"), -1);
    CU_ASSERT_EQUAL(stage_number(e, "result.i64s.2.v"), 9007199254740993);
    ASSERT_TEXT(stage_text(e, "result.f64s.0.v", text, sizeof text), "0.1");
    ASSERT_TEXT(stage_text(e, "result.flags.0.v", text, sizeof text), "true");
    ASSERT_TEXT(stage_text(e, "result.flags.1.v", text, sizeof text), "false");
    e = stage_run(&s, "echoes", NO_ARGS);
    ASSERT_TEXT(stage_text(e, "result.text", text, sizeof text), "(null)");
    ASSERT_TEXT(stage_text(e, "result.time", text, sizeof text), "(null)");
    ASSERT_TEXT(stage_text(e, "result.ident", text, sizeof text), "id");
    CU_ASSERT_EQUAL(stage_number(e, "result.i64"), 42);
    CU_ASSERT_EQUAL(stage_number(e, "result.i64s.1.v"), 2);
    expect(&s, e, RUN_OK, 0, NULL);
    stage_close(&s);
}

static void wrong_arguments_start_nothing(void)
{
    static const struct {
        const char *name, *value, *message;
    } wrong[] = {
        {"i64", "twelve", "i64"},      {"i64", "-101", "i64"},        {"flag", "maybe", "flag"},
        {"time", "yesterday", "time"}, {"document", "{", "document"}, {"f64s", "[1, {}]", "f64s"},
        {"texts", "[1]", "texts"},     {"txt", "x", "txt"},           {"text", "a\xff", "not UTF-8"},
    };
    stage s;
    CU_ASSERT_FATAL(stage_open(&s, NULL, NULL));
    for (size_t i = 0; i < LB_COUNT(wrong); i++) {
        s.err = (lb_error){0};
        CU_ASSERT_PTR_NULL(stage_ask(&s, "echoes", NULL, ARGS(wrong[i].name, wrong[i].value)));
        CU_ASSERT_EQUAL(s.err.code, LB_ERR_INVALID);
        ASSERT_CONTAINS(s.err.message, wrong[i].message);
    }
    CU_ASSERT_EQUAL(supervisor_pending(s.supervisor), 0);
    expect_healthy(&s);
    stage_close(&s);
}

SUITE(called_and_changing_runs, TEST(undeclared_call), TEST(call_of_nobody), TEST(call_of_itself),
      TEST(circle_of_calls), TEST(calls_too_deep), TEST(callee_fails), TEST(callee_crashes), TEST(callee_does_not_end),
      TEST(called_runs_stand_in_the_book), TEST(only_sessions_at_home_are_told),
      TEST(called_runs_leave_a_target_alone_and_tell_that_it_is_over), TEST(crash_after_an_applied_change),
      TEST(crash_in_the_middle_of_a_change), TEST(program_that_nobody_allowed), TEST(very_many_changes),
      TEST(changes_that_are_too_large), TEST(plan_leaves_no_trace), TEST(records_of_runs_that_end_badly),
      TEST(arguments_of_every_type), TEST(lists_and_defaults), TEST(wrong_arguments_start_nothing))
