/* lbops sql as people type it: after some runs, in three forms, and shut in. */
#include "program.h"

/* A workspace in which two runs have ended; their rows of tool_runs wait in the outbox. */
static char *workspace_with_runs(void)
{
    char *dir = workspace_new();
    for (int i = 0; i < 2; i++) {
        ANSWER a = in_workspace(dir, WORDS("run", "noop"));
        expect_code(&a, 0);
    }
    return dir;
}

static void what_runs_left_is_there(void)
{
    SCRATCH dir = workspace_with_runs();
    ANSWER text = in_workspace(dir, WORDS("sql", "SELECT tool, count(*) AS runs FROM tool_runs GROUP BY ALL"));
    expect_code(&text, 0);
    ASSERT_TEXT(text.out, "tool  runs\nnoop     2\n");
    ASSERT_CONTAINS(text.err, "1 row");
    ANSWER again =
        in_workspace(dir, WORDS("sql", "--quiet", "SELECT count(*) AS n FROM ops_catalog.lakebase_ops.tool_runs"));
    expect_code(&again, 0);
    ASSERT_TEXT(again.out, "n\n2\n");
    ASSERT_TEXT(again.err, "");
}

static void three_forms(void)
{
    static const char question[] = "SELECT 1 AS a, 'x,\"y\"' AS b, NULL AS c, '' AS d, 1.5 AS e, true AS f";
    SCRATCH dir = workspace_new();
    ANSWER csv = in_workspace(dir, WORDS("sql", "--csv", question));
    expect_code(&csv, 0);
    ASSERT_TEXT(csv.out, "a,b,c,d,e,f\r\n1,\"x,\"\"y\"\"\",,\"\",1.5,true\r\n");
    ANSWER json = in_workspace(dir, WORDS("--json", "sql", question));
    expect_code(&json, 0);
    ASSERT_CONTAINS(json.out, "\"rows\":[[1,\"x,\\\"y\\\"\",null,\"\",1.5,true]],\"cut\":false}");
    JSON_AUTO *document = one_document(json.out);
    CU_ASSERT_PTR_NOT_NULL(document);
    ANSWER text = in_workspace(dir, WORDS("sql", question));
    expect_code(&text, 0);
    ASSERT_TEXT(text.out, "a  b      c  d    e  f\n1  x,\"y\"        1.5  true\n");
    ANSWER limited = in_workspace(dir, WORDS("sql", "--limit", "2", "SELECT range AS r FROM range(5)"));
    ASSERT_TEXT(limited.out, "r\n0\n1\n");
    ASSERT_CONTAINS(limited.err, "the answer is longer");
}

static void nothing_but_questions(void)
{
    static const char *const refused[] = {
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_csv('lbops.toml')",
        "SELECT * FROM 'lbops.toml'",
        "DELETE FROM tool_runs",
        "SELECT 1; SELECT 2",
    };
    SCRATCH dir = workspace_new();
    for (size_t i = 0; i < LB_COUNT(refused); i++) {
        ANSWER a = in_workspace(dir, WORDS("sql", refused[i]));
        expect_code(&a, 1);
        ASSERT_TEXT(a.out, "");
        ASSERT_CONTAINS(a.err, "hint: ");
    }
    ANSWER none = in_workspace(dir, WORDS("sql"));
    expect_code(&none, 2);
    ANSWER two = in_workspace(dir, WORDS("sql", "SELECT 1", "SELECT 2"));
    expect_code(&two, 2);
    ANSWER bad = in_workspace(dir, WORDS("sql", "--limit", "x", "SELECT 1"));
    expect_code(&bad, 2);
    ANSWER wrong = in_workspace(dir, WORDS("sql", "SELECT nothing FROM tool_runs"));
    expect_code(&wrong, 1);
    ASSERT_CONTAINS(wrong.err, "nothing");
    ASSERT_CONTAINS(wrong.err, "DESCRIBE");
    ANSWER unknown = in_workspace(dir, WORDS("sql", "SELECT * FROM tool_walks"));
    expect_code(&unknown, 1);
    ASSERT_CONTAINS(unknown.err, "hint: SHOW TABLES");
    ANSWER slow =
        in_workspace(dir, WORDS("sql", "--timeout", "1", "SELECT count(*) FROM range(100000000) a, range(100000) b"));
    expect_code(&slow, 1);
    CU_ASSERT(slow.seconds < 100); /* without its end it takes hours */
}

SUITE(cli_sql, TEST(what_runs_left_is_there), TEST(three_forms), TEST(nothing_but_questions))
