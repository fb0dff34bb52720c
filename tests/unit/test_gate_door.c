/* The worker's half of approvals, whole: a tool proposes, the door asks; what was approved is executed, exactly and
 * only as long as nothing has moved. */
#include "door_rig.h"

#include <dirent.h>

/* ---- fixtures ---- */

static const char drop_answers[] = "[{\"affected\": null}]";
static const char index_there[] =
    "[{\"args\": {\"names\": [\"old_idx\"]}, \"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], "
    "\"rows\": ["
    "[\"relation\", \"public\", \"old_idx\", \"oid\", \"4711\"],"
    "[\"relation\", \"public\", \"old_idx\", \"definition\", \"CREATE INDEX old_idx ON public.orders (a)\"]]},"
    "{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": []}]";
static const char index_moved[] =
    "[{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": ["
    "[\"relation\", \"public\", \"old_idx\", \"oid\", \"4712\"],"
    "[\"relation\", \"public\", \"old_idx\", \"definition\", \"CREATE INDEX old_idx ON public.orders (a, b)\"]]}]";
static const char branches[] =
    "[{\"method\": \"GET\", \"path\": \"projects/shop/branches\", \"reply\": {\"branches\": ["
    "{\"branch_id\": \"leaf\", \"status\": {\"source_branch\": \"projects/shop/branches/parent\"}}]}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/guarded\", \"reply\": {\"uid\": \"g\", \"create_time\": "
    "\"2026-01-01T00:00:00Z\", \"status\": {\"is_protected\": true, \"expire_time\": \"2026-01-02T00:00:00Z\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/expired\", \"reply\": {\"uid\": \"e\", \"status\": "
    "{\"expire_time\": \"2026-02-01T11:00:00Z\", \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/aged\", \"reply\": {\"uid\": \"a\", \"create_time\": "
    "\"2026-02-01T07:00:00Z\", \"spec\": {\"ttl\": \"14400s\"}, \"status\": {}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/fresh\", \"reply\": {\"uid\": \"f\", \"status\": "
    "{\"expire_time\": \"2026-02-01T13:00:00Z\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/parent\", \"reply\": {\"uid\": \"p\", \"status\": "
    "{\"expire_time\": \"2026-02-01T11:00:00Z\", \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/nightly\", \"reply\": {\"uid\": \"n\", \"create_time\": "
    "\"2026-01-01T00:00:00Z\", \"update_time\": \"2026-01-05T00:00:00Z\", \"status\": {\"current_state\": \"READY\", "
    "\"logical_size_bytes\": 17, \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"DELETE\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/1\"}},"
    "{\"method\": \"PATCH\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/3\"}},"
    "{\"method\": \"POST\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/2\"}}]";

static void open_with_fixtures(rig *g)
{
    rig_open(g);
    rig_write(g, "fixtures/sql/example/drop_index.json", drop_answers);
    rig_write(g, "fixtures/sql/example/comment_on_table.json", drop_answers);
    rig_write(g, "fixtures/sql/host/fingerprint.json", index_there);
    rig_write(g, "fixtures/control.json", branches);
}

static void propose(rig *g, const char *branch, lb_branch_class branch_class, const char *const *args)
{
    rig_run(g, "proposes", branch, branch_class, GATE_PERSON, args);
}

static void approve(rig *g, const char *document)
{
    const char *copy = arena_strdup(&g->memory, document);
    rig_run(g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", copy, "approval_id", "A1"));
}

static size_t rows_of(rig *g, const char *name, const char *part)
{
    size_t found = 0;
    lb_error err;
    size_t length = 0;
    LB_AUTO_FREE char *table = base_printf("%s/state/outbox/%s", g->dir, name);
    DIR *d = opendir(table);
    for (struct dirent *e; d && (e = readdir(d));) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", table, e->d_name), *text = NULL;
        if (e->d_name[0] == '.' || fs_read(path, (size_t)1 << 26, &text, &length, &err) < 0)
            continue;
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
            LB_AUTO_FREE char *one = base_printf("%.*s", (int)strcspn(line, "\n"), line);
            found += strstr(one, part) != NULL;
        }
    }
    if (d)
        (void)closedir(d);
    return found;
}

static size_t rows_with(rig *g, const char *part)
{
    return rows_of(g, "audit_log", part);
}

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

/* ---- executing what was approved ---- */

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

SUITE(gate_door, TEST(what_asks_waits), TEST(without_anybody_to_ask_it_is_refused), TEST(what_is_refused_does_not_wait),
      TEST(what_executes_does_not_wait_for_what_asks), TEST(a_tool_may_ask_for_so_many), TEST(a_secret_cannot_wait),
      TEST(a_plan_asks_nobody), TEST(the_mock_workspace_can_ask), TEST(what_a_called_tool_asks_for_waits_above),
      TEST(a_tool_does_not_class_branches), TEST(changes_of_a_called_tool_are_in_the_journal),
      TEST(what_was_approved_is_executed), TEST(what_was_approved_is_written_down),
      TEST(what_was_not_done_is_not_written_down), TEST(what_has_moved_is_not_executed), TEST(what_went_away_has_moved),
      TEST(an_edited_document_is_refused), TEST(another_branch_is_not_what_was_approved),
      TEST(a_refusing_rule_stands_above_an_approval), TEST(a_failure_is_told_as_one),
      TEST(files_and_programs_are_executed_as_they_were), TEST(the_class_is_that_of_the_branch_touched),
      TEST(rules_look_at_the_branch_touched), TEST(a_new_branch_is_judged_by_its_name),
      TEST(deleting_what_has_expired_is_routine), TEST(making_a_branch_again_is_routine))
