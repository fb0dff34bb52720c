/* What was approved is executed, exactly and only as long as nothing has moved. */
#include "gate_rig.h"

static void what_was_approved_is_executed(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    approve(&g, g.asks[0]);
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    ASSERT_CONTAINS(rig_member(&g, g.changes[0], "decision"), "approved by ada: it has to be");
    CU_ASSERT_EQUAL(rows_with(&g, "\"approval_id\":\"A1\""), 2);
    CU_ASSERT_EQUAL(rows_with(&g, "\"tool\":\"proposes\""), 2);
    CU_ASSERT_EQUAL(rows_with(&g, "\"decision\":\"approved by ada: it has to be\""), 2);
    CU_ASSERT_EQUAL(rows_with(&g, "\"undo\":\"there is no way back\""), 2);
    CU_ASSERT_EQUAL(rows_with(&g, "\"outcome\":\"applied\""), 1);
    rig_close(&g);
}

/* The tool is gone by then; what it left says what is to be history, and others to hear. */
static void what_was_approved_is_written_down(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "notes", "deleted"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    CU_ASSERT_EQUAL(g.event_count, 0);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", "deleted"), 0);
    ASSERT_TEXT(rig_member(&g, g.asks[0], "notes.0.name"), "branch_lifecycle");
    ASSERT_TEXT(rig_member(&g, g.asks[0], "notes.1.kind"), "event");
    approve(&g, g.asks[0]);
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL(g.done.records, 1);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", "\"event_type\":\"deleted\""), 1);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", "\"event_timestamp\":\"2026-02-01T12:00:00"), 1);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", g.request.id), 2); /* the row, and the head of its file */
    CU_ASSERT_EQUAL_FATAL(g.event_count, 1);
    ASSERT_TEXT(rig_member(&g, g.event, "type"), "branch.deleted");
    ASSERT_TEXT(rig_member(&g, g.event, "tool"), "proposes");
    ASSERT_TEXT(rig_member(&g, g.event, "payload.branch_id"), "b");
    rig_close(&g);
}

static void what_was_not_done_is_not_written_down(void)
{
    rig g;
    open_with_fixtures(&g);
    rig_write(&g, "fixtures/sql/example/drop_index.json",
              "[{\"error\": {\"sqlstate\": \"42704\", \"message\": \"no\"}}]");
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "notes", "deleted"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    approve(&g, g.asks[0]);
    CU_ASSERT_EQUAL(g.done.status, RUN_FAILED);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", "deleted"), 0);
    CU_ASSERT_EQUAL(g.event_count, 0);
    /* A row that would not do is refused while the tool is still there. */
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]", "notes", ""));
    CU_ASSERT_EQUAL(g.done.status, RUN_FAILED);
    ASSERT_CONTAINS(g.done.error.message, "event_type");
    CU_ASSERT_EQUAL(g.ask_count, 0);
    /* What is executed at once is the tool's own to write down. */
    propose(&g, "ci-pr-1", LB_BRANCH_THROWAWAY, ARGS("comment", "x", "notes", "deleted"));
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL(rows_of(&g, "branch_lifecycle", "deleted"), 0);
    rig_close(&g);
}

static void what_has_moved_is_not_executed(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *asked = g.asks[0], *hash = rig_member(&g, asked, "hash");
    rig_write(&g, "fixtures/sql/host/fingerprint.json", index_moved);
    rig_restart(&g);
    approve(&g, asked);
    rig_expect(&g, RUN_OK, 0);
    const char *result = arena_strdup(&g.memory, g.done.result);
    ASSERT_TEXT(rig_member(&g, result, "executed"), "false");
    ASSERT_TEXT(rig_member(&g, result, "moved"), "true");
    ASSERT_TEXT(rig_member(&g, result, "difference.0.object"), "public.old_idx");
    ASSERT_TEXT(rig_member(&g, result, "difference.0.part"), "definition");
    ASSERT_TEXT(rig_member(&g, result, "difference.0.before"), "CREATE INDEX old_idx ON public.orders (a)");
    ASSERT_TEXT(rig_member(&g, result, "difference.0.now"), "CREATE INDEX old_idx ON public.orders (a, b)");
    ASSERT_TEXT(rig_member(&g, result, "difference.1.part"), "oid");
    ASSERT_TEXT(rig_member(&g, result, "difference.2"), "(null)");
    ASSERT_TEXT(rig_member(&g, result, "fingerprint.objects.0.parts.oid"), "4712");
    CU_ASSERT_EQUAL(rows_with(&g, "audit_id"), 0);
    ASSERT_TEXT(rig_outcome(&g, 0), "waiting");
    const char *now = rig_member(&g, result, "document");
    CU_ASSERT(strcmp(rig_member(&g, now, "hash"), hash) != 0);
    approve(&g, now); /* somebody has seen the difference */
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
    rig_close(&g);
}

static void what_went_away_has_moved(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *asked = g.asks[0];
    rig_write(&g, "fixtures/sql/host/fingerprint.json",
              "[{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": []}]");
    rig_restart(&g);
    approve(&g, asked);
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.part"), "object");
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.now"), "(null)");
    rig_close(&g);
}

static void an_edited_document_is_refused(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    char *edited = arena_strdup(&g.memory, g.asks[0]);
    char *place = strstr(edited, "\"text\":\"DROP INDEX CONCURRENTLY public.old");
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    memcpy(strstr(place, "old"), "new", 3);
    approve(&g, edited);
    rig_expect(&g, RUN_FAILED, LB_ERR_CONFLICT);
    ASSERT_CONTAINS(g.done.error.message, "not what was decided on");
    approve(&g, "{}");
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    CU_ASSERT_EQUAL(rows_with(&g, "audit_id"), 0);
    rig_close(&g);
}

static void another_branch_is_not_what_was_approved(void)
{
    rig g;
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *asked = g.asks[0];
    rig_run(&g, APPROVED_TOOL, "staging", LB_BRANCH_SHARED, GATE_PERSON, ARGS("approval", asked, "approval_id", "A1"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    ASSERT_CONTAINS(g.done.error.message, "the approval is for shop/production");
    rig_close(&g);
}

static void a_refusing_rule_stands_above_an_approval(void)
{
    rig g;
    const gate_rule rule = {.tool = "proposes", .effect = EFFECT_DESTRUCTIVE, .decision = GATE_REFUSE};
    open_with_fixtures(&g);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *asked = g.asks[0];
    g.setup.rules = &rule;
    g.setup.rule_count = 1;
    approve(&g, asked);
    rig_expect(&g, RUN_FAILED, LB_ERR_DENIED);
    ASSERT_TEXT(rig_outcome(&g, 0), "refused");
    CU_ASSERT_EQUAL(rows_with(&g, "audit_id"), 0);
    rig_close(&g);
}

static void a_failure_is_told_as_one(void)
{
    rig g;
    open_with_fixtures(&g);
    rig_write(&g, "fixtures/sql/example/drop_index.json",
              "[{\"error\": {\"code\": \"conflict\", \"sqlstate\": \"55P03\", \"message\": \"locked\"}}]");
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("drops", "[\"old_idx\"]"));
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    approve(&g, g.asks[0]);
    rig_expect(&g, RUN_FAILED, LB_ERR_CONFLICT);
    ASSERT_TEXT(rig_outcome(&g, 0), "failed");
    CU_ASSERT_EQUAL(rows_with(&g, "\"outcome\":\"failed\""), 1);
    rig_close(&g);
}

static void files_and_programs_are_executed_as_they_were(void)
{
    rig g;
    lb_error err;
    open_with_fixtures(&g);
    const char *first = rig_path(&g, "first.txt"), *second = rig_path(&g, "second.txt");
    rig_write(&g, "first.txt", "old\n");
    const char *files = arena_printf(&g.memory, "[\"%s\"]", first);
    const char *program = arena_printf(&g.memory, "[\"touch\", \"%s\"]", second);
    propose(&g, "production", LB_BRANCH_PRODUCTION, ARGS("files", files, "program", program));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *asked = g.asks[0];
    CU_ASSERT_NOT_EQUAL(access(second, F_OK), 0);
    approve(&g, asked);
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL(access(second, F_OK), 0);
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    CU_ASSERT_EQUAL(fs_read(first, 100, &text, &length, &err), 0);
    ASSERT_TEXT(text, "a note\n");
    approve(&g, asked); /* the file is not as it was any more */
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "moved"), "true");
    rig_close(&g);
}

SUITE(gate_approved, TEST(what_was_approved_is_executed), TEST(what_was_approved_is_written_down),
      TEST(what_was_not_done_is_not_written_down), TEST(what_has_moved_is_not_executed), TEST(what_went_away_has_moved),
      TEST(an_edited_document_is_refused), TEST(another_branch_is_not_what_was_approved),
      TEST(a_refusing_rule_stands_above_an_approval), TEST(a_failure_is_told_as_one),
      TEST(files_and_programs_are_executed_as_they_were))
