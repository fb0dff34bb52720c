/* Calls to web services in a run: read, planned, decided on, carried out and audited, on the mock transport; and what
 * is refused before anything leaves. */
#include "door_rig.h"

static const char comments[] =
    "[{\"method\": \"GET\", \"path\": \"repos/acme/shop/issues/2/comments\", \"reply\": [{\"id\": 7}]},"
    "{\"method\": \"GET\", \"path\": \"repos/acme/shop/issues/comments/7\", \"reply\": {\"id\": 7, \"body\": \"x\"}},"
    "{\"method\": \"POST\", \"path\": \"repos/acme/shop/issues/2/comments\", \"reply\": {\"id\": 8}},"
    "{\"method\": \"POST\", \"path\": \"projects/*\", \"reply\": {}},"
    "{\"method\": \"PATCH\", \"path\": \"repos/acme/shop/issues/comments/7\", \"reply\": {\"id\": 7}},"
    "{\"method\": \"DELETE\", \"path\": \"repos/acme/shop/issues/comments/7\", \"reply\": null},"
    "{\"method\": \"POST\", \"path\": \"refused\", \"status\": 403, \"reply\": {\"message\": \"not yours\"}}]";
static const char edited[] =
    "[{\"method\": \"GET\", \"path\": \"repos/acme/shop/issues/comments/7\", \"reply\": {\"id\": 7, \"body\": \"y\"}}]";
static const worker_site sites[] = {
    {.name = "github", .url = "https://api.github.com", .kind = "github", .token = "ghp_planted0secret"}};

static void open_site_rig(rig *g)
{
    rig_open(g);
    g->setup.sites = sites;
    g->setup.site_count = 1;
    rig_write(g, "fixtures/http/github.json", comments);
}

static void propose(rig *g, const char *const *args)
{
    rig_run(g, "proposes", "production", LB_BRANCH_PRODUCTION, GATE_PERSON, args);
}

static void reads_what_is_there(void)
{
    rig g;
    open_site_rig(&g);
    propose(&g, ARGS("web", "github", "reads", "GET repos/acme/shop/issues/2/comments"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "read.0.id"), "7");
    propose(&g, ARGS("web", "github", "reads", "POST repos/acme/shop/issues/2/comments"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    ASSERT_CONTAINS(g.done.error.hint, "lb_change_http");
    propose(&g, ARGS("web", "github", "reads", "GET repos/acme/other"));
    rig_expect(&g, RUN_FAILED, LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(g.done.error.hint, "fixtures/http/github.json");
    rig_close(&g);
}

static void shows_the_lines_for_a_service_without_a_name(void)
{
    rig g;
    open_site_rig(&g);
    static const char *const tries[][2] = {{"reads", "GET x"}, {"calls", "[\"POST x\"]"}};
    for (size_t i = 0; i < LB_COUNT(tries); i++) {
        propose(&g, ARGS("web", "githab", tries[i][0], tries[i][1]));
        rig_expect(&g, RUN_FAILED, LB_ERR_NOT_FOUND);
        ASSERT_CONTAINS(g.done.error.message, "names no web service githab, but github");
        ASSERT_CONTAINS(g.done.error.hint, "[http.githab] url = \"https://...\" token = { secret = \"githab_token\" }");
        ASSERT_CONTAINS(g.done.error.hint, "under [secrets] githab_token = { env = \"...\" }");
    }
    rig_close(&g);
}

static void adds_and_edits_without_asking(void)
{
    rig g;
    open_site_rig(&g);
    propose(&g, ARGS("web", "github", "body", "{\"body\":\"a diff\"}", "calls",
                     "[\"POST repos/acme/shop/issues/2/comments\",\"PATCH repos/acme/shop/issues/comments/7\"]"));
    rig_expect(&g, RUN_OK, 0);
    CU_ASSERT_EQUAL(g.done.changes, 2);
    ASSERT_TEXT(rig_outcome(&g, 1), "applied");
    ASSERT_TEXT(rig_member(&g, g.changes[0], "kind"), "api");
    ASSERT_TEXT(rig_member(&g, g.changes[0], "effect"), "additive");
    ASSERT_TEXT(rig_member(&g, g.changes[0], "statement"),
                "POST github:repos/acme/shop/issues/2/comments {\"body\":\"a diff\"}");
    /* A path that looks like the control plane's is none: nothing there is looked at. */
    propose(&g, ARGS("web", "github", "calls", "[\"POST projects/shop/branches/ci/issues\"]"));
    rig_expect(&g, RUN_OK, 0);
    propose(&g, ARGS("web", "github", "calls", "[\"POST refused\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_DENIED);
    ASSERT_TEXT(rig_outcome(&g, 0), "failed");
    rig_close(&g);
}

static void asks_before_it_deletes(void)
{
    rig g;
    open_site_rig(&g);
    propose(&g, ARGS("web", "github", "calls", "[\"DELETE repos/acme/shop/issues/comments/7\"]"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g.ask_count, 1);
    const char *document = g.asks[0];
    ASSERT_TEXT(rig_member(&g, document, "changes.0.service"), "github");
    ASSERT_TEXT(rig_member(&g, document, "changes.0.effect"), "destructive");
    ASSERT_TEXT(rig_member(&g, document, "fingerprint.objects.0.name"), "github:repos/acme/shop/issues/comments/7");
    CU_ASSERT_PTR_NULL(strstr(document, "planted"));
    rig_run(&g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", document, "approval_id", "A1"));
    rig_expect(&g, RUN_OK, 0);
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    rig_write(&g, "fixtures/http/github.json", edited);
    rig_restart(&g);
    rig_run(&g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", document, "approval_id", "A1"));
    ASSERT_TEXT(rig_member(&g, g.done.result, "moved"), "true"); /* somebody edited it since */
    /* A throwaway branch does not make a web service throwaway. */
    rig_write(&g, "fixtures/http/github.json", comments);
    rig_restart(&g);
    rig_run(&g, "proposes", "ci-1", LB_BRANCH_THROWAWAY, GATE_PERSON,
            ARGS("web", "github", "calls", "[\"DELETE repos/acme/shop/issues/comments/7\"]"));
    rig_expect(&g, RUN_PENDING_APPROVAL, 0);
    rig_close(&g);
}

static void stays_below_the_address(void)
{
    static const char *const bad[] = {"",           "/x",           "x/",         "x//y",        "../x",     "x/./y",
                                      "x/%2e%2e/y", "x/%2E./y",     "x%5cy",      "x#y",         "x%0",      "x y",
                                      "http:x",     "https://evil", "x/\xc3\xa9", "//evil/path", "x\\..\\y", "x%00"};
    rig g;
    lb_error err;
    open_site_rig(&g);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        const lb_request request = {.method = "POST", .path = bad[i]};
        CU_ASSERT(web_check(&request, &err) == LB_ERR_INVALID);
        if (!err.hint[0])
            printf("\n    taken: %s\n", bad[i]);
    }
    CU_ASSERT(
        web_check(&(lb_request){.method = "GET", .path = "projects/acme%2Fshop/x.y", .query = "a=b&c=%20"}, &err) == 0);
    CU_ASSERT(web_check(&(lb_request){.method = "GET", .path = "x", .query = "a=b\r\nX: y"}, &err) == LB_ERR_INVALID);
    CU_ASSERT(web_check(&(lb_request){.method = "HEAD", .path = "x"}, &err) == LB_ERR_INVALID);
    propose(&g, ARGS("web", "github", "calls", "[\"POST ../x\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    propose(&g, ARGS("web", "github", "calls", "[\"GET x\"]"));
    rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    ASSERT_CONTAINS(g.done.error.hint, "lb_http");
    rig_close(&g);
}

static void says_when_nothing_can_call(void)
{
    rig g;
    open_site_rig(&g);
    g.setup.transport.path = NULL; /* a workspace without one may call web services all the same */
    propose(&g, ARGS("web", "github", "reads", "GET x"));
    rig_expect(&g, RUN_FAILED, LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(g.done.error.hint, "http_rest");
    rig_restart(&g);
    g.setup.http.name = "transport_mock";
    g.setup.http.path = arena_printf(&g.memory, "%s/transport_mock.so", getenv("LBOPS_PLUGINS"));
    propose(&g, ARGS("web", "github", "reads", "GET x"));
    rig_expect(&g, RUN_FAILED, LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(g.done.error.message, "no http service");
    rig_close(&g);
}

SUITE(door_http, TEST(reads_what_is_there), TEST(shows_the_lines_for_a_service_without_a_name),
      TEST(adds_and_edits_without_asking), TEST(asks_before_it_deletes), TEST(stays_below_the_address),
      TEST(says_when_nothing_can_call))
