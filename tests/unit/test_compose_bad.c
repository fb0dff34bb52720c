/* The statements come first: their functions have parameters named like the host's variables. */
#include <sql/sample/by_version.h>
#include <sql/sample/partition_list.h>

#include "compose_host.h"
#include "quote.h"

/* Tests of failures: the code, and what message and hint must say. */
static void expect_failure(const lb_statement *statement, const lb_value *args, int code, const char *message,
                           const char *hint)
{
    const lb_sql *sql = NULL;
    CU_ASSERT_EQUAL(compose_17(statement, args, &sql), code);
    CU_ASSERT_PTR_NULL(sql);
    ASSERT_CONTAINS(err.message, message);
    ASSERT_CONTAINS(err.message, statement->name);
    ASSERT_CONTAINS(err.hint, hint);
}

/* ---- arguments ---- */

static void refuses_wrong_arguments(void)
{
    const lb_statement *s = &sample_partition_list_sql;
    const lb_value one[] = {lb_i64(NULL, 1)}, text[] = {lb_i64(NULL, 1), lb_text(NULL, "x")};
    lb_value name = lb_ident("name", "n"), parent = lb_ident("parent", "p"), keys = lb_list("keys", LB_I64, one, 1);

    expect_failure(s, LB_ARGS(name, parent, keys, lb_i64("key", 1)), LB_ERR_INVALID, "no parameter \"key\"",
                   "did you mean keys?");
    expect_failure(s, LB_ARGS(name, parent, keys, lb_i64("zebra", 1)), LB_ERR_INVALID, "\"zebra\"",
                   "name, parent, keys");
    expect_failure(s, LB_ARGS(name, keys), LB_ERR_INVALID, "misses the parameter parent", "lb_null");
    expect_failure(s, NULL, LB_ERR_INVALID, "misses the parameter name", "");
    expect_failure(s, LB_ARGS(name, parent, keys, name), LB_ERR_INVALID, "parameter name twice", "once");
    expect_failure(s, LB_ARGS(name, parent, keys, lb_i64(NULL, 1)), LB_ERR_INVALID, "without a name", "name each");
    expect_failure(s, LB_ARGS(lb_text("name", "n"), parent, keys), LB_ERR_INVALID, "name: it is text, not identifier",
                   "");
    expect_failure(s, LB_ARGS(lb_null("name"), parent, keys), LB_ERR_INVALID, "name: it is null", "");
    expect_failure(s, LB_ARGS(name, parent, lb_i64("keys", 1)), LB_ERR_INVALID, "it is integer, not list of integer",
                   "");
    expect_failure(s, LB_ARGS(name, parent, lb_null("keys")), LB_ERR_INVALID, "keys: it is null", "");
    expect_failure(s, LB_ARGS(name, parent, lb_list("keys", LB_I64, text, 2)), LB_ERR_INVALID, "item 2 is text", "");
    expect_failure(s, LB_ARGS(name, parent, lb_list("keys", LB_I64, NULL, 2)), LB_ERR_INVALID, "without the items", "");
    expect_failure(s, LB_ARGS(name, parent, lb_list("keys", LB_I64, one, 0)), LB_ERR_INVALID, "list is empty",
                   "at least one");
    expect_failure(&sample_by_version_sql, LB_ARGS(name), LB_ERR_INVALID, "no parameter", "it has no parameters");
    expect_failure(s, LB_ARGS({.name = "name", .type = LB_IDENT}, parent, keys), LB_ERR_INVALID, "without its text",
                   "");
}

static void expect_everything_failure(const sample_everything_args *args, const char *message)
{
    const lb_sql *sql = NULL;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, args, &sql, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, message);
    ASSERT_CONTAINS(err.message, "sample/everything");
}

static void refuses_wrong_texts(void)
{
    static const char *const latin[] = {"x", "\xe9"};
    sample_everything_args e = good_everything();
    e.a_text = "\xff";
    expect_everything_failure(&e, "a_text: text is not UTF-8");
    e = good_everything();
    e.a_json = "{";
    expect_everything_failure(&e, "a_json: not JSON");
    e = good_everything();
    e.a_numeric = "1e";
    expect_everything_failure(&e, "'1e' is not a decimal");
    e.a_numeric = NULL;
    expect_everything_failure(&e, "a_numeric: it is null");
    e = good_everything();
    e.some_texts = (lb_texts){latin, 2};
    expect_everything_failure(&e, "some_texts: text is not UTF-8");
}

static void refuses_values_out_of_range(void)
{
    static const int64_t wide[] = {1, INT64_C(3000000000)}, none[] = {LB_TIME_NONE};
    sample_everything_args e = good_everything();
    e.an_oid = -1;
    expect_everything_failure(&e, "-1 is out of the range of oid");
    e = good_everything();
    e.some_integers = (lb_i64s){wide, 2};
    expect_everything_failure(&e, "out of the range of int4");
    e = good_everything();
    e.a_time = LB_TIME_NONE;
    expect_everything_failure(&e, "a_time: a timestamp that was not given");
    e.a_time = INT64_MAX - 1;
    expect_everything_failure(&e, "outside of the years");
    e = good_everything();
    e.some_times = (lb_i64s){none, 1};
    expect_everything_failure(&e, "some_times: a timestamp that was not given");
}

static void refuses_wrong_names(void)
{
    static const char *const with_empty[] = {"a", ""};
    sample_everything_args e = good_everything();
    e.an_identifier = "";
    expect_everything_failure(&e, "an_identifier: an identifier is empty");
    e.an_identifier = "a123456789b123456789c123456789d123456789e123456789f123456789g123";
    expect_everything_failure(&e, "64 bytes");
    e.an_identifier = "a\xc0";
    expect_everything_failure(&e, "not UTF-8");
    e.an_identifier = "a123456789b123456789c123456789d123456789e123456789f123456789g12";
    const lb_sql *sql = NULL;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, &e, &sql, &err), 0);
    e.some_identifiers = (lb_texts){with_empty, 2};
    expect_everything_failure(&e, "some_identifiers: an identifier is empty");
    e.some_identifiers = (lb_texts){NULL, 0};
    expect_everything_failure(&e, "some_identifiers: the list is empty");
}

/* ---- types ---- */

static void takes_types(void)
{
    static const char *const good[] = {"int4",
                                       "numeric(10,2)",
                                       "numeric(10, 2)[]",
                                       "text[][]",
                                       "public.\"My Type\"",
                                       "timestamp with time zone",
                                       "interval day to second(3)",
                                       "character varying(20)",
                                       "double precision",
                                       "bit varying(8)",
                                       "geometry(Point,4326)",
                                       "vector(3)",
                                       "int[3]",
                                       "\"a;b\"",
                                       "\"x'y\""};
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        memset(&err, 0, sizeof err);
        CU_ASSERT_EQUAL(quote_check_type(good[i], &err), 0);
        ASSERT_TEXT(err.message, "");
    }
}

static void refuses_what_is_no_type(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "int4;",
                                      "int4; DROP TABLE x",
                                      "int4)",
                                      "int4) FROM x --",
                                      "int4 --",
                                      "int4 -- x\n",
                                      "int4 /* x",
                                      "int4 /* x */",
                                      "int4, 2",
                                      "int4 AS x",
                                      "int4 x",
                                      "int4 FROM pg_class",
                                      "int4::text",
                                      "int4 COLLATE \"C\"",
                                      "int4 + 1",
                                      "int4 = 1",
                                      "int4 IS NULL",
                                      "int4) UNION SELECT (1",
                                      "int4 UNION SELECT 1",
                                      "setof int4",
                                      "numeric((SELECT 1))",
                                      "numeric(pg_sleep(10))",
                                      "foo(x => 1)",
                                      "x(1) OVER ()",
                                      "int4\n",
                                      "int4)::text, (1",
                                      "int4) WHERE (true",
                                      "int4) ORDER BY (1",
                                      "$1",
                                      "'int4'",
                                      "1",
                                      "NULL",
                                      "int4) LIMIT (1",
                                      "\xff",
                                      "a.b.c.d%TYPE",
                                      "int4 AT TIME ZONE 'x'",
                                      "int4]",
                                      "int4[1",
                                      "int4) INTO x"};
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        int r = quote_check_type(bad[i], &err);
        if (r != LB_ERR_INVALID)
            printf("\n    taken as a type: <%s>\n", bad[i]);
        CU_ASSERT_EQUAL(r, LB_ERR_INVALID);
        ASSERT_CONTAINS(err.hint, "numeric(10,2)");
    }
    char nested[600];
    memset(nested, '(', sizeof nested - 1);
    nested[sizeof nested - 1] = '\0';
    CU_ASSERT_EQUAL(quote_check_type(nested, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "599 bytes");
}

static void refuses_a_bad_type_argument(void)
{
    sample_everything_args e = good_everything();
    e.a_type = "int4; DROP TABLE x";
    expect_everything_failure(&e, "a_type: 'int4; DROP TABLE x' is not the name of a type");
    e.a_type = NULL;
    expect_everything_failure(&e, "a_type: it is null");
}

/* ---- limits ---- */

static void says_when_memory_is_used_up(void)
{
    sample_everything_args e = good_everything();
    const lb_sql *sql = NULL;
    starving = true;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, &e, &sql, &err), LB_ERR_NO_MEMORY);
    starving = false;
    lb_value args[20];
    CU_ASSERT_EQUAL_FATAL(sample_everything__values(&ctx, &e, args, &err), 0);
    int r = LB_ERR_NO_MEMORY;
    size_t limit = 16;
    for (; r == LB_ERR_NO_MEMORY && limit < 1000000; limit += 16) {
        arena small;
        arena_init(&small, limit);
        sql = NULL;
        r = compose(&sample_everything_sql, args, 17, &small, &sql, &err);
        CU_ASSERT_TRUE(r == 0 ? sql != NULL : sql == NULL && r == LB_ERR_NO_MEMORY);
        arena_done(&small);
    }
    CU_ASSERT_EQUAL(r, 0);
    CU_ASSERT_TRUE(limit > 1000);
}

static void limits_the_text(void)
{
    static lb_value items[40000];
    for (size_t i = 0; i < LB_COUNT(items); i++)
        items[i] = lb_ident(NULL, "a_column_with_a_long_name_that_repeats");
    const lb_sql *sql = NULL;
    sample_everything_args e = good_everything();
    lb_value args[20];
    CU_ASSERT_EQUAL_FATAL(sample_everything__values(&ctx, &e, args, &err), 0);
    args[16] = lb_list("some_identifiers", LB_IDENT, items, LB_COUNT(items));
    CU_ASSERT_EQUAL(compose_17(&sample_everything_sql, args, &sql), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "sample/everything");
    ASSERT_CONTAINS(err.hint, "split");
    CU_ASSERT_PTR_NULL(sql);
    e.some_texts.count = SIZE_MAX;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, &e, &sql, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "some_texts");
}

SUITE(compose_bad, TEST(refuses_wrong_arguments), TEST(refuses_wrong_texts), TEST(refuses_values_out_of_range),
      TEST(refuses_wrong_names), TEST(takes_types), TEST(refuses_what_is_no_type), TEST(refuses_a_bad_type_argument),
      TEST(says_when_memory_is_used_up), TEST(limits_the_text))
