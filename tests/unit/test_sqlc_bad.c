#include "sqlc_run.h"

typedef struct bad_file {
    const char *text;
    const char *place, *message, *hint;
} bad_file;

/* Within the first line of text. */
static bool contains(const char *text, const char *part)
{
    return memmem(text, strcspn(text, "\n"), part, strlen(part)) != NULL;
}

static void expect_problems(const bad_file *files, size_t count)
{
    SCRATCH scratch = scratch_new();
    for (size_t i = 0; i < count; i++) {
        put_file(scratch, "family/name.sql", files[i].text);
        OUTCOME o = check(scratch);
        LB_AUTO_FREE char *place = base_printf("/sql/family/name.sql:%s: ", files[i].place);
        CU_ASSERT_EQUAL(o.status, 1);
        ASSERT_CONTAINS(o.err, place);
        const char *line = strstr(o.err, place);
        while (line && strcspn(line, "\n") < strlen(line) && !contains(line, files[i].message))
            line = strstr(line + 1, place);
        ASSERT_CONTAINS(line, files[i].message);
        ASSERT_CONTAINS(o.err, files[i].hint);
        ASSERT_TEXT(o.out, "");
    }
}

static void finds_problems_in_the_header(void)
{
    static const bad_file files[] = {
        {"-- kind: read\n-- server: 15\n-- column a text\nSELECT ''::text AS a", "1:1", "the summary is missing",
         "-- summary:"},
        {"-- summary: s\n-- server: 15\n-- column a text\nSELECT ''::text AS a", "1:1", "the kind is missing",
         "-- kind: read"},
        {"-- summary: s\n-- kind: read\n-- column a text\nSELECT ''::text AS a", "1:1", "the server versions",
         "-- server: 15-18"},
        {"-- summary:\n-- kind: change\n-- server: 15\nCHECKPOINT", "1:12", "the summary is empty", "one line"},
        {"-- sumary: s\n-- kind: change\n-- server: 15\nCHECKPOINT", "1:4", "'sumary' is no line",
         "did you mean summary?"},
        {CHANGE "-- a remark\nCHECKPOINT", "4:4", "'a' is no line of the header", "-- note:"},
        {CHANGE "-- summary: t\nCHECKPOINT", "4:13", "summary: stands here a second time", "-- note:"},
        {CHANGE "-- kind: read\nCHECKPOINT", "4:10", "kind: stands here a second time", ""},
        {CHANGE "-- server: 17\nCHECKPOINT", "4:12", "server: stands here a second time", ""},
        {CHANGE "-- param: a text\nSELECT f(:a)", "4:4", "param is written without a colon", "-- param ..."},
        {"-- summary s\n-- kind: change\n-- server: 15\nCHECKPOINT", "1:4", "summary is written with a colon",
         "-- summary: ..."},
        {"-- summary: s\n-- kind: reads\n-- server: 15\nSELECT 1", "2:10", "'reads' is no kind", "did you mean read?"},
        {"-- summary: s\n-- kind: x\n-- server: 15\nSELECT 1", "2:10", "'x' is no kind",
         "read, change, fragment, history, lake or rest"},
        {"-- summary: s\n-- kind: change\n-- server: 9\nCHECKPOINT", "3:12", "'9' is no range", "15-18, 17 or 17-"},
        {"-- summary: s\n-- kind: change\n-- server: 18-15\nCHECKPOINT", "3:12", "'18-15' is no range", "15-18"},
        {"-- summary: s\n-- kind: change\n-- server: 15..18\nCHECKPOINT", "3:12", "'15..18' is no range", "15-18"},
        {READ "SELECT 1", "1:1", "a read declares its columns", "-- column NAME TYPE"},
        {CHANGE "-- column a text\nCHECKPOINT", "4:11", "only a read has columns", ""},
        {CHANGE "-- example: SELECT :fragment\nCHECKPOINT", "4:13", "only a fragment has an example", ""},
        {PIECE "-- example: SELECT 1\nx", "3:13", "does not say where :fragment stands", "WHERE :fragment"},
        {CHANGE, "4:1", "there is no statement", "below the header"},
        {CHANGE "/* nothing */ ;\n", "4:1", "there is no statement", "below the header"},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_problems_in_declarations(void)
{
    static const bad_file files[] = {
        {CHANGE "-- param\nCHECKPOINT", "4:9", "a parameter without a name", "-- param NAME TYPE"},
        {CHANGE "-- param a\nSELECT f(:a)", "4:11", "a has no type", "NAME TYPE"},
        {CHANGE "-- param A text\nSELECT f(:a)", "4:10", "'A' is no name for a parameter", "letters a-z"},
        {CHANGE "-- param a__b text\nSELECT f(:a__b)", "4:10", "'a__b' is no name for a parameter", "letters a-z"},
        {CHANGE "-- param int integer\nSELECT f(:int)", "4:10", "the parameter int cannot be named", "another word"},
        {CHANGE "-- param a bigint\nSELECT f(:a)", "4:12", "a: 'bigint' is no type", "did you mean integer?"},
        {CHANGE "-- param a integr[]\nSELECT f(:a)", "4:12", "a: 'integr[]' is no type", "did you mean integer[]?"},
        {CHANGE "-- param a zzz\nSELECT f(:a)", "4:12", "a: 'zzz' is no type", "text integer number"},
        {CHANGE "-- param a text\n-- param a text\nSELECT f(:a)", "5:10", "the parameter a is declared twice", ""},
        {CHANGE "-- param a integer as int3\nSELECT f(:a)", "4:23", "a: integer does not go to the server as int3",
         "did you mean int2?"},
        {CHANGE "-- param a integer as\nSELECT f(:a)", "4:22", "a: as what?", "as oid"},
        {CHANGE "-- param a identifier as name\nDROP TABLE :a", "4:26", "a has no type on the server", ""},
        {CHANGE "-- param a integer nul\nSELECT f(:a)", "4:20", "a: 'nul' is not known here", "did you mean null?"},
        {CHANGE "-- param a identifier null\nDROP TABLE :a", "4:10", "the identifier a cannot be null",
         "only sql, definitions and values"},
        {CHANGE "-- param a integer like 3\nSELECT f(:a)", "4:24", "a is a value", "only what is written"},
        {CHANGE "-- param a identifier like\nDROP TABLE :a", "4:27", "a: like what?", "like TEXT"},
        {CHANGE "-- param a text\nCHECKPOINT", "4:10", "the parameter a is declared and not used", "write :a where"},
        {CHANGE "-- param a text null\n-- param a_is_null text\nSELECT f(:a, :a_is_null)", "5:10",
         "a_is_null is also the null flag of a", ""},
        {READ "-- column\nSELECT 1", "4:10", "a column without a name", "-- column NAME TYPE"},
        {READ "-- column a text\n-- column a text\nSELECT 1 AS a, 2 AS a", "5:11", "the column a is declared twice",
         ""},
        {READ "-- column a identifier\nSELECT 1 AS a", "4:11", "the column a cannot be identifier", "is text"},
        {READ "-- column a text nul\nSELECT 1 AS a", "4:18", "a: 'nul' is not known here", "only null"},
        {READ "-- column class text\nSELECT 1 AS class", "4:11", "the column class cannot be named", "another word"},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_problems_with_parameters_in_the_text(void)
{
    static const bad_file files[] = {
        {CHANGE "-- param number integer\nSELECT f(:nubmer, :number)", "5:10", "the parameter :nubmer is not declared",
         "did you mean :number?"},
        {CHANGE "SELECT\n  f(:zebra)", "5:5", "the parameter :zebra is not declared", "-- param zebra TYPE"},
        {READ "-- column a text\nSELECT x[1:n] AS a FROM t", "5:11", "the parameter :n is not declared",
         "blank behind the colon"},
        {CHANGE "-- param a integer\nSELECT f(x:a)", "5:11", "the parameter :a touches", "put a blank"},
        {CHANGE "-- param a text\nSELECT f(:a'x')", "5:10", "the parameter :a touches", "put a blank"},
        {CHANGE "-- param a text\nSELECT f('x':a)", "5:13", "the parameter :a touches", "put a blank"},
        {CHANGE "SELECT f($1)", "4:10", "$1 is no parameter here", "write :name"},
        {CHANGE "SELECT f('x)", "4:10", "a quote or comment begins here and does not end", ""},
        {CHANGE "SELECT f(\"x)", "4:10", "a quote or comment begins here and does not end", ""},
        {CHANGE "SELECT f($a$x)", "4:10", "a quote or comment begins here and does not end", ""},
        {CHANGE "SELECT f(E'x\\')", "4:10", "a quote or comment begins here and does not end", ""},
        {CHANGE "SELECT f() /* /* */", "4:12", "a quote or comment begins here and does not end", ""},
        {PIECE "x; y", "3:2", "a semicolon in a fragment", "one statement"},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_problems_with_variants(void)
{
    static const bad_file files[] = {
        {CHANGE "CHECKPOINT\n-- variant: 15-18\nCHECKPOINT", "4:1", "SQL stands before the first variant",
         "begin with"},
        {CHANGE "-- variant: 15-16\nCHECKPOINT\n-- variant: 18\nCHECKPOINT", "6:1", "server 17 has no variant",
         "exactly what server: says"},
        {CHANGE "-- variant: 15-17\nCHECKPOINT", "4:1", "server 18 has no variant", "exactly"},
        {CHANGE "-- variant: 16-18\nCHECKPOINT", "4:1", "server 15 has no variant", "exactly"},
        {CHANGE "-- variant: 15-17\nCHECKPOINT\n-- variant: 17-18\nCHECKPOINT", "6:1", "server 17 has two variants",
         ""},
        {CHANGE "-- variant: 14-18\nCHECKPOINT", "4:1",
         "server 14 has two variants, or is outside the statement's 15-18", ""},
        {CHANGE "-- variant: 15-19\nCHECKPOINT", "4:1", "server 19 is outside the statement's range", ""},
        {CHANGE "-- variant: all\nCHECKPOINT", "4:13", "'all' is no range of versions", "15-18"},
        {CHANGE "-- variant: 15-16\nCHECKPOINT\n-- variant: 17-18\n", "6:1", "there is no statement", "below"},
        {READ "-- column a text\n-- variant: 15-16\nSELECT 'x' AS a\n-- variant: 17-18\nSELECT 'x' AS b", "4:11",
         "column 1 is declared as a and the statement calls it b", "declare b"},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_problems_with_the_parser(void)
{
    static const bad_file files[] = {
        {CHANGE "SELECT f(),\n  'größe', b b b", "5:16", "syntax error at or near \"b\"", ""},
        {CHANGE "-- param a identifier\n-- param b integer\nDROP TABLE :a\n  FROM :b", "7:3",
         "syntax error at or near \"FROM\"", ""},
        {CHANGE "-- param a integer\nDROP TABLE :a", "5:12", "syntax error", ""},
        {CHANGE "SELECT f(", "4:10", "syntax error at end of input", ""},
        {CHANGE "SELECT f(); SELECT g()", "4:1", "2 statements in one file", "one statement"},
        {CHANGE "-- param days text\nDELETE FROM t WHERE x < now() - INTERVAL :days", "5:42",
         "the server takes no bound value here", "write a cast"},
        {CHANGE "-- param a sql\nALTER TABLE t ALTER COLUMN x TYPE WHAT IS :a", "5:40", "syntax error",
         "-- param a sql like TEXT"},
        {CHANGE "-- param a sql like FROM FROM\nDELETE FROM t :a", "5:15", "syntax error", ""},
        {CHANGE "-- param a sql null like x\nDELETE FROM t WHERE :a", "4:10", "without a the statement does not parse",
         "when it is null"},
        {PIECE "-- example: SELECT 1 WHERE :fragment\nAND AND", "4:1", "syntax error at or near \"AND\"", ""},
        {PIECE "-- example: SELECT (:fragment AND\ntrue", "3:34", "syntax error at end of input", ""},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_changes_in_reads(void)
{
    static const bad_file files[] = {
        {READ "-- column a text\nDELETE FROM t RETURNING a", "5:1", "a read is a SELECT", "-- kind: change"},
        {READ "-- column a text\nVACUUM", "5:1",
         "a read is a SELECT, VALUES, SHOW, or EXPLAIN of a SELECT, and this is a VacuumStmt", ""},
        {READ "-- column query_plan text\nEXPLAIN DELETE FROM t", "5:1", "a read is a SELECT", ""},
        {READ "-- column query_plan text\nEXPLAIN (ANALYZE) EXECUTE p", "5:1", "a read is a SELECT", ""},
        {READ "-- column a text\nSELECT a INTO b FROM t", "5:1", "a read must not contain an INTO", ""},
        {READ "-- column a text\nSELECT a FROM t FOR UPDATE", "5:1", "a read must not contain a FOR UPDATE", ""},
        {READ "-- column a text\nSELECT a FROM (SELECT a FROM t FOR SHARE) s", "5:1",
         "a read must not contain a FOR UPDATE or FOR SHARE", ""},
        {READ "-- column a text\nWITH w AS (DELETE FROM t RETURNING a) SELECT a FROM w", "5:1",
         "must not contain a DELETE", ""},
        {READ "-- column a text\nWITH w AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM w", "5:1",
         "must not contain an UPDATE", ""},
        {READ "-- column a text\nWITH w AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM w", "5:1",
         "must not contain an INSERT", ""},
        {READ "-- column a boolean\nSELECT pg_terminate_backend(1) AS a", "5:1",
         "must not contain pg_terminate_backend", ""},
        {READ "-- column a boolean\nSELECT a FROM t WHERE pg_catalog.pg_advisory_lock_shared(1) IS NULL", "5:1",
         "must not contain pg_advisory_lock_shared", ""},
        {READ "-- column a text\nSELECT set_config('a', 'b', true) AS a", "5:1", "must not contain set_config", ""},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_rests_that_say_too_little(void)
{
    static const bad_file files[] = {
        {RESTS "SELECT pg_sleep(1)", "1:1", "a rest says at_least, times and at_most", "for the three"},
        {RESTS "-- column at_least number\n-- column at_most number\n-- column times number\n"
               "SELECT 1 AS at_least, 2 AS at_most, 3 AS times",
         "1:1", "a rest says at_least, times and at_most", "in this order"},
        {RESTS "-- column at_least number null\n-- column times number\n-- column at_most number\n"
               "SELECT NULL AS at_least, 2 AS times, 3 AS at_most",
         "1:1", "a rest says at_least, times and at_most", "for the three"},
        {RESTS "-- column at_least number\n-- column times integer\n-- column at_most number\n"
               "SELECT 1 AS at_least, 2 AS times, 3 AS at_most",
         "1:1", "a rest says at_least, times and at_most", "for the three"},
        {RESTS "-- column at_least number\n-- column times number\n-- column at_most number\nDELETE FROM t", "7:1",
         "a read is a SELECT", ""},
    };
    expect_problems(files, LB_COUNT(files));
}

static void finds_reads_among_changes(void)
{
    static const bad_file files[] = {
        {CHANGE "SELECT a FROM t", "4:1", "a SELECT that calls no function changes nothing", "-- kind: read"},
        {CHANGE "SHOW work_mem", "4:1", "this changes nothing", "-- kind: read"},
        {CHANGE "EXPLAIN SELECT 1", "4:1", "this changes nothing", "-- kind: read"},
        {CHANGE "BEGIN", "4:1", "transactions are the host's", "atomic"},
        {CHANGE "COMMIT", "4:1", "transactions are the host's", "atomic"},
    };
    expect_problems(files, LB_COUNT(files));
}

static void compares_columns_with_the_select_list(void)
{
    static const bad_file files[] = {
        {READ "-- column a text\nSELECT a, b FROM t", "5:1", "the statement gives 2 columns and declares 1",
         "one '-- column' line"},
        {READ "-- column a text\nSELECT b AS c FROM t", "4:11",
         "column 1 is declared as a and the statement calls it c", "write ... AS a, or declare c"},
        {READ "-- column a text\nSELECT t.b FROM t", "4:11", "column 1 is declared as a and the statement calls it b",
         "declare b"},
        {READ "-- column a integer\nSELECT count(*) FROM t", "4:11",
         "column 1 is declared as a and the statement calls it count", ""},
        {READ "-- column a integer\nSELECT 1 AS b UNION SELECT 2 AS a", "4:11", "the statement calls it b", ""},
        {READ "-- column a integer\nVALUES (1, 2)", "5:1", "gives 2 columns and declares 1", ""},
        {READ "-- column a integer\nVALUES (1)", "4:11", "VALUES calls it column1", "AS v (name)"},
        {READ "-- column a text\nEXPLAIN SELECT 1", "4:11", "the server calls it \"QUERY PLAN\"",
         "declare it as query_plan"},
        {READ "-- column a text\nSHOW server_version", "4:11", "the server calls it \"server_version\"",
         "declare it as server_version"},
        {READ "-- column a text\n-- column b text\nSHOW server_version", "6:1", "gives 1 columns and declares 2", ""},
    };
    expect_problems(files, LB_COUNT(files));
}

static void holds_questions_to_what_all_engines_read(void)
{
    static const bad_file files[] = {
        {ASKS "-- column a text\nDELETE FROM t", "4:1", "history is asked with a SELECT, and this is a DeleteStmt",
         "lb_record"},
        {ASKS "-- column a text\nSHOW tables", "4:1", "this is a VariableShowStmt", "lb_record"},
        {ASKS "-- column a text\nWITH w AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM w", "4:1",
         "must not contain an INSERT", "lb_record"},
        {ASKS "-- column a text\nSELECT a INTO t FROM u", "4:1", "must not contain an INTO", "lb_record"},
        {ASKS "-- column a text\nSELECT a FROM t; SELECT a FROM u", "4:1", "2 statements", "one statement"},
        {ASKS "-- column b text\nSELECT a FROM t", "3:11", "declared as b and the statement calls it a", "AS b"},
        {ASKS "-- column a text\nSELECT a, b FROM t", "4:1", "gives 2 columns and declares 1", "-- column"},
        {ASKS "SELECT 1", "1:1", "a read declares its columns", "-- column NAME TYPE"},
        {ASKS "-- server: 15-18\n-- column a text\nSELECT a FROM t", "3:12", "the history has no server versions",
         "drop the line"},
        {ASKS "-- column a text[]\nSELECT a FROM t", "3:11", "cannot be text[]", "numeric or json"},
        {ASKS "-- column a text\n-- param t identifier\nSELECT a FROM :t", "4:10", "cannot be identifier",
         "boolean or timestamp"},
        {ASKS "-- column a text\n-- param f sql\nSELECT a FROM t WHERE :f", "4:10", "cannot be sql", "timestamp"},
        {ASKS "-- column a text\n-- param j json\nSELECT a FROM t WHERE b = :j", "4:10", "cannot be json", "text"},
        {ASKS "-- column a text\n-- param n integer as oid\nSELECT a FROM t WHERE b = :n", "4:10", "no type oid",
         "drop 'as'"},
        {ASKS "-- column a text\n-- param l text[] null\nSELECT a FROM t WHERE a IN (:l)", "4:10", "cannot be null",
         "an empty list"},
        {ASKS "-- column a text\n-- param l text[]\nSELECT a FROM t WHERE a = ANY (:l)", "4:10",
         "the list l does not stand alone in IN ()", "write IN (:l)"},
        {ASKS "-- column a text\n-- param l text[]\nSELECT a FROM t WHERE a IN ('x', :l)", "4:10",
         "does not stand alone", "write IN (:l)"},
        {ASKS "-- column a text\nSELECT a::text AS a FROM t", "4:9", ":: is not read alike", "CAST(x AS TYPE)"},
        {ASKS "-- column a text\nSELECT \"a\" FROM t", "4:8", "\" is not read alike", "no quotes"},
        {ASKS "-- column a text\nSELECT a FROM t WHERE b = 'x\\y'", "4:29", "a backslash in a literal", "parameter"},
        {ASKS "-- column a text\nSELECT a FROM t WHERE b = E'x'", "4:28", "a letter before a quote", "plain literal"},
        {ASKS "-- column a text\nSELECT a FROM t WHERE b = $$x$$", "4:27", "$ is not read alike", "plain quotes"},
        {ASKS "-- column a text\nSELECT a ->> 'x' AS a FROM t", "4:10", "-> is not read alike", "in C"},
        {ASKS "-- column a text\nSELECT a FROM t WHERE a ~ 'x'", "4:25", "~ is not read alike", "LIKE"},
        {ASKS "-- column a text\nSELECT a /* b */ FROM t", "4:10", "/* is not read alike", "-- lines"},
        {ASKS "-- column a text\nSELECT a FROM t\xc3\xbc", "4:16", "a sign beyond ASCII", "comments"},
    };
    expect_problems(files, LB_COUNT(files));
}

SUITE(sqlc_bad, TEST(holds_questions_to_what_all_engines_read), TEST(finds_problems_in_the_header),
      TEST(finds_problems_in_declarations), TEST(finds_problems_with_parameters_in_the_text),
      TEST(finds_problems_with_variants), TEST(finds_problems_with_the_parser), TEST(finds_changes_in_reads),
      TEST(finds_rests_that_say_too_little), TEST(finds_reads_among_changes),
      TEST(compares_columns_with_the_select_list))
