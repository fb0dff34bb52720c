/* Scripts through the door: cut up, classed, executed and audited statement by statement. */
#include "door_rig.h"

static const char two_of_them[] =
    "-- a first one\nCOMMENT ON TABLE t IS 'x';\n  CREATE TABLE IF NOT EXISTS u (a int);\n";

static void open_with_fixtures(rig *g)
{
    rig_open(g);
    rig_write(g, "fixtures/sql/script/v1_some.json",
              "[{\"args\": {\"statement\": 3}, \"error\": {\"code\": \"sql\", \"sqlstate\": \"42P01\", \"message\": "
              "\"no such table\"}}, {\"affected\": null}]");
    rig_write(g, "fixtures/sql/host/fingerprint.json",
              "[{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": []}]");
}

static void propose(rig *g, lb_branch_class branch_class, const char *const *args)
{
    rig_run(g, "proposes", branch_class == LB_BRANCH_PRODUCTION ? "production" : "ci-1", branch_class, GATE_PERSON,
            args);
}

static void each_statement_is_a_change(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, LB_BRANCH_PRODUCTION, ARGS("script", two_of_them, "atomic", "true"));
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL_FATAL(g.change_count, 2);
    ASSERT_TEXT(rig_member(&g, g.changes[0], "statement"), "COMMENT ON TABLE t IS 'x'");
    ASSERT_TEXT(rig_member(&g, g.changes[1], "statement"), "CREATE TABLE IF NOT EXISTS u (a int)");
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    ASSERT_TEXT(rig_outcome(&g, 1), "applied");
    CU_ASSERT_EQUAL(g.done.changes, 2);
    rig_close(&g);
}

static void a_part_of_it_can_be_given(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, LB_BRANCH_PRODUCTION, ARGS("script", two_of_them, "first", "2", "last", "2"));
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL_FATAL(g.change_count, 1);
    ASSERT_CONTAINS(rig_member(&g, g.changes[0], "statement"), "CREATE TABLE");
    propose(&g, LB_BRANCH_PRODUCTION, ARGS("script", two_of_them, "first", "2", "last", "3"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    ASSERT_CONTAINS(g.done.error.message, "has 2 statements, not those from 2 to 3");
    rig_close(&g);
}

static void a_plan_executes_nothing(void)
{
    rig g;
    open_with_fixtures(&g);
    const param_arg args[] = {{"script", two_of_them}};
    propose(&g, LB_BRANCH_PRODUCTION, ARGS("title", "x"));
    g.request.plan = true;
    g.request.args = args;
    g.request.arg_count = 1;
    g.change_count = 0;
    run_execute(&g.worker, &g.request, clock_monotonic() + 60 * CLOCK_SECOND, &g.done);
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL_FATAL(g.change_count, 2);
    ASSERT_TEXT(rig_outcome(&g, 1), "planned");
    rig_close(&g);
}

static void what_destroys_waits_and_is_executed_once_approved(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, LB_BRANCH_PRODUCTION,
            ARGS("script", "COMMENT ON TABLE t IS 'x';\nDROP SCHEMA app CASCADE", "atomic", "true"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    ASSERT_TEXT(rig_member(&g, g.asks[0], "changes.0.effect"), "additive");
    ASSERT_TEXT(rig_member(&g, g.asks[0], "changes.1.effect"), "destructive");
    ASSERT_TEXT(rig_member(&g, g.asks[0], "changes.1.text"), "DROP SCHEMA app CASCADE");
    ASSERT_TEXT(rig_member(&g, g.asks[0], "fingerprint.objects.1.name"), "app");
    const char *copy = arena_strdup(&g.memory, g.asks[0]);
    rig_run(&g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", copy, "approval_id", "A1"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    ASSERT_TEXT(rig_outcome(&g, 1), "applied");
    rig_close(&g);
}

static void what_was_approved_waits_for_its_lock(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, LB_BRANCH_PRODUCTION, ARGS("script", "DROP TABLE app.t", "atomic", "true"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *copy = arena_strdup(&g.memory, g.asks[0]);
    rig_write(&g, "fixtures/sql/script/v1_some.json",
              "[{\"times\": 2, \"error\": {\"code\": \"conflict\", \"sqlstate\": \"55P03\", \"message\": \"locked\"}},"
              " {\"affected\": null}]");
    rig_restart(&g);
    rig_run(&g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", copy, "approval_id", "A1"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    CU_ASSERT_EQUAL(g.done.changes, 1);
    propose(&g, LB_BRANCH_THROWAWAY, ARGS("script", "DROP TABLE app.t", "atomic", "true"));
    rig_expect(&g, RUN_OK, 0);
    rig_write(&g, "fixtures/sql/script/v1_some.json",
              "[{\"times\": 1, \"error\": {\"code\": \"conflict\", \"sqlstate\": \"55P03\", \"message\": \"locked\"}},"
              " {\"affected\": null}]");
    rig_restart(&g);
    propose(&g, LB_BRANCH_THROWAWAY, ARGS("script", "DROP TABLE app.t", "atomic", "true"));
    rig_expect(&g, RUN_FAILED, LB_ERR_CONFLICT); /* a tool tries again when it wants to */
    rig_close(&g);
}

static void an_error_says_where(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, LB_BRANCH_THROWAWAY, ARGS("script", "SELECT 1;\nSELECT 2;\n  ALTER TABLE ONLY t RENAME TO v"));
    rig_expect(&g, RUN_FAILED, LB_ERR_SQL);
    ASSERT_TEXT(g.done.error.message, "V1__some.sql: statement 3 (line 3, column 3): no such table");
    ASSERT_TEXT(rig_outcome(&g, 1), "applied");
    ASSERT_TEXT(rig_outcome(&g, 2), "failed");
    rig_close(&g);
}

static void what_is_no_script_is_refused_whole(void)
{
    static const char *const bad[][2] = {
        {"SELECT 1; SELEC 2", "V1__some.sql: line 1, column 11: syntax error"},
        {"COMMENT ON TABLE t IS 'x'; BEGIN", "statement 2 (line 1, column 28): statement 1 controls the transaction"},
        {"COMMENT ON TABLE t IS 'x';\nCOPY t FROM STDIN", "statement 2 (line 2, column 1): COPY moves rows"},
        {"-- nothing", "holds no statement"},
        {"VACUUM t", "cannot run inside a transaction"},
    };
    rig g;
    open_with_fixtures(&g);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        propose(&g, LB_BRANCH_THROWAWAY, ARGS("script", bad[i][0], "atomic", "true"));
        rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
        ASSERT_CONTAINS(g.done.error.message, bad[i][1]);
        CU_ASSERT_EQUAL(g.change_count, 0);
    }
    propose(&g, LB_BRANCH_THROWAWAY, ARGS("script", "VACUUM t"));
    rig_expect(&g, RUN_OK, 0);
    rig_close(&g);
}

SUITE(door_script, TEST(each_statement_is_a_change), TEST(a_part_of_it_can_be_given), TEST(a_plan_executes_nothing),
      TEST(what_destroys_waits_and_is_executed_once_approved), TEST(what_was_approved_waits_for_its_lock),
      TEST(an_error_says_where), TEST(what_is_no_script_is_refused_whole))
