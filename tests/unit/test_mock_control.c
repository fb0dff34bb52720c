#include "harness/mock_bench.h"

/* ---- targets and clock ---- */

static void targets(void)
{
    int major = 0;
    start();
    write_fixture("targets.json",
                  "[{\"project\":\"shop\",\"branch\":\"old\",\"version\":15},"
                  "{\"branch\":\"sleepy\",\"suspended\":true},"
                  "{\"branch\":\"flaky\",\"error\":{\"code\":\"unreachable\",\"message\":\"no route\"},\"times\":1}]");
    connect_to(&(lb_target){.project = "shop", .branch = "old"});
    CU_ASSERT(mock->server_version(session, &major, &err) == 0 && major == 15);
    disconnect();
    connect_to(&shop);
    CU_ASSERT(mock->server_version(session, &major, &err) == 0 && major == 17);
    void *other = NULL;
    const lb_target sleepy = {.project = "shop", .branch = "sleepy"}, flaky = {.project = "shop", .branch = "flaky"};
    CU_ASSERT(mock->connect(state, &sleepy, "t", probe_soon(9), &other, &err) == LB_ERR_SUSPENDED);
    ASSERT_TEXT(err.message, "shop/sleepy: its compute is suspended");
    CU_ASSERT(mock->connect(state, &flaky, "t", probe_soon(9), &other, &err) == LB_ERR_UNREACHABLE);
    ASSERT_TEXT(err.message, "shop/flaky: no route");
    CU_ASSERT(mock->connect(state, &flaky, "t", probe_soon(9), &other, &err) == 0);
    mock->disconnect(other);
    disconnect();
    finish();
}

static void malformed_targets(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{}", "targets.json: it is not a list of targets"},
        {"[{\"version\":\"17\"}]", "target 1: \"version\" is a text where a whole number belongs"},
        {"[{\"version\":170005}]", "target 1: version 170005 is none"},
        {"[{\"suspended\":1}]", "\"suspended\" is a whole number where true or false belongs"},
        {"[", "targets.json:1:2: not JSON: the document ends too early"},
    };
    start();
    CU_ASSERT_FATAL(mock->open(&probe_host, args.bytes, &state, &err) == 0);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        write_fixture("targets.json", bad[i].text);
        CU_ASSERT(mock->connect(state, &shop, "t", probe_soon(9), &session, &err) == LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, bad[i].message);
    }
    mock->close(state);
    finish();
}

static void clock_can_stand_still(void)
{
    start();
    CU_ASSERT_FATAL(mock->open(&probe_host, args.bytes, &state, &err) == 0);
    CU_ASSERT(mock->clock(state) == 0);
    mock->close(state);
    probe_set_i64(&args, "clock", INT64_C(1769817600000000));
    CU_ASSERT_FATAL(mock->open(&probe_host, args.bytes, &state, &err) == 0);
    CU_ASSERT(mock->clock(state) == INT64_C(1769817600000000));
    mock->close(state);
    finish();
}

/* ---- the control plane ---- */

static void answers_calls(void)
{
    start();
    write_fixture("control.json",
                  "[{\"method\":\"GET\",\"path\":\"projects\",\"query\":\"page_token=2\",\"reply\":{\"page\":2}},"
                  "{\"method\":\"GET\",\"path\":\"projects\",\"reply\":{\"page\":1}},"
                  "{\"method\":\"GET\",\"path\":\"projects/*/branches\",\"reply\":[]},"
                  "{\"method\":\"POST\",\"path\":\"projects/shop/"
                  "branches\",\"body\":{\"spec\":{\"ttl\":60}},\"reply\":{\"id\":\"b\"}},"
                  "{\"method\":\"GET\",\"path\":\"op\",\"times\":1,\"reply\":{\"done\":false}},"
                  "{\"method\":\"GET\",\"path\":\"op\",\"reply\":{\"done\":true}},"
                  "{\"method\":\"DELETE\",\"path\":\"x\"},"
                  "{\"method\":\"GET\",\"path\":\"e\",\"exact\":true,\"query\":\"a=1\",\"reply\":1}]");
    connect_to(&shop);
    static const struct {
        const char *method, *path, *query, *body, *reply;
    } calls[] = {
        {"GET", "projects", NULL, NULL, "{\"page\":1}"},
        {"GET", "projects", "page_size=9&page_token=2", NULL, "{\"page\":2}"},
        {"GET", "projects", "page_token=22", NULL, "{\"page\":1}"},
        {"GET", "projects/shop/branches", NULL, NULL, "[]"},
        {"POST", "projects/shop/branches", NULL, "{\"spec\":{\"ttl\":60,\"x\":1},\"name\":\"n\"}", "{\"id\":\"b\"}"},
        {"GET", "op", NULL, NULL, "{\"done\":false}"},
        {"GET", "op", NULL, NULL, "{\"done\":true}"},
        {"GET", "op", NULL, NULL, "{\"done\":true}"},
        {"DELETE", "x", NULL, NULL, "{}"},
        {"GET", "e", "a=1", NULL, "1"},
    };
    for (size_t i = 0; i < LB_COUNT(calls); i++) {
        CU_ASSERT(call(calls[i].method, calls[i].path, calls[i].query, calls[i].body) == 0);
        ASSERT_TEXT(buf_text(&rows.text), calls[i].reply);
    }
    CU_ASSERT(call("POST", "projects/shop/branches", NULL, "{\"spec\":{\"ttl\":61}}") == LB_ERR_NOT_FOUND);
    CU_ASSERT(call("POST", "projects/shop/branches", NULL, NULL) == LB_ERR_NOT_FOUND);
    CU_ASSERT(call("GET", "e", "a=1&b=2", NULL) == LB_ERR_NOT_FOUND);
    disconnect();
    finish();
}

static void calls_in_several_files(void)
{
    start();
    write_fixture("control/20.json",
                  "[{\"method\":\"GET\",\"path\":\"x\",\"reply\":20},{\"method\":\"GET\",\"path\":\"y\",\"reply\":2}]");
    write_fixture("control/10.json", "[{\"method\":\"GET\",\"path\":\"x\",\"reply\":10}]");
    write_fixture("control/.hidden.json", "broken");
    write_fixture("control/notes.txt", "broken");
    connect_to(&shop);
    CU_ASSERT(call("GET", "x", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "10");
    CU_ASSERT(call("GET", "y", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "2");
    disconnect();
    finish();
}

static void calls_that_fail(void)
{
    static const struct {
        int status, code;
    } codes[] = {{400, LB_ERR_INVALID},     {401, LB_ERR_DENIED},      {403, LB_ERR_DENIED},
                 {404, LB_ERR_NOT_FOUND},   {409, LB_ERR_CONFLICT},    {429, LB_ERR_LIMIT},
                 {501, LB_ERR_UNSUPPORTED}, {503, LB_ERR_UNREACHABLE}, {504, LB_ERR_TIMEOUT}};
    start();
    for (size_t i = 0; i < LB_COUNT(codes); i++) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       "[{\"method\":\"GET\",\"path\":\"x\",\"status\":%d,\"reply\":{\"message\":\"so it is\"}}]",
                       codes[i].status);
        write_fixture("control.json", text);
        connect_to(&shop);
        CU_ASSERT(call("GET", "x", NULL, NULL) == codes[i].code);
        ASSERT_CONTAINS(err.message, "GET x: status ");
        ASSERT_CONTAINS(err.message, ": so it is");
        disconnect();
    }
    write_fixture("control.json",
                  "[{\"method\":\"GET\",\"path\":\"x\",\"error\":{\"code\":\"limit\",\"message\":\"slow down\"}},"
                  "{\"method\":\"GET\",\"path\":\"slow\",\"delay_ms\":99999999}]");
    connect_to(&shop);
    CU_ASSERT(call("GET", "x", NULL, NULL) == LB_ERR_LIMIT);
    ASSERT_TEXT(err.message, "slow down");
    probe.cancel_after = 2;
    CU_ASSERT(call("GET", "slow", NULL, NULL) == LB_ERR_CANCELLED);
    disconnect();
    finish();
}

static void malformed_calls(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{}", "control.json: it is not a list of calls"},
        {"[{\"path\":\"x\"}]", "control.json: call 1: \"method\" or \"path\" is missing"},
        {"[{\"method\":\"GET\",\"path\":\"x\",\"status\":302}]", "status 302 is no final answer"},
        {"[{\"method\":\"GET\",\"path\":\"x\",\"status\":99}]", "status 99 is no final answer"},
        {"[{\"method\":\"GET\",\"path\":\"x\",\"error\":{\"code\":\"io\",\"message\":\"m\"},\"reply\":{}}]",
         "an error and a reply at once"},
        {"[{\"method\":\"GET\",\"path\":\"x\",\"replay\":{}}]", "unknown key \"replay\""},
        {"[{\"method\":\"GET\",\"path\":\"x\"},{\"method\":7,\"path\":\"x\"}]", "call 2: \"method\" is a whole number"},
    };
    start();
    connect_to(&shop);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        write_fixture("control.json", bad[i].text);
        CU_ASSERT(call("GET", "x", NULL, NULL) == LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, bad[i].message);
    }
    disconnect();
    finish();
}

SUITE(mock_control, TEST(targets), TEST(malformed_targets), TEST(clock_can_stand_still), TEST(answers_calls),
      TEST(calls_in_several_files), TEST(calls_that_fail), TEST(malformed_calls))
