/* What may be explained and what may be executed for it, on the mock. */
#include "door_rig.h"

static void open_with_plan(rig *g)
{
    rig_open(g);
    rig_write(
        g, "fixtures/sql/host/explain.json",
        "[{\"columns\": [\"QUERY PLAN\"], \"rows\": [[\"[{\\\"Plan\\\": {\\\"Node Type\\\": \\\"Result\\\"}}]\"]]}]");
}

static void explain(rig *g, lb_branch_class branch_class, const char *text, const char *analyze)
{
    rig_run(g, "explains", "ci-1", branch_class, GATE_PERSON, ARGS("text", text, "analyze", analyze));
}

static void statements_about_rows_have_a_plan(void)
{
    static const char *const good[] = {"SELECT 1",
                                       "select a from t where b = $1 order by c;",
                                       "WITH x AS (SELECT 1) SELECT * FROM x",
                                       "INSERT INTO t VALUES ($1, $2)",
                                       "UPDATE t SET a = 1 WHERE b = $1",
                                       "DELETE FROM t -- all of it\n",
                                       "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
                                       "VALUES (1)"};
    rig g;
    open_with_plan(&g);
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        explain(&g, LB_BRANCH_PRODUCTION, good[i], "false");
        rig_expect(&g, RUN_OK, 0);
        ASSERT_TEXT(rig_member(&g, g.done.result, "plan.0.Plan.Node Type"), "Result");
    }
    rig_close(&g);
}

static void nothing_else_gets_to_the_server(void)
{
    static const char *const bad[] = {"",
                                      "  -- nothing\n",
                                      "DROP TABLE t",
                                      "SELECT 1; DROP TABLE t",
                                      "EXPLAIN ANALYZE DELETE FROM t",
                                      "EXECUTE p(1)",
                                      "CREATE TABLE u AS SELECT 1",
                                      "SELECT 1 INTO u",
                                      "DO 'begin end'",
                                      "VACUUM t",
                                      "SELECT 'unfinished"};
    rig g;
    rig_open(&g); /* without a fixture: an answer would be another error */
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        explain(&g, LB_BRANCH_THROWAWAY, bad[i], "false");
        rig_expect(&g, RUN_FAILED, LB_ERR_INVALID);
    }
    rig_close(&g);
}

static void what_is_executed_only_reads_and_is_thrown_away(void)
{
    static const char *const bad[] = {"DELETE FROM t WHERE a = 1",
                                      "SELECT * FROM t FOR UPDATE",
                                      "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
                                      "SELECT mine(1)",
                                      "SELECT a FROM t WHERE b = $1",
                                      "SELECT pg_terminate_backend(1)"};
    rig g;
    open_with_plan(&g);
    explain(&g, LB_BRANCH_THROWAWAY, "SELECT count(*) FROM t WHERE a = 1", "true");
    rig_expect(&g, RUN_OK, 0);
    explain(&g, LB_BRANCH_SHARED, "SELECT count(*) FROM t WHERE a = 1", "true");
    rig_expect(&g, RUN_FAILED, LB_ERR_DENIED);
    explain(&g, LB_BRANCH_PRODUCTION, "SELECT count(*) FROM t WHERE a = 1", "true");
    rig_expect(&g, RUN_FAILED, LB_ERR_DENIED);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        explain(&g, LB_BRANCH_THROWAWAY, bad[i], "true");
        rig_expect(&g, RUN_FAILED, LB_ERR_DENIED);
    }
    rig_close(&g);
}

SUITE(explain, TEST(statements_about_rows_have_a_plan), TEST(nothing_else_gets_to_the_server),
      TEST(what_is_executed_only_reads_and_is_thrown_away))
