#include "harness/mock_bench.h"

#include <math.h>

/* ---- statements ---- */

static void answers_rows(void)
{
    start();
    write_fixture("sql/a/b.json",
                  "[{\"note\":\"x\",\"columns\":[\"n\",\"t\"],\"rows\":[[\"1\",null],[\"\",\"\\u00e9\"]]}]");
    connect_to(&shop);
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n|t\n1|~\n|\xc3\xa9\n");
    CU_ASSERT(rows.affected == -1);
    CU_ASSERT(read_as("a/b", NULL) == 0); /* from the cache */
    ASSERT_TEXT(buf_text(&rows.text), "n|t\n1|~\n|\xc3\xa9\n");
    disconnect();
    finish();
}

static void passes_a_refusal_up(void)
{
    start();
    write_fixture("sql/a/b.json", "[{\"columns\":[\"n\"],\"rows\":[[\"1\"],[\"2\"],[\"3\"]]}]");
    connect_to(&shop);
    rows.refuse_at = 2;
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == LB_ERR_LIMIT);
    ASSERT_TEXT(err.message, "enough");
    CU_ASSERT(rows.rows == 2);
    rows.refuse_at = 0;
    disconnect();
    finish();
}

static void first_match_wins(void)
{
    start();
    write_fixture("sql/a/b.json",
                  "[{\"target\":{\"project\":\"sh*\",\"branch\":\"d?v\"},\"columns\":[\"n\"],\"rows\":[[\"dev\"]]},"
                  "{\"args\":{\"min\":5},\"columns\":[\"n\"],\"rows\":[[\"five\"]]},"
                  "{\"text\":\"SELECT 1 AS a\",\"args\":{\"min\":6},\"columns\":[\"n\"],\"rows\":[[\"text\"]]},"
                  "{\"text\":\"SELECT 1 AS\",\"columns\":[\"n\"],\"rows\":[[\"wrong\"]]},"
                  "{\"columns\":[\"n\"]}]");
    connect_to(&(lb_target){.project = "shop", .branch = "dev"});
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("min", 5))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\ndev\n");
    disconnect();
    connect_to(&shop);
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_text("other", "x"), lb_i64("min", 5))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\nfive\n");
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("min", 6))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\ntext\n");
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("min", 7))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n");
    disconnect();
    connect_to(&(lb_target){0}); /* the workspace: patterns see empty names */
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "n\n");
    disconnect();
    finish();
}

static bool matches(const char *want, lb_value value)
{
    char text[300];
    (void)snprintf(text, sizeof text, "[{\"args\":{\"v\":%s},\"columns\":[]}]", want);
    write_fixture("sql/a/m.json", text);
    connect_to(&shop);
    value.name = "v";
    int r = read_as("a/m", LB_ARGS(value));
    CU_ASSERT(r == 0 || r == LB_ERR_NOT_FOUND);
    disconnect();
    return r == 0;
}

static void matches_each_type(void)
{
    const lb_value items[] = {lb_text(NULL, "a"), lb_null(NULL)};
    const lb_value members[] = {lb_i64("x", 1), lb_bool("y", true), {.type = LB_END}};
    start();
    CU_ASSERT(matches("\"a\"", lb_text("v", "a")) && !matches("\"b\"", lb_text("v", "a")));
    CU_ASSERT(matches("null", lb_text("v", NULL)) && !matches("null", lb_text("v", "")));
    CU_ASSERT(matches("\"a\"", lb_ident("v", "a")) && matches("\"int4\"", lb_sqltype("v", "int4")));
    CU_ASSERT(matches("9007199254740993", lb_i64("v", INT64_C(9007199254740993))));
    CU_ASSERT(!matches("9007199254740992", lb_i64("v", INT64_C(9007199254740993))));
    CU_ASSERT(matches("1", lb_f64("v", 1)) && matches("0.5", lb_f64("v", 0.5)) && !matches("0.5", lb_f64("v", 0.25)));
    CU_ASSERT(matches("\"-Infinity\"", lb_f64("v", -(double)INFINITY)) && matches("\"NaN\"", lb_f64("v", (double)NAN)));
    CU_ASSERT(matches("true", lb_bool("v", true)) && !matches("true", lb_bool("v", false)) &&
              !matches("1", lb_bool("v", true)));
    CU_ASSERT(matches("\"1.50\"", lb_numeric("v", "1.50")) && matches("1.50", lb_numeric("v", "1.50")));
    CU_ASSERT(!matches("1.5", lb_numeric("v", "1.50")));
    CU_ASSERT(matches("\"2026-01-31T00:00:00Z\"", lb_time("v", INT64_C(1769817600000000))));
    CU_ASSERT(matches("\"2026-01-31T00:00:00.000001Z\"", lb_time("v", INT64_C(1769817600000001))));
    CU_ASSERT(matches("\"1969-12-31T23:59:59.5Z\"", lb_time("v", -500000)));
    CU_ASSERT(!matches("\"2026-01-31T00:00:00Z\"", lb_time("v", INT64_C(1769817600000001))));
    CU_ASSERT(matches("{\"k\":[1]}", lb_json("v", "{\"j\":0,\"k\":[1]}")) &&
              !matches("{\"k\":[1,2]}", lb_json("v", "{\"k\":[1]}")));
    CU_ASSERT(matches("[\"a\",null]", lb_list("v", LB_TEXT, items, 2)) &&
              !matches("[\"a\"]", lb_list("v", LB_TEXT, items, 2)));
    CU_ASSERT(matches("{\"y\":true}", lb_object("v", members)) && !matches("{\"z\":true}", lb_object("v", members)));
    CU_ASSERT(!matches("\"s\"", (lb_value){.type = LB_SECRET, .v.text = "s"}));
    finish();
}

static void exact_arguments(void)
{
    start();
    write_fixture("sql/a/b.json",
                  "[{\"args\":{\"a\":1},\"exact\":true,\"columns\":[\"one\"]},{\"columns\":[\"any\"]}]");
    connect_to(&shop);
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("a", 1))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "one\n");
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("a", 1), lb_i64("b", 1))) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "any\n");
    disconnect();
    finish();
}

static void tells_sequences(void)
{
    start();
    write_fixture("sql/a/b.json", "[{\"times\":2,\"columns\":[\"n\"],\"rows\":[[\"1\"]]},"
                                  "{\"times\":1,\"columns\":[\"n\"],\"rows\":[[\"2\"]]}]");
    connect_to(&shop);
    static const char *const want[] = {"n\n1\n", "n\n1\n", "n\n2\n"};
    for (size_t i = 0; i < LB_COUNT(want); i++) {
        CU_ASSERT(read_as("a/b", LB_NO_ARGS) == 0);
        ASSERT_TEXT(buf_text(&rows.text), want[i]);
    }
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "every case is used up");
    disconnect();
    finish();
}

static void missing_fixtures(void)
{
    start();
    write_fixture("sql/a/b.json", "[{\"args\":{\"n\":1},\"columns\":[]}]");
    connect_to(&shop);
    CU_ASSERT(read_as("a/missing", LB_NO_ARGS) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "no fixture for the statement a/missing");
    ASSERT_CONTAINS(err.hint, dir);
    ASSERT_CONTAINS(err.hint, "/sql/a/missing.json");
    CU_ASSERT(read_as("a/b", LB_ARGS(lb_i64("n", 2), lb_text("t", "x"))) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "/sql/a/b.json: no case for target shop/main and arguments {\"n\":2,\"t\":\"x\"}");
    CU_ASSERT(call("GET", "projects/x", "a=b", NULL) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "no call for GET projects/x?a=b");
    ASSERT_CONTAINS(err.hint, "/control.json");
    disconnect();
    finish();
}

static void lenient_answers_nothing(void)
{
    start();
    probe_set_bool(&args, "strict", false);
    connect_to(&shop);
    CU_ASSERT(read_as("a/missing", LB_NO_ARGS) == 0 && rows.affected == -1);
    ASSERT_TEXT(buf_text(&rows.text), "");
    CU_ASSERT(ask("a/missing", LB_NO_ARGS, false) == 0 && rows.affected == 0);
    CU_ASSERT(call("GET", "projects", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "{}");
    CU_ASSERT(read_as("../a", LB_NO_ARGS) == LB_ERR_INVALID);
    disconnect();
    finish();
}

static void stays_below_its_directory(void)
{
    static const char *const names[] = {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "A/b", "a/b.c", "a/b\n"};
    start();
    connect_to(&shop);
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        CU_ASSERT(read_as(names[i], LB_NO_ARGS) == LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, "is no statement's name");
    }
    char path[128], outside[128];
    (void)snprintf(outside, sizeof outside, "%s/outside.json", dir);
    write_fixture("outside.json", "[{\"columns\":[]}]");
    write_fixture("sql/a/other.json", "[]");
    (void)snprintf(path, sizeof path, "%s/sql/a/link.json", dir);
    CU_ASSERT(symlink(outside, path) == 0);
    CU_ASSERT(read_as("a/link", LB_NO_ARGS) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "symbolic link");
    (void)snprintf(path, sizeof path, "%s/sql/linked", dir);
    CU_ASSERT(symlink("a", path) == 0);
    CU_ASSERT(read_as("linked/other", LB_NO_ARGS) == LB_ERR_DENIED);
    disconnect();
    finish();
}

static void malformed_cases(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "b.json:1:1: not JSON: the document ends too early"},
        {"[\n  {\"columns\": [}\n]", "b.json:2:16: not JSON"},
        {"[] x", "b.json:1:4: not JSON"},
        {"{}", "b.json: it is not a list of cases"},
        {"[{\"columns\":[]}, 7]", "b.json: case 2: a whole number where an object belongs"},
        {"[{}]", "case 1: it has no answer"},
        {"[{\"colums\":[]}]", "case 1: unknown key \"colums\""},
        {"[{\"columns\":{}}]", "\"columns\" is an object where a list belongs"},
        {"[{\"columns\":[1]}]", "columns[0] is not a text"},
        {"[{\"rows\":[]}]", "rows without columns"},
        {"[{\"columns\":[\"a\"],\"rows\":[[]]}]", "rows[0] has 0 cells for 1 columns"},
        {"[{\"columns\":[\"a\"],\"rows\":[\"a\"]}]", "rows[0] is not a list"},
        {"[{\"columns\":[\"a\"],\"rows\":[[\"x\"],[1]]}]", "rows[1][0] is not a text"},
        {"[{\"columns\":[\"a\\u0000\"]}]", "[0].columns[0]: a text with a NUL inside"},
        {"[{\"args\":{\"x\":1e999},\"columns\":[]}]", "[0].args.x: a number that is not finite"},
        {"[{\"columns\":[],\"times\":0}]", "\"times\" is 0"},
        {"[{\"columns\":[],\"times\":-1}]", "\"times\" is -1, less than nothing"},
        {"[{\"columns\":[],\"delay_ms\":-1}]", "\"delay_ms\" is -1"},
        {"[{\"affected\":-5}]", "\"affected\" is -5"},
        {"[{\"target\":{\"porject\":\"x\"},\"columns\":[]}]", "unknown key \"porject\""},
        {"[{\"target\":null,\"columns\":[]}]", "\"target\" is null where an object belongs"},
        {"[{\"error\":{\"code\":\"sql\",\"message\":\"m\"},\"columns\":[]}]", "an error and a result at once"},
        {"[{\"error\":{\"code\":\"sql\"}}]", "case 1: error: \"code\" or \"message\" is missing"},
        {"[{\"error\":{\"code\":\"oops\",\"message\":\"m\"}}]", "\"oops\" is no error code"},
        {"[{\"error\":{\"code\":\"sql\",\"sqlstate\":\"abc\",\"message\":\"m\"}}]", "\"abc\" is no sqlstate"},
        {"[{\"columns\":[\"\xff\"]}]", "not JSON"},
    };
    start();
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        write_fixture("sql/a/b.json", bad[i].text);
        connect_to(&shop);
        CU_ASSERT(read_as("a/b", LB_NO_ARGS) == LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, bad[i].message);
        ASSERT_CONTAINS(err.message, dir);
        write_fixture("sql/a/b.json", "[{\"columns\":[]}]"); /* a mended file is read again */
        CU_ASSERT(read_as("a/b", LB_NO_ARGS) == 0);
        disconnect();
    }
    finish();
}

static void odd_files(void)
{
    char path[128];
    start();
    write_fixture("sql/a/x.json", "[]");
    (void)snprintf(path, sizeof path, "%s/sql/a/d.json", dir);
    CU_ASSERT(mkdir(path, 0700) == 0);
    connect_to(&shop);
    CU_ASSERT(read_as("a/d", LB_NO_ARGS) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "not a regular file");
    (void)snprintf(path, sizeof path, "%s/sql/a/f.json", dir);
    CU_ASSERT(mkfifo(path, 0600) == 0);
    CU_ASSERT(read_as("a/f", LB_NO_ARGS) == LB_ERR_INVALID);
    (void)snprintf(path, sizeof path, "%s/sql/a/big.json", dir);
    write_fixture("sql/a/big.json", "");
    CU_ASSERT(truncate(path, 65 << 20) == 0);
    CU_ASSERT(read_as("a/big", LB_NO_ARGS) == LB_ERR_LIMIT);
    disconnect();
    probe_set_text(&args, "fixtures", "/nonexistent/fixtures");
    CU_ASSERT(mock->open(&probe_host, args.bytes, &state, &err) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "/nonexistent/fixtures");
    finish();
}

static void fails_as_told(void)
{
    start();
    write_fixture(
        "sql/a/b.json",
        "[{\"error\":{\"code\":\"conflict\",\"sqlstate\":\"55P03\",\"message\":\"locked\",\"hint\":\"wait\"}}]");
    write_fixture("sql/a/gone.json", "[{\"error\":{\"code\":\"unreachable\",\"message\":\"gone\"}}]");
    connect_to(&shop);
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == LB_ERR_CONFLICT);
    ASSERT_TEXT(err.message, "locked");
    ASSERT_TEXT(err.hint, "wait");
    ASSERT_TEXT(err.sqlstate, "55P03");
    CU_ASSERT(mock->reuse(session, "t", probe_soon(9), &err) == 0);
    CU_ASSERT(read_as("a/gone", LB_NO_ARGS) == LB_ERR_UNREACHABLE);
    CU_ASSERT(read_as("a/b", LB_NO_ARGS) == LB_ERR_UNREACHABLE); /* the session went with it */
    CU_ASSERT(mock->reuse(session, "t", probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    int major;
    CU_ASSERT(mock->server_version(session, &major, &err) == LB_ERR_UNREACHABLE);
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == LB_ERR_UNREACHABLE);
    disconnect();
    finish();
}

static void reads_and_changes(void)
{
    start();
    write_fixture("sql/a/read.json", "[{\"columns\":[\"n\"]}]");
    write_fixture("sql/a/change.json", "[{\"affected\":3,\"times\":2},{\"affected\":null}]");
    write_fixture("sql/a/returning.json", "[{\"columns\":[\"id\"],\"rows\":[[\"7\"]],\"affected\":1}]");
    connect_to(&shop);
    CU_ASSERT(read_as("a/change", LB_NO_ARGS) == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "25006");
    ASSERT_CONTAINS(err.hint, "reads must not change anything");
    CU_ASSERT(ask("a/change", LB_NO_ARGS, false) == 0 && rows.affected == 3);
    CU_ASSERT(ask("a/change", LB_NO_ARGS, false) == 0 && rows.affected == -1);
    CU_ASSERT(ask("a/read", LB_NO_ARGS, false) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.hint, "affected");
    CU_ASSERT(ask("a/returning", LB_NO_ARGS, false) == 0 && rows.affected == 1);
    ASSERT_TEXT(buf_text(&rows.text), "id\n7\n");
    disconnect();
    finish();
}

static void transactions(void)
{
    start();
    write_fixture("sql/a/c.json", "[{\"affected\":1}]");
    write_fixture("sql/a/bad.json", "[{\"error\":{\"code\":\"sql\",\"sqlstate\":\"23505\",\"message\":\"twice\"}}]");
    connect_to(&shop);
    CU_ASSERT(mock->finish(session, true, probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(mock->reuse(session, "t", probe_soon(9), &err) == LB_ERR_CONFLICT);
    CU_ASSERT(ask("a/c", LB_NO_ARGS, false) == 0);
    CU_ASSERT(mock->finish(session, true, probe_soon(9), &err) == 0);
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(read_as("a/bad", LB_NO_ARGS) == LB_ERR_SQL); /* a failed read leaves it whole */
    CU_ASSERT(ask("a/bad", LB_NO_ARGS, false) == LB_ERR_SQL);
    CU_ASSERT(ask("a/c", LB_NO_ARGS, false) == LB_ERR_SQL);
    ASSERT_TEXT(err.sqlstate, "25P02");
    CU_ASSERT(mock->finish(session, true, probe_soon(9), &err) == LB_ERR_SQL);
    ASSERT_CONTAINS(err.message, "taken back");
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == 0);
    CU_ASSERT(mock->finish(session, false, 0, &err) == 0);
    CU_ASSERT(ask("a/c", LB_NO_ARGS, false) == 0);
    disconnect();
    finish();
}

static void takes_its_time(void)
{
    start();
    probe.step = 5 * CLOCK_SECOND;
    write_fixture("sql/a/slow.json", "[{\"columns\":[],\"delay_ms\":20000}]");
    write_fixture("sql/a/never.json", "[{\"columns\":[],\"delay_ms\":99999999}]");
    connect_to(&shop);
    int64_t before = probe.time;
    CU_ASSERT(read_as("a/slow", LB_NO_ARGS) == 0);
    CU_ASSERT(probe.time - before >= 20 * CLOCK_SECOND && probe.time - before <= 60 * CLOCK_SECOND);
    probe.step = 600 * CLOCK_SECOND;
    CU_ASSERT(read_as("a/never", LB_NO_ARGS) == LB_ERR_TIMEOUT);
    ASSERT_CONTAINS(err.message, "a/never: the deadline passed");
    probe.step = 1;
    probe.cancel_after = 2;
    CU_ASSERT(read_as("a/never", LB_NO_ARGS) == LB_ERR_CANCELLED);
    ASSERT_CONTAINS(err.message, "a/never: cancelled");
    CU_ASSERT(mock->begin(session, probe_soon(9), &err) == LB_ERR_CANCELLED);
    disconnect();
    finish();
}

/* ---- the fixtures that are shipped ---- */

static void shipped_fixtures_answer(void)
{
    static const char *const changes[] = {"create_index", "create_index_ordered", "comment_on_table",
                                          "vacuum_table", "drop_index",           "terminate_backend"};
    start();
    probe_set_text(&args, "fixtures", LBOPS_FIXTURES);
    connect_to(&(lb_target){.project = "shop", .branch = "production"});
    CU_ASSERT(read_as("example/largest_tables", LB_ARGS(lb_i64("min_bytes", 10485760))) == 0 && rows.rows == 3);
    CU_ASSERT(read_as("example/largest_tables", LB_ARGS(lb_i64("min_bytes", INT64_C(1) << 50))) == 0 && rows.rows == 0);
    for (size_t i = 0; i < LB_COUNT(changes); i++) {
        LB_AUTO_FREE char *name = base_printf("example/%s", changes[i]);
        CU_ASSERT(ask(name, LB_NO_ARGS, false) == 0);
    }
    CU_ASSERT(ask("example/drop_index", LB_ARGS(lb_ident("name", "orders_busy_idx")), false) == LB_ERR_CONFLICT);
    CU_ASSERT(call("GET", "projects/shop/branches", NULL, NULL) == 0);
    ASSERT_CONTAINS(buf_text(&rows.text), "projects/shop/branches/production");
    CU_ASSERT(call("DELETE", "projects/shop/branches/production", NULL, NULL) == LB_ERR_INVALID);
    disconnect();
    finish();
}

SUITE(transport_mock, TEST(answers_rows), TEST(passes_a_refusal_up), TEST(first_match_wins), TEST(matches_each_type),
      TEST(exact_arguments), TEST(tells_sequences), TEST(missing_fixtures), TEST(lenient_answers_nothing),
      TEST(stays_below_its_directory), TEST(malformed_cases), TEST(odd_files), TEST(fails_as_told),
      TEST(reads_and_changes), TEST(transactions), TEST(takes_its_time), TEST(shipped_fixtures_answer))
