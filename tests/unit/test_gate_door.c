/* The worker's half of approvals: a tool proposes, the door asks. */
#include "gate_rig.h"

/* ---- asking ---- */

static void what_asks_waits(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "evidence", "{\"scans\": 0}"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL(g.done.asked, 1);
    CU_ASSERT_EQUAL(g.done.changes, 0);
    ASSERT_CONTAINS(g.done.error.message, "approval_required: 1 group(s)");
    ASSERT_CONTAINS(g.done.error.hint, "lbops approve");
    ASSERT_TEXT(rig_outcome(&g, 0), "waiting");
    CU_ASSERT_FALSE(change_outcome_has_begun((change_outcome)g.outcomes[0]));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *a = g.asks[0];
    ASSERT_TEXT(rig_member(&g, a, "tool"), "proposes");
    ASSERT_TEXT(rig_member(&g, a, "run_id"), g.request.id);
    ASSERT_TEXT(rig_member(&g, a, "target.class"), "production");
    ASSERT_TEXT(rig_member(&g, a, "evidence.figures.scans"), "0");
    ASSERT_TEXT(rig_member(&g, a, "changes.0.kind"), "sql");
    ASSERT_TEXT(rig_member(&g, a, "changes.0.effect"), "destructive");
    ASSERT_TEXT(rig_member(&g, a, "changes.0.text"), "DROP INDEX CONCURRENTLY public.old_idx");
    ASSERT_TEXT(rig_member(&g, a, "requested_by.actor"), "ada");
    ASSERT_TEXT(rig_member(&g, a, "fingerprint.objects.0.name"), "public.old_idx");
    ASSERT_TEXT(rig_member(&g, a, "fingerprint.objects.0.parts.oid"), "4711");
    ASSERT_TEXT(rig_member(&g, a, "fingerprint.objects.1.parts.major"), "17");
    ASSERT_CONTAINS(rig_member(&g, a, "decision_why"), "destructive on production, which always asks");
    CU_ASSERT_EQUAL(rows_with(&g, "audit_id"), 0);
    rig_close(&g);
}

/* Nothing would be another: nobody is asked. */
static void a_file_that_is_there_is_no_change(void)
{
    static const struct {
        const char *content;
        run_status status;
    } runs[] = {{"a note\n", RUN_OK},
                {"a Note\n", RUN_PENDING_APPROVAL},
                {"a note\nmore\n", RUN_PENDING_APPROVAL},
                {"", RUN_PENDING_APPROVAL}};
    for (size_t i = 0; i < LB_COUNT(runs); i++) {
        rig g;
        open_with_fixtures(&g);
        const char *path = rig_path(&g, "note.txt");
        rig_write(&g, "note.txt", runs[i].content);
        propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("files", arena_printf(&g.memory, "[\"%s\"]", path)));
        rig_expect(&g, runs[i].status, 0);
        CU_ASSERT_EQUAL(g.done.changes, 0);
        CU_ASSERT_EQUAL(g.ask_count, runs[i].status != RUN_OK);
        rig_close(&g);
    }
}

static void without_anybody_to_ask_it_is_refused(void)
{
    rig g;
    open_with_fixtures(&g);
    g.setup.can_ask = false;
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_APPROVAL);
    ASSERT_TEXT(rig_outcome(&g, 0), "refused");
    CU_ASSERT_EQUAL(g.ask_count, 0);
    rig_close(&g);
}

static void what_is_refused_does_not_wait(void)
{
    rig g;
    const gate_rule rule = {.tool = "proposes", .decision = GATE_REFUSE};
    open_with_fixtures(&g);
    g.setup.rules = &rule;
    g.setup.rule_count = 1;
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_APPROVAL);
    ASSERT_TEXT(rig_outcome(&g, 0), "refused");
    CU_ASSERT_EQUAL(g.ask_count, 0);
    rig_close(&g);
}

static void what_executes_does_not_wait_for_what_asks(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("comment", "known"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    CU_ASSERT_EQUAL(g.done.asked, 0);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("comment", "known", "drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0); /* in one group they share the answer */
    ASSERT_TEXT(rig_outcome(&g, 0), "waiting");
    ASSERT_TEXT(rig_outcome(&g, 1), "waiting");
    rig_close(&g);
}

/* Its caller is told of the failure all the same: what it counted is in there. */
static void what_undoes_itself_has_not_failed(void)
{
    static const struct {
        const char *state, *outcome;
        size_t errors;
    } cases[] = {{"22P02", "undone", 0}, {"22P01", "failed", 1}, {"", "failed", 1}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        rig g;
        open_with_fixtures(&g);
        rig_write(&g, "fixtures/sql/example/comment_on_table.json",
                  "[{\"error\": {\"code\": \"sql\", \"sqlstate\": \"22P02\", \"message\": \"counted 7\"}}]");
        propose(&g, "ci-1", LB_BRANCH_THROWAWAY, ARGS("comment", "x", "undone_by", cases[i].state));
        rig_expect(&g, RUN_FAILED, LB_ERR_SQL);
        ASSERT_CONTAINS(g.done.error.message, "counted 7");
        ASSERT_TEXT(rig_outcome(&g, 0), cases[i].outcome);
        CU_ASSERT_EQUAL(strstr(g.changes[0], "counted 7") != NULL, cases[i].errors == 1);
        CU_ASSERT(change_outcome_has_begun((change_outcome)g.outcomes[0]));
        CU_ASSERT_EQUAL(g.done.changes, 0);
        LB_AUTO_FREE char *outcome = base_printf("\"outcome\":\"%s\"", cases[i].outcome);
        CU_ASSERT_EQUAL(rows_with(&g, outcome), 1);
        CU_ASSERT_EQUAL(rows_with(&g, "counted 7"), cases[i].errors);
        rig_close(&g);
    }
}

static void a_tool_may_ask_for_so_many(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "groups", "8"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL(g.ask_count, 8);
    CU_ASSERT_EQUAL(g.done.asked, 8);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "groups", "9"));
    rig_expect(&g, RUN_FAILED, LB_ERR_LIMIT);
    ASSERT_CONTAINS(g.done.error.message, "more than 8 approvals");
    rig_close(&g);
}

static void a_secret_cannot_wait(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION,
            ARGS("calls", "[\"PATCH projects/shop/branches/nightly/roles/app\"]", "body",
                 "{\"spec\": {\"password\": \"hunter2\"}}"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    ASSERT_CONTAINS(g.done.error.message, "carries a secret");
    CU_ASSERT_PTR_NULL(strstr(g.done.error.message, "hunter2"));
    CU_ASSERT_EQUAL(g.ask_count, 0);
    propose(&g, "production", LB_BRANCH_PRODUCTION,
            ARGS("program", "[\"psql\", \"postgres://ada:hunter2@host/shop\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    rig_close(&g);
}

static void a_plan_asks_nobody(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("comment", "x"));
    g.request.plan = true;
    g.ask_count = 0;
    const param_arg args[] = {{"drops", "[\"old_idx\"]"}};
    g.request.args = args;
    g.request.arg_count = 1;
    run_execute(&g.worker, &g.request, clock_monotonic() + 60 * CLOCK_SECOND, &g.done);
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL(g.ask_count, 0);
    ASSERT_TEXT(rig_outcome(&g, 0), "planned");
    ASSERT_CONTAINS(rig_member(&g, g.changes[0], "decision"), "always asks");
    rig_close(&g);
}

/* The workspace without a database that comes with the program. */
static void the_mock_workspace_can_ask(void)
{
    rig g;
    rig_open(&g);
    g.transport_args[0].text = LBOPS_FIXTURES;
    g.tools[0] = (worker_tool){.name = "example_tables",
                               .path = arena_printf(&g.memory, "%s/example_tables.so", getenv("LBOPS_PLUGINS")),
                               .agent = "example",
                               .risk = LB_RISK_LOW,
                               .timeout_s = 60};
    rig_run(&g, "example_cleanup", "production", LB_BRANCH_PRODUCTION, GATE_PERSON, ARGS("index", "orders_old_idx"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "dropped"), "false");
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    ASSERT_TEXT(rig_member(&g, g.asks[0], "fingerprint.objects.0.parts.owner"), "shop_owner");
    ASSERT_TEXT(rig_member(&g, g.asks[0], "evidence.tables.examined.tables"), "0");
    approve(&g, g.asks[0]);
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
    rig_close(&g);
}

/* ---- called tools ---- */

static void what_a_called_tool_asks_for_waits_above(void)
{
    rig g;
    open_with_fixtures(&g);
    rig_run(&g, "delegates", "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("whereto", "production", "drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL(g.done.asked, 1);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    ASSERT_TEXT(rig_member(&g, g.asks[0], "tool"), "proposes");
    ASSERT_TEXT(rig_member(&g, g.done.result, "became"), "3"); /* LB_WAITING */
    g.setup.can_ask = false;
    rig_run(&g, "delegates", "production", LB_BRANCH_PRODUCTION, GATE_PERSON, ARGS("whereto", "production"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "became"), "1"); /* LB_APPLIED, though it is nothing at all */
    rig_close(&g);
}

/* The tool says that the branch is a throwaway one; its document and the manifest know nothing of that. */
static void a_tool_does_not_class_branches(void)
{
    rig g;
    open_with_fixtures(&g);
    rig_run(&g, "delegates", "ci-1", LB_BRANCH_THROWAWAY, GATE_PERSON,
            ARGS("whereto", "nightly", "drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    ASSERT_TEXT(rig_member(&g, g.asks[0], "target.class"), "shared");
    rig_close(&g);
}

static void note_run(void *state, const journal_run *run)
{
    rig *g = state;
    ASSERT_TEXT(run->run_id, g->request.id);
    CU_ASSERT_EQUAL_FATAL(run->count, 1);
    CU_ASSERT(strcmp(run->changes[0].run_id, g->request.id) != 0);
    ASSERT_TEXT(run->changes[0].tool, "proposes");
    ASSERT_TEXT(run->changes[0].outcome, "applied");
    g->ask_count++;
}

/* The supervisor knows the run that it asked for: the journal keeps a called run's changes under its name. */
static void changes_of_a_called_tool_are_in_the_journal(void)
{
    static const gate_class ci = {"shop", "ci-*", LB_BRANCH_THROWAWAY};
    rig g;
    lb_error err;
    journal *j = NULL;
    open_with_fixtures(&g);
    g.setup.classes = &ci;
    g.setup.class_count = 1;
    rig_run(&g, "delegates", "main", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("whereto", "ci-2", "drops", "[\"old_idx\"]"));
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL_FATAL(journal_open(rig_path(&g, "state"), &j, &err), 0);
    CU_ASSERT_EQUAL(journal_scan(j, note_run, &g, &err), 0);
    CU_ASSERT_EQUAL(g.ask_count, 1); /* called once */
    (void)journal_close(j);          /* gives NULL */
    rig_close(&g);
}

/* ---- the class of the branch that a call touches ---- */

static const char *answer_for(const char *call, lb_branch_class run_class, const gate_class *said, gate_actor actor)
{
    static char why[256];
    rig g;
    open_with_fixtures(&g);
    g.setup.classes = said;
    g.setup.class_count = said ? 1 : 0;
    const char *calls = arena_printf(&g.memory, "[\"%s\"]", call);
    rig_run(&g, "proposes", "ci-1", run_class, actor, ARGS("calls", calls, "body", "{}"));
    (void)snprintf(why, sizeof why, "%s: %s", rig_outcome(&g, 0), rig_member(&g, g.changes[0], "decision"));
    rig_close(&g);
    return why;
}

static void the_class_is_that_of_the_branch_touched(void)
{
    static const gate_class ci = {"shop", "night*", LB_BRANCH_THROWAWAY};
    static const gate_class all = {NULL, NULL, LB_BRANCH_THROWAWAY};
    static const gate_class named = {"shop", "nightly", LB_BRANCH_PRODUCTION};
    const lb_branch_class mine = LB_BRANCH_THROWAWAY;
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nightly", mine, NULL, GATE_PERSON),
                    "waiting: destructive on shared");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nightly", mine, &ci, GATE_PERSON),
                    "applied: destructive on throwaway");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nightly", mine, &named, GATE_PERSON),
                    "waiting: destructive on production");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/guarded", mine, &all, GATE_PERSON),
                    "waiting: destructive on production");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nightly/endpoints/primary", mine, NULL, GATE_PERSON),
                    "waiting: destructive on shared");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop", mine, &all, GATE_PERSON), "waiting: destructive on production");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/../branches/nightly", mine, &ci, GATE_PERSON),
                    "waiting: destructive on production");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nobody", mine, NULL, GATE_PERSON),
                    "waiting: destructive on production");
    ASSERT_CONTAINS(answer_for("DELETE projects/shop/branches/nightlife", mine, &ci, GATE_PERSON),
                    "applied: destructive on throwaway");
}

static void rules_look_at_the_branch_touched(void)
{
    static const gate_rule rule = {.branch = "night*", .decision = GATE_REFUSE};
    rig g;
    open_with_fixtures(&g);
    g.setup.rules = &rule;
    g.setup.rule_count = 1;
    rig_run(&g, "proposes", "ci-1", LB_BRANCH_SHARED, GATE_PERSON,
            ARGS("calls", "[\"DELETE projects/shop/branches/nightly\"]"));
    ASSERT_TEXT(rig_outcome(&g, 0), "refused");
    rig_run(&g, "proposes", "nightly", LB_BRANCH_SHARED, GATE_PERSON,
            ARGS("calls", "[\"DELETE projects/shop/branches/fresh\"]"));
    ASSERT_TEXT(rig_outcome(&g, 0), "waiting");
    rig_close(&g);
}

static void a_new_branch_is_judged_by_its_name(void)
{
    static const gate_class ci = {"shop", "ci-*", LB_BRANCH_THROWAWAY};
    ASSERT_CONTAINS(answer_for("POST projects/shop/branches?branch_id=ci-2", LB_BRANCH_SHARED, &ci, GATE_PERSON),
                    "applied: additive on throwaway");
    ASSERT_CONTAINS(answer_for("POST projects/shop/branches?branch_id=new", LB_BRANCH_SHARED, &ci, GATE_PERSON),
                    "applied: additive on shared");
}

/* ---- routine ---- */

static const gate_routine expiry = {GATE_ROUTINE_EXPIRY, "shop", NULL};
static const gate_routine reset = {GATE_ROUTINE_RESET, "shop", "nightly"};

static const char *routinely(const gate_routine *routine, const char *calls, const char *source)
{
    static char why[256];
    rig g;
    open_with_fixtures(&g);
    g.setup.routines = routine;
    g.setup.routine_count = 1;
    const char *body =
        arena_printf(&g.memory, "{\"spec\": {\"source_branch\": \"projects/shop/branches/%s\"}}", source);
    rig_run(&g, "proposes", "ci-1", LB_BRANCH_SHARED, GATE_SCHEDULE, ARGS("calls", calls, "body", body));
    (void)snprintf(why, sizeof why, "%s: %s", rig_outcome(&g, 0), rig_member(&g, g.changes[0], "decision"));
    rig_close(&g);
    return why;
}

static void deleting_what_has_expired_is_routine(void)
{
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/expired\"]", ""),
                    "applied: destructive on shared, routine here");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/aged?purge=true\"]", ""), "applied: ");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/fresh\"]", ""), "waiting: ");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/nightly\"]", ""), "waiting: ");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/guarded\"]", ""),
                    "waiting: destructive on production");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/parent\"]", ""), "waiting: ");
    ASSERT_CONTAINS(routinely(&expiry, "[\"DELETE projects/shop/branches/expired/endpoints/x\"]", ""), "waiting: ");
    ASSERT_CONTAINS(routinely(&reset, "[\"DELETE projects/shop/branches/expired\"]", ""), "waiting: ");
}

static void making_a_branch_again_is_routine(void)
{
    static const char whole[] = "[\"DELETE projects/shop/branches/nightly?purge=true\", "
                                "\"POST projects/shop/branches?branch_id=nightly\"]";
    static const char soft[] = "[\"DELETE projects/shop/branches/nightly\", "
                               "\"POST projects/shop/branches?branch_id=nightly\"]";
    static const char other[] = "[\"DELETE projects/shop/branches/nightly?purge=true\", "
                                "\"POST projects/shop/branches?branch_id=daily\"]";
    static const char half[] = "[\"DELETE projects/shop/branches/nightly?purge=true\"]";
    ASSERT_CONTAINS(routinely(&reset, whole, "production"), "applied: ");
    ASSERT_CONTAINS(routinely(&reset, whole, "nightmare"), "waiting: ");
    ASSERT_CONTAINS(routinely(&reset, soft, "production"), "waiting: ");
    ASSERT_CONTAINS(routinely(&reset, other, "production"), "waiting: ");
    ASSERT_CONTAINS(routinely(&reset, half, "production"), "waiting: ");
    ASSERT_CONTAINS(routinely(&expiry, whole, "production"), "waiting: ");
}

SUITE(gate_door, TEST(what_asks_waits), TEST(a_file_that_is_there_is_no_change),
      TEST(without_anybody_to_ask_it_is_refused), TEST(what_is_refused_does_not_wait),
      TEST(what_executes_does_not_wait_for_what_asks), TEST(what_undoes_itself_has_not_failed),
      TEST(a_tool_may_ask_for_so_many), TEST(a_secret_cannot_wait), TEST(a_plan_asks_nobody),
      TEST(the_mock_workspace_can_ask), TEST(what_a_called_tool_asks_for_waits_above),
      TEST(a_tool_does_not_class_branches), TEST(changes_of_a_called_tool_are_in_the_journal),
      TEST(the_class_is_that_of_the_branch_touched), TEST(rules_look_at_the_branch_touched),
      TEST(a_new_branch_is_judged_by_its_name), TEST(deleting_what_has_expired_is_routine),
      TEST(making_a_branch_again_is_routine))
