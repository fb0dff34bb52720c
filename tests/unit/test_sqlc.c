#include "sqlc_run.h"

/* ---- whole trees ---- */

static void takes_good_statements(void)
{
    static const char *const files[] = {
        READ "-- column a text\nSELECT * FROM t",
        READ "-- column a text\nSELECT t.*, 1 FROM t;",
        READ "-- column a text\n(SELECT 1::text AS a) UNION ALL SELECT b FROM u ORDER BY 1",
        READ "-- column a text\nWITH w AS (SELECT 1::text AS a) SELECT a FROM w",
        READ "-- column column1 integer\n-- column column2 text\nVALUES (1, 'x'), (2, 'y')",
        READ "-- column server_version text\nSHOW server_version",
        READ "-- column timezone text\nSHOW TimeZone",
        READ "-- column query_plan text\nEXPLAIN (COSTS OFF) SELECT 1",
        READ "-- column name text\n-- column setting text\n-- column description text\nSHOW ALL",
        READ "-- column a integer\n-- param p integer\nSELECT :p::int4 -:p * 2 AS a -- why :q\n/* :r */",
        READ "-- column a text\n-- param p text\nSELECT $$ :q $$ || $t$ $$ :q $t$ || U&'\\0061' || ':q' || \":q\" || "
             ":p AS a FROM t",
        READ "-- column a text\r\n\r\n--\r\n-- note: lines may end as they do elsewhere\r\nSELECT 'x' AS a\r\n",
        READ "-- column a boolean\n-- param p text[]\nSELECT f(a := :p, b => x[1 : 2]) AS a",
        READ "-- column a integer\n-- param c sql like x int4\nSELECT 1 AS a FROM json_to_recordset('[]') AS j(:c)",
        CHANGE "SELECT pg_terminate_backend(1)",
        CHANGE "-- param ids integer[] as oid\nDELETE FROM t WHERE id = ANY (:ids)",
        CHANGE "-- param c text null\nCOMMENT ON TABLE t IS :c",
        CHANGE "-- param labels text[]\n-- param t identifier\nCREATE TYPE :t AS ENUM (:labels)",
        CHANGE "-- param t sqltype\nALTER TABLE x ALTER COLUMN y TYPE :t",
        CHANGE "-- param c sql[]\nCREATE TABLE x (:c)",
        CHANGE "-- param options sql null\nCREATE INDEX ON t (a) :options",
        ASKS "-- column a text\n-- param p text null\n-- param l integer[]\n"
             "SELECT 'gr\xc3\xbc\xc3\x9f''e' AS a FROM t -- a \"quote\" \\ here\n WHERE p = :p AND x IN (:l) AND y NOT "
             "IN (:l)",
        ASKS
        "-- column n integer\nWITH w AS (SELECT max_by(a, b) AS n FROM ops_catalog.lakebase_ops.t)\nSELECT n FROM w",
        ASKS "-- column n number\nSELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) AS n FROM t WHERE b - 1 > 2",
        RESTS "-- column at_least number\n-- column times number\n-- column at_most number\n"
              "SELECT 1 AS at_least, 2 AS times, 3 AS at_most",
        PIECE "anything ( at all",
        PIECE "-- server: 17-\n-- param v json\n-- example: SELECT 1 WHERE :fragment\nx @> :v",
    };
    SCRATCH scratch = scratch_new();
    for (size_t i = 0; i < LB_COUNT(files); i++) {
        put_file(scratch, "family/name.sql", files[i]);
        OUTCOME o = check(scratch);
        if (o.status)
            printf("\n    refused: <%s>\n", files[i]);
        CU_ASSERT_EQUAL(o.status, 0);
        ASSERT_TEXT(o.err, "");
    }
}

static void reports_all_problems_of_all_files_in_order(void)
{
    SCRATCH scratch = scratch_new();
    put_file(scratch, "b/two.sql", CHANGE "-- param x txt\nSELECT f(:y)");
    put_file(scratch, "a/one.sql", "CHECKPOINT");
    put_file(scratch, "a/good.sql", CHANGE "CHECKPOINT");
    OUTCOME o = check(scratch);
    CU_ASSERT_EQUAL(o.status, 1);
    static const char *const want[] = {"/a/one.sql:1:1: the kind", "/a/one.sql:1:1: the summary",
                                       "/b/two.sql:4:10: the parameter x", "/b/two.sql:4:12: x: 'txt'",
                                       "/b/two.sql:5:10: the parameter :y"};
    for (size_t i = 0; i < LB_COUNT(want); i++)
        ASSERT_CONTAINS(o.err, want[i]);
    CU_ASSERT_TRUE(strstr(o.err, want[1]) < strstr(o.err, want[2]) && strstr(o.err, want[2]) < strstr(o.err, want[3]) &&
                   strstr(o.err, want[3]) < strstr(o.err, want[4]));
    CU_ASSERT_PTR_NULL(strstr(o.err, "good.sql"));
}

static void finds_misplaced_files_and_clashes(void)
{
    SCRATCH scratch = scratch_new();
    put_file(scratch, "README.md", "not SQL");
    put_file(scratch, "a/b_c.sql", CHANGE "CHECKPOINT");
    OUTCOME good = check(scratch);
    CU_ASSERT_EQUAL(good.status, 0);
    put_file(scratch, "a_b/c.sql", CHANGE "CHECKPOINT");
    put_file(scratch, "a/b_c_sql.sql", CHANGE "CHECKPOINT");
    put_file(scratch, "top.sql", CHANGE "CHECKPOINT");
    put_file(scratch, "a/deep/er.sql", CHANGE "CHECKPOINT");
    put_file(scratch, "a/Upper.sql", CHANGE "CHECKPOINT");
    put_file(scratch, "a/latin.sql", CHANGE "-- note: \xe9\nCHECKPOINT");
    OUTCOME o = check(scratch);
    CU_ASSERT_EQUAL(o.status, 1);
    ASSERT_CONTAINS(o.err, "/a/b_c.sql:1:1: the C name a_b_c is also made from a_b/c.sql");
    ASSERT_CONTAINS(o.err, "/a/b_c_sql.sql:1:1: the C name a_b_c_sql is also made from a/b_c.sql");
    ASSERT_CONTAINS(o.err, "/top.sql:1:1: 'top' is no name of a statement");
    ASSERT_CONTAINS(o.err, "/a/deep/er.sql:1:1: 'a/deep/er' is no name of a statement");
    ASSERT_CONTAINS(o.err, "/a/Upper.sql:1:1: 'a/Upper' is no name of a statement");
    ASSERT_CONTAINS(o.err, "/a/latin.sql:1:1: the file is not UTF-8");
}

static void says_how_it_is_used(void)
{
    SCRATCH scratch = scratch_new();
    static const char *const bad[][8] = {{NULL},
                                         {"--check", NULL},
                                         {"--root", NULL},
                                         {"--root", "x", NULL},
                                         {"--root", "x", "--check", "--list", NULL},
                                         {"--root", "x", "--name", "a/b", NULL},
                                         {"--root", "x", "--check", "--output", "y", NULL},
                                         {"--root", "x", "--chek", NULL}};
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        const char *argv[9] = {setting("LBOPS_SQLC", LBOPS_SQLC)};
        for (size_t k = 0; bad[i][k]; k++)
            argv[k + 1] = bad[i][k];
        OUTCOME o = run(scratch, argv);
        CU_ASSERT_EQUAL(o.status, 2);
        ASSERT_CONTAINS(o.err, "usage: lbops-sqlc --root DIR");
    }
    OUTCOME help = RUN(scratch, "--help");
    CU_ASSERT_EQUAL(help.status, 0);
    ASSERT_CONTAINS(help.out, "usage: lbops-sqlc");
    LB_AUTO_FREE char *missing = base_printf("%s/nothing", scratch);
    OUTCOME o = RUN(scratch, "--root", missing, "--check");
    CU_ASSERT_EQUAL(o.status, 1);
    ASSERT_CONTAINS(o.err, missing);
}

/* ---- what comes out ---- */

static outcome emit(const char *scratch, const char *name)
{
    LB_AUTO_FREE char *root = base_printf("%s/sql", scratch),
                      *output = base_printf("%s/include/sql/%s.h", scratch, name);
    return RUN(scratch, "--root", root, "--name", name, "--output", output);
}

static void writes_nothing_when_there_is_a_problem(void)
{
    SCRATCH scratch = scratch_new();
    put_file(scratch, "a/bad.sql", CHANGE "SELECT");
    OUTCOME o = emit(scratch, "a/bad");
    CU_ASSERT_EQUAL(o.status, 1);
    ASSERT_CONTAINS(o.err, "/sql/a/bad.sql:4:1: a SELECT that calls no function");
    LB_AUTO_FREE char *header = base_printf("%s/include/sql/a/bad.h", scratch);
    CU_ASSERT_NOT_EQUAL(access(header, F_OK), 0);
    OUTCOME missing = emit(scratch, "a/missing");
    CU_ASSERT_EQUAL(missing.status, 1);
    ASSERT_CONTAINS(missing.err, "a/missing.sql");
    OUTCOME wrong = emit(scratch, "../etc/passwd");
    CU_ASSERT_EQUAL(wrong.status, 1);
    ASSERT_CONTAINS(wrong.err, "is no name of a statement");
}

static void says_when_it_cannot_write(void)
{
    SCRATCH scratch = scratch_new();
    put_file(scratch, "a/b.sql", CHANGE "CHECKPOINT");
    LB_AUTO_FREE char *root = base_printf("%s/sql", scratch), *output = base_printf("%s/sql/a/b.sql/x.h", scratch);
    OUTCOME o = RUN(scratch, "--root", root, "--name", "a/b", "--output", output);
    CU_ASSERT_EQUAL(o.status, 1);
    ASSERT_CONTAINS(o.err, "a/b.sql");
    OUTCOME folder = RUN(scratch, "--root", root, "--name", "a/b", "--output", root);
    CU_ASSERT_EQUAL(folder.status, 1);
    ASSERT_CONTAINS(folder.err, root);
}

/* A header must compile on its own, strictly, whatever the statement says. */
static void headers_compile_alone(void)
{
    static const char *const files[] = {
        READ "-- param a text\n-- param b integer null\n-- param c boolean[]\n-- param d sql[] null like 1\n-- param e "
             "timestamp[] null\n"
             "-- column x text null\n-- column y boolean null\n-- column z json[] null\n"
             "SELECT :a::text AS x, :b = ANY (ARRAY[:d]::int8[]) AS y, :e::jsonb[] AS z WHERE :c IS NULL",
        READ "-- column x text\nSELECT '?\?/ ?\?= \\ \" \t é ' AS x",
        CHANGE "CHECKPOINT",
        CHANGE "-- param i identifier[]\nDROP TABLE :i",
        PIECE "-- param v number null\n> :v",
        "-- summary: /* */ \\ ?\?/\n-- kind: fragment\nx",
        ASKS "-- param a text null\n-- param l timestamp[]\n-- column x integer null\nSELECT 1 AS x WHERE b = :a OR c "
             "IN (:l)",
        ASKS "-- column x text\nSELECT 'x' AS x",
    };
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *root = base_printf("-I%s/include", scratch),
                      *sdk = base_printf("-I%s", setting("LBOPS_INCLUDE", LBOPS_INCLUDE));
    LB_AUTO_FREE char *source = base_printf("%s/use.c", scratch);
    static const char use[] =
        "#include <sql/a/b.h>\n#include <sql/a/b.h>\nint main(void)\n{\n    return a_b_sql.size == 0;\n}\n";
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(source, use, strlen(use), 0600, &err), 0);
    for (size_t i = 0; i < LB_COUNT(files); i++) {
        put_file(scratch, "a/b.sql", files[i]);
        OUTCOME emitted = emit(scratch, "a/b");
        CU_ASSERT_EQUAL(emitted.status, 0);
        ASSERT_TEXT(emitted.err, "");
        OUTCOME o = run(scratch, (const char *const[]){setting("LBOPS_CC", LBOPS_CC), "-std=c11", "-Wall", "-Wextra",
                                                       "-Wconversion", "-Wshadow", "-Wcast-qual", "-Wpedantic",
                                                       "-Werror", "-fsyntax-only", root, sdk, source, NULL});
        ASSERT_TEXT(o.err, "");
        CU_ASSERT_EQUAL(o.status, 0);
    }
}

static void lists_statements_as_json(void)
{
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *root = base_printf("%s/sql", scratch);
    put_file(scratch, "b/two.sql", CHANGE "-- param c text null\n-- param t identifier\nCOMMENT ON TABLE :t IS :c");
    put_file(scratch, "a/one.sql",
             "-- summary: s\n-- kind: read\n-- server: 15-\n-- param t identifier like pg_class\n-- param ids "
             "integer[] as oid\n-- column n integer[] null\n"
             "-- variant: 16-\nSELECT :ids AS n FROM :t\n-- variant: 15\nSELECT :ids AS n FROM :t -- old");
    OUTCOME o = RUN(scratch, "--root", root, "--list");
    CU_ASSERT_EQUAL(o.status, 0);
    ASSERT_TEXT(
        o.out,
        "{\"name\":\"a/one\",\"kind\":\"read\",\"summary\":\"s\",\"from\":15,\"to\":null,"
        "\"params\":[{\"name\":\"t\",\"type\":\"identifier\",\"pgtype\":null,\"nullable\":false},"
        "{\"name\":\"ids\",\"type\":\"integer[]\",\"pgtype\":\"oid[]\",\"nullable\":false}],"
        "\"columns\":[{\"name\":\"n\",\"type\":\"integer[]\",\"nullable\":true}],"
        "\"variants\":[{\"from\":15,\"to\":15,\"bindable\":true,\"text\":\"SELECT $1 AS n FROM pg_class\"},"
        "{\"from\":16,\"to\":null,\"bindable\":true,\"text\":\"SELECT $1 AS n FROM pg_class\"}]}\n"
        "{\"name\":\"b/two\",\"kind\":\"change\",\"summary\":\"s\",\"from\":15,\"to\":18,"
        "\"params\":[{\"name\":\"c\",\"type\":\"text\",\"pgtype\":\"text\",\"nullable\":true},"
        "{\"name\":\"t\",\"type\":\"identifier\",\"pgtype\":null,\"nullable\":false}],\"columns\":[],"
        "\"variants\":[{\"from\":15,\"to\":18,\"bindable\":false,\"text\":\"COMMENT ON TABLE \\\"t\\\" IS 'x'\"}]}\n");
    put_file(scratch, "b/two.sql", CHANGE "SELECT");
    OUTCOME bad = RUN(scratch, "--root", root, "--list");
    CU_ASSERT_EQUAL(bad.status, 1);
    ASSERT_TEXT(bad.out, "");
}

SUITE(sqlc, TEST(takes_good_statements), TEST(reports_all_problems_of_all_files_in_order),
      TEST(finds_misplaced_files_and_clashes), TEST(says_how_it_is_used), TEST(writes_nothing_when_there_is_a_problem),
      TEST(says_when_it_cannot_write), TEST(headers_compile_alone), TEST(lists_statements_as_json))
