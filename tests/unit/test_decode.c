#include "decode.h"
#include "unit/suite.h"

#include <math.h>

static arena memory;
static lb_error err;

static int decode(lb_type type, bool nullable, const char *cell, lb_value *ret_value)
{
    const lb_column column = {.name = "c", .type = type, .nullable = nullable};
    memset(&err, 0, sizeof err);
    *ret_value = (lb_value){.type = LB_END};
    return decode_cell(&column, cell, &memory, ret_value, &err);
}

static lb_value good(lb_type type, const char *cell)
{
    lb_value value;
    CU_ASSERT_EQUAL(decode(type, false, cell, &value), 0);
    ASSERT_TEXT(err.message, "");
    CU_ASSERT_EQUAL(value.type, type);
    ASSERT_TEXT(value.name, "c");
    return value;
}

static void expect_failure(lb_type type, const char *cell, const char *message)
{
    lb_value value;
    int r = decode(type, false, cell, &value);
    if (r != LB_ERR_INVALID)
        printf("\n    taken: <%s>\n", cell);
    CU_ASSERT_EQUAL(r, LB_ERR_INVALID);
    CU_ASSERT_EQUAL(value.type, LB_END);
    ASSERT_CONTAINS(err.message, "column c: ");
    ASSERT_CONTAINS(err.message, message);
}

static void reads_integers(void)
{
    CU_ASSERT_EQUAL(good(LB_I64, "0").v.i64, 0);
    CU_ASSERT_EQUAL(good(LB_I64, "-42").v.i64, -42);
    CU_ASSERT_EQUAL(good(LB_I64, "9223372036854775807").v.i64, INT64_MAX);
    CU_ASSERT_EQUAL(good(LB_I64, "-9223372036854775808").v.i64, INT64_MIN);
    expect_failure(LB_I64, "9223372036854775808", "does not fit");
    expect_failure(LB_I64, "-9223372036854775809", "does not fit");
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "--1", "abc", "1\xff"};
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        expect_failure(LB_I64, bad[i], "is not an integer");
}

/* Integers of up to 19 digits have a way of their own, which must end where 64 bits do. */
static void reads_integers_as_strtoll_does(void)
{
    static const char *const texts[] = {"9223372036854775806",
                                        "-9223372036854775807",
                                        "-9223372036854775808",
                                        "999999999999999999",
                                        "-999999999999999999",
                                        "1000000000000000000",
                                        "00000000000000000000012",
                                        "-00000000000000000000012",
                                        "-0",
                                        "000"};
    for (size_t i = 0; i < LB_COUNT(texts); i++)
        CU_ASSERT_EQUAL(good(LB_I64, texts[i]).v.i64, strtoll(texts[i], NULL, 10));
    uint64_t state = 0x9E3779B97F4A7C15U;
    char text[40];
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        int64_t wanted = (int64_t)state >> (i % 64);
        (void)snprintf(text, sizeof text, "%lld", (long long)wanted);
        CU_ASSERT_EQUAL(good(LB_I64, text).v.i64, wanted);
    }
    expect_failure(LB_I64, "9999999999999999999", "does not fit");
    expect_failure(LB_I64, "-9999999999999999999", "does not fit");
    expect_failure(LB_I64, "18446744073709551617", "does not fit");
    expect_failure(LB_I64, "100000000000000000000", "does not fit");
}

static void reads_numbers(void)
{
    CU_ASSERT_TRUE(good(LB_F64, "0").v.f64 == 0 && !signbit(good(LB_F64, "0").v.f64));
    CU_ASSERT_TRUE(good(LB_F64, "-0").v.f64 == 0 && signbit(good(LB_F64, "-0").v.f64));
    CU_ASSERT_EQUAL(good(LB_F64, "0.1").v.f64, 0.1);
    CU_ASSERT_EQUAL(good(LB_F64, "-1.5e-300").v.f64, -1.5e-300);
    CU_ASSERT_EQUAL(good(LB_F64, "1e+22").v.f64, 1e22);
    CU_ASSERT_EQUAL(good(LB_F64, ".5").v.f64, 0.5);
    CU_ASSERT_EQUAL(good(LB_F64, "5.").v.f64, 5.0);
    CU_ASSERT_TRUE(isnan(good(LB_F64, "NaN").v.f64));
    CU_ASSERT_TRUE(good(LB_F64, "Infinity").v.f64 > 1e308);
    CU_ASSERT_TRUE(good(LB_F64, "-Infinity").v.f64 < -1e308);
    expect_failure(LB_F64, "1e400", "does not fit");
    expect_failure(LB_F64, "-1e400", "does not fit");
    static const char *const bad[] = {"",    ".",        "-",   "e5",   "1e", "1e+",   "0x1p3", "inf",    "nan",
                                      "INF", "infinity", "1,5", "1.5 ", " 1", "1.2.3", "+1",    "NaN(1)", "$1.00"};
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        expect_failure(LB_F64, bad[i], "is not a number");
}

/* Short decimals have a way of their own, which must come out at the same double. */
static void reads_numbers_as_strtod_does(void)
{
    uint64_t state = 0x9E3779B97F4A7C15U;
    char text[40];
    for (int i = 0; i < 200000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        long long whole = (long long)(state >> (20 + i % 44)), part = (long long)(state % 1000000007);
        int digits = i % 10;
        if (digits)
            (void)snprintf(text, sizeof text, "%s%lld.%0*lld", i % 3 ? "" : "-", whole, digits, part);
        else
            (void)snprintf(text, sizeof text, "%s%lld", i % 3 ? "" : "-", whole);
        double wanted = strtod(text, NULL), got = good(LB_F64, text).v.f64;
        if (got != wanted || signbit(got) != signbit(wanted)) {
            printf("\n    %s became %.17g\n", text, got);
            CU_FAIL("a number is another one");
            return;
        }
    }
    CU_PASS("all are the same");
}

static void reads_booleans(void)
{
    CU_ASSERT_TRUE(good(LB_BOOL, "t").v.flag);
    CU_ASSERT_FALSE(good(LB_BOOL, "f").v.flag);
    CU_ASSERT_TRUE(good(LB_BOOL, "true").v.flag);
    CU_ASSERT_FALSE(good(LB_BOOL, "false").v.flag);
    expect_failure(LB_BOOL, "1", "is not a boolean");
    expect_failure(LB_BOOL, "", "is not a boolean");
    expect_failure(LB_BOOL, "tr", "is not a boolean");
}

static void reads_timestamps(void)
{
    CU_ASSERT_EQUAL(good(LB_TIME, "1970-01-01 00:00:01+00").v.i64, 1000000);
    CU_ASSERT_EQUAL(good(LB_TIME, "1970-01-01 02:00:00.5+02").v.i64, 500000);
    CU_ASSERT_EQUAL(good(LB_TIME, "1970-01-01 05:30:00+05:30").v.i64, 0);
    CU_ASSERT_EQUAL(good(LB_TIME, "1970-01-02").v.i64, INT64_C(86400000000));
    CU_ASSERT_EQUAL(good(LB_TIME, "infinity").v.i64, INT64_MAX);
    CU_ASSERT_EQUAL(good(LB_TIME, "-infinity").v.i64, INT64_MIN + 1);
    static const char *const bad[] = {"",           "yesterday", "0044-03-15 00:00:00 BC", "10000-01-01 00:00:00+00",
                                      "2026-02-30", "12/31/2026"};
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        expect_failure(LB_TIME, bad[i], "is not a timestamp");
}

static void reads_texts(void)
{
    ASSERT_TEXT(good(LB_TEXT, "").v.text, "");
    ASSERT_TEXT(good(LB_TEXT, "größe\n\x01").v.text, "größe\n\x01");
    ASSERT_TEXT(good(LB_JSON, "{\"a\": 1}").v.text, "{\"a\": 1}");
    ASSERT_TEXT(good(LB_NUMERIC, "-0.10").v.text, "-0.10");
    ASSERT_TEXT(good(LB_NUMERIC, "NaN").v.text, "NaN");
    expect_failure(LB_TEXT, "a\xff", "text is not UTF-8");
    expect_failure(LB_TEXT, "\xed\xa0\x80", "text is not UTF-8");
    expect_failure(LB_JSON, "{", "not JSON at byte");
    expect_failure(LB_JSON, "", "not JSON at byte");
    expect_failure(LB_NUMERIC, "1,0", "is not a decimal number");
}

/* sqlc makes no such columns. */
static void calls_impossible_columns_a_defect(void)
{
    lb_value value;
    CU_ASSERT_EQUAL(decode(LB_IDENT, false, "x", &value), LB_ERR_INTERNAL);
    ASSERT_TEXT(err.message, "column c: a column cannot be identifier");
    CU_ASSERT_EQUAL(decode(LB_LIST_OF(LB_SQL), false, "{x}", &value), LB_ERR_INTERNAL);
    CU_ASSERT_EQUAL(value.type, LB_END);
}

static void copies_what_it_keeps(void)
{
    char cell[] = "text";
    lb_value value = good(LB_TEXT, cell);
    cell[0] = 'X';
    ASSERT_TEXT(value.v.text, "text");
}

static void knows_null(void)
{
    lb_value value;
    CU_ASSERT_EQUAL(decode(LB_I64, true, NULL, &value), 0);
    CU_ASSERT_EQUAL(value.type, LB_NULL);
    ASSERT_TEXT(value.name, "c");
    CU_ASSERT_EQUAL(decode(LB_LIST_OF(LB_TEXT), true, NULL, &value), 0);
    CU_ASSERT_EQUAL(value.type, LB_NULL);
    expect_failure(LB_I64, NULL, "it is null");
    ASSERT_CONTAINS(err.hint, "coalesce");
}

static void reads_arrays(void)
{
    lb_value list = good(LB_LIST_OF(LB_TEXT), "{plain,\"a b\",NULL,\"NULL\",\"\",\"q\\\"\\\\{},\",größe}");
    static const char *const want[] = {"plain", "a b", NULL, "NULL", "", "q\"\\{},", "größe"};
    CU_ASSERT_EQUAL_FATAL(list.count, LB_COUNT(want));
    for (size_t i = 0; i < LB_COUNT(want); i++) {
        if (want[i])
            ASSERT_TEXT(list.v.items[i].v.text, want[i]);
        CU_ASSERT_EQUAL(list.v.items[i].type, want[i] ? LB_TEXT : LB_NULL);
        CU_ASSERT_PTR_NULL(list.v.items[i].name);
    }
    list = good(LB_LIST_OF(LB_I64), "{1,-2,NULL}");
    CU_ASSERT_TRUE(list.count == 3 && list.v.items[1].v.i64 == -2 && list.v.items[2].type == LB_NULL);
    list = good(LB_LIST_OF(LB_I64), "[0:1]={5,6}");
    CU_ASSERT_TRUE(list.count == 2 && list.v.items[0].v.i64 == 5);
    list = good(LB_LIST_OF(LB_I64), "[-3:-2]={5,6}");
    CU_ASSERT_EQUAL(list.count, 2);
    list = good(LB_LIST_OF(LB_BOOL), "{t,f}");
    CU_ASSERT_TRUE(list.v.items[0].v.flag && !list.v.items[1].v.flag);
    list = good(LB_LIST_OF(LB_TIME), "{\"1970-01-01 00:00:01+00\",infinity}");
    CU_ASSERT_TRUE(list.v.items[0].v.i64 == 1000000 && list.v.items[1].v.i64 == INT64_MAX);
    list = good(LB_LIST_OF(LB_JSON), "{\"{\\\"a\\\": 1}\",null}");
    ASSERT_TEXT(list.v.items[0].v.text, "{\"a\": 1}");
    CU_ASSERT_EQUAL(list.v.items[1].type, LB_NULL);
    CU_ASSERT_EQUAL(good(LB_LIST_OF(LB_TEXT), "{}").count, 0);
}

static void refuses_what_is_no_array(void)
{
    static const char *const bad[] = {"",          "1,2",    "{",         "}",        "{1",
                                      "{1,2",      "{1,2}x", "{1,}",      "{,1}",     "{1,,2}",
                                      "{}}",       "{} ",    "{{1},{2}}", "{\"1}",    "{\"1\"2}",
                                      "{1\"2\"}",  "{\"1\\", "{1\\",      "[0:1={1}", "[0]={1}",
                                      "[a:b]={1}", "[0:1]",  "[:]={1}",   "{1}{2}",   "[1:2][1:1]={{1},{2}}"};
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        expect_failure(LB_LIST_OF(LB_TEXT), bad[i], "is not an array of one dimension");
    expect_failure(LB_LIST_OF(LB_I64), "{1,x}", "'x' is not an integer");
    expect_failure(LB_LIST_OF(LB_TEXT), "{a\xff}", "not UTF-8");
}

static void says_when_memory_is_used_up(void)
{
    static const lb_column columns[] = {{"c", LB_TEXT, false}, {"c", LB_LIST_OF(LB_TEXT), false}};
    for (size_t i = 0; i < LB_COUNT(columns); i++) {
        arena small;
        lb_value value = {.type = LB_END};
        int r = LB_ERR_NO_MEMORY;
        for (size_t limit = 1; r == LB_ERR_NO_MEMORY && limit < 100000; limit += 16) {
            arena_init(&small, limit);
            r = decode_cell(&columns[i], "{abcdefghijklmnopqrst,uvw}", &small, &value, &err);
            CU_ASSERT_TRUE(r == 0 ? limit > 16 : r == LB_ERR_NO_MEMORY && value.type == LB_END);
            arena_done(&small);
        }
        CU_ASSERT_EQUAL(r, 0);
    }
}

static void compares_columns(void)
{
    static const lb_column columns[] = {{"schema", LB_TEXT, false}, {"query_plan", LB_TEXT, false}};
    static const lb_statement s = {.name = "sample/x", .columns = columns, .column_count = 2};
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"schema", "query_plan"}, &err), 0);
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"schema", "QUERY PLAN"}, &err), 0);
    CU_ASSERT_EQUAL(decode_check_columns(&s, 1, (const char *const[]){"schema"}, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "sample/x declares 2 columns and the server sends 1");
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"query_plan", "schema"}, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "column 1 is declared as schema and the server calls it query_plan");
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"schema", "query_plans"}, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"schema", "query"}, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(decode_check_columns(&s, 2, (const char *const[]){"schema", NULL}, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "calls it nothing");
}

SUITE(decode, TEST(reads_integers), TEST(reads_integers_as_strtoll_does), TEST(reads_numbers),
      TEST(reads_numbers_as_strtod_does), TEST(reads_booleans), TEST(reads_timestamps), TEST(reads_texts),
      TEST(calls_impossible_columns_a_defect), TEST(copies_what_it_keeps), TEST(knows_null), TEST(reads_arrays),
      TEST(refuses_what_is_no_array), TEST(says_when_memory_is_used_up), TEST(compares_columns))
