/* What the composer quotes, binds and writes out comes back byte for byte. */
#include <sql/example/comment_on_table.h>
#include <sql/sample/count_rows.h>
#include <sql/sample/filter.h>

#include "integration/catalogue_server.h"

#include "json.h"
#include "quote.h"

/* ---- quoting ------------------------------------------------------------------------------------------------------
 */

static void every_keyword_is_known(void)
{
    RESULT *words = execute("SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'");
    CU_ASSERT_TRUE(PQntuples(words) > 100);
    for (int i = 0; i < PQntuples(words); i++) {
        if (!quote_is_keyword(PQgetvalue(words, i, 0)))
            printf("\n    not known: %s\n", PQgetvalue(words, i, 0));
        CU_ASSERT_TRUE(quote_is_keyword(PQgetvalue(words, i, 0)));
    }
}

static const char *const hostile[] = {
    "plain",
    "it's",
    "''",
    "\"",
    "a\"b\"\"c",
    "\\",
    "\\'",
    "'; DROP TABLE victim; --",
    "\"; DROP TABLE victim; --",
    "$$",
    "$tag$ x $tag$",
    "$1",
    ":name",
    "--",
    "/*",
    "*/",
    "/* -- */",
    "E'\\x41'",
    "U&\"\\0041\"",
    "\t\r\n\v\f\x01\x7f",
    " leading and trailing ",
    "größe",
    "名前",
    "\xf0\x9f\x90\x98",
    "a\xcc\x88",
    "%s%n",
    "select",
    "NULL",
    "{a,\"b\"}",
    ";",
};

static void identifiers_read_back(void)
{
    for (size_t i = 0; i < LB_COUNT(hostile); i++) {
        BUF_AUTO sql = BUF_INIT(1000);
        buf_puts(&sql, "SELECT 1 AS ");
        CU_ASSERT_EQUAL(quote_ident(&sql, hostile[i], &err), 0);
        RESULT *result = execute(buf_text(&sql));
        ASSERT_TEXT(PQfname(result, 0), hostile[i]);
    }
}

static void literals_read_back(void)
{
    for (size_t i = 0; i < LB_COUNT(hostile); i++) {
        BUF_AUTO sql = BUF_INIT(1000);
        buf_puts(&sql, "SELECT ");
        quote_literal(&sql, hostile[i]);
        RESULT *result = execute(buf_text(&sql));
        ASSERT_TEXT(PQgetvalue(result, 0, 0), hostile[i]);
    }
}

static void comments_take_any_name_and_text(void)
{
    run_sql(
        "DROP SCHEMA IF EXISTS \"s'\"\"\\\" CASCADE; CREATE SCHEMA \"s'\"\"\\\"; CREATE TABLE IF NOT EXISTS victim ()");
    for (size_t i = 0; i < LB_COUNT(hostile); i++) {
        BUF_AUTO create = BUF_INIT(1000);
        buf_puts(&create, "CREATE TABLE \"s'\"\"\\\".");
        CU_ASSERT_EQUAL(quote_ident(&create, hostile[i], &err), 0);
        buf_puts(&create, "()");
        run_sql(buf_text(&create));
        const char *text = hostile[LB_COUNT(hostile) - 1 - i];
        example_comment_on_table_args args = {.schema = "s'\"\\", .table = hostile[i], .comment = text};
        const lb_sql *sql = &untouched;
        run_change(example_comment_on_table_compose(&ctx, &args, &sql, &err), &sql);
        RESULT *comment =
            execute_with("SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE relname = $1", hostile[i]);
        CU_ASSERT_EQUAL(PQntuples(comment), 1);
        ASSERT_TEXT(PQgetvalue(comment, 0, 0), text);
        args.comment = NULL;
        run_change(example_comment_on_table_compose(&ctx, &args, &sql, &err), &sql);
        RESULT *none = execute_with("SELECT obj_description(oid, 'pg_class') IS NULL FROM pg_class WHERE relname = $1",
                                    hostile[i]);
        ASSERT_TEXT(PQgetvalue(none, 0, 0), "t");
    }
    run_sql("DROP SCHEMA \"s'\"\"\\\" CASCADE; DROP TABLE victim"); /* the victim lives */
}

/* ---- values -------------------------------------------------------------------------------------------------------
 */

static void expect_same(const lb_value *a, const lb_value *b)
{
    BUF_AUTO first = BUF_INIT(100000);
    BUF_AUTO second = BUF_INIT(100000);
    CU_ASSERT_EQUAL(json_value(&first, a, &err), 0);
    CU_ASSERT_EQUAL(json_value(&second, b, &err), 0);
    ASSERT_TEXT(buf_text(&first), buf_text(&second));
}

/* Each value goes in bound and as a literal, and comes out as it went in, both ways. */
static void expect_round_trip(const sample_everything_args *args)
{
    lb_value values[20];
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(sample_everything__values(&ctx, args, values, &err), 0);
    CU_ASSERT_EQUAL_FATAL(sample_everything_compose(&ctx, args, &sql, &err), 0);
    RESULT *bound = run_composed(sql);
    RESULT *literal = execute(sql->display);
    CU_ASSERT_EQUAL_FATAL(PQntuples(bound), 1);
    CU_ASSERT_EQUAL_FATAL(PQntuples(literal), 1);
    const lb_column *columns = sample_everything_sql.columns;
    const char *names[18];
    for (int i = 0; i < 18; i++)
        names[i] = PQfname(bound, i);
    CU_ASSERT_EQUAL(decode_check_columns(&sample_everything_sql, 18, names, &err), 0);
    for (int i = 0; i < 15; i++) {
        lb_value from_bound = decoded(&columns[i], bound, 0, i), from_literal = decoded(&columns[i], literal, 0, i);
        expect_same(&values[i], &from_bound);
        expect_same(&values[i], &from_literal);
    }
    ASSERT_TEXT(PQgetvalue(bound, 0, 17), ":quoted :dollar $$ ':escaped");
}

static void values_come_back_as_they_went(void)
{
    const char *names[] = {"a", "an_identifier"};
    sample_everything_args args = good_everything();
    args.an_identifier = "an_identifier";
    args.some_identifiers = (lb_texts){names, 2};
    args.a_json = "{\"a\": [1, \"x\\\\y\"]}"; /* as jsonb prints it */
    expect_round_trip(&args);
    args.some_texts = (lb_texts){hostile, LB_COUNT(hostile)};
    for (size_t i = 0; i < LB_COUNT(hostile); i++) {
        names[1] = hostile[i];
        args.a_text = hostile[i];
        args.an_identifier = hostile[i];
        args.some_identifiers = (lb_texts){names, 2};
        expect_round_trip(&args);
    }
    args.an_integer = INT64_MIN;
    args.an_oid = UINT32_MAX;
    args.a_number = 5e-324;
    args.a_time = INT64_C(-62135596800000000);
    args.a_numeric = "NaN";
    args.a_type = "interval day to second(3)";
    expect_round_trip(&args);
    args.a_text = args.a_json = NULL;
    args.an_integer_is_null = args.a_flag_is_null = args.a_time_is_null = args.some_integers_is_null = true;
    args.some_texts.count = args.some_json.count = args.some_times.count = 0;
    expect_round_trip(&args);
}

static void fragments_bring_their_values(void)
{
    static const char *const names[] = {"pg_class", "it's $1"};
    sample_filter_args filter = {.column = "relname", .least = 3, .names = {names, 2}};
    sample_count_rows_args args = {.table = "pg_class", .limit_rows = 100};
    const lb_sql *piece = &untouched, *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(sample_filter_compose(&ctx, &filter, &piece, &err), 0);
    args.filter = args.other = piece;
    CU_ASSERT_EQUAL_FATAL(sample_count_rows_compose(&ctx, &args, &sql, &err), 0);
    RESULT *bound = run_composed(sql);
    RESULT *literal = execute(sql->display);
    ASSERT_TEXT(PQgetvalue(bound, 0, 0), "1");
    ASSERT_TEXT(PQgetvalue(literal, 0, 0), "1");
}

ON_EACH(every_keyword_is_known)
ON_EACH(identifiers_read_back)
ON_EACH(literals_read_back)
ON_EACH(comments_take_any_name_and_text)
ON_EACH(values_come_back_as_they_went)
ON_EACH(fragments_bring_their_values)

SUITE(quoting, TEST(test_every_keyword_is_known), TEST(test_identifiers_read_back), TEST(test_literals_read_back),
      TEST(test_comments_take_any_name_and_text), TEST(test_values_come_back_as_they_went),
      TEST(test_fragments_bring_their_values))
