#include "suite.h"

#include "json.h"

#include <float.h>
#include <math.h>

static const char *as_json(const lb_value *values)
{
    static char text[4096];
    lb_error err = {0};
    BUF_AUTO b = BUF_INIT(sizeof text - 1);
    if (json_named(&b, values, &err) < 0)
        (void)snprintf(text, sizeof text, "%s: %s", error_name(err.code), err.message);
    else
        (void)snprintf(text, sizeof text, "%s", buf_text(&b));
    return text;
}

static void knows_utf8(void)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x98"};
    static const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xC2",         "\xC2\x41",
        "\xE0\x9F\xBF", "\xE1\x80",         "\xE1\x80\x41",     "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF1\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"};
    for (size_t i = 0; i < LB_COUNT(good); i++)
        CU_ASSERT(json_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        CU_ASSERT_FALSE(json_is_utf8(bad[i], strlen(bad[i])));
    CU_ASSERT_FALSE(json_is_utf8("a\0b", 3));
}

static const char *number(double value)
{
    static char text[64];
    BUF_AUTO b = BUF_INIT(sizeof text - 1);
    json_double(&b, value);
    (void)snprintf(text, sizeof text, "%s", buf_text(&b));
    return text;
}

static void writes_the_shortest_double(void)
{
    ASSERT_TEXT(number(0), "0");
    ASSERT_TEXT(number(-0.0), "-0");
    ASSERT_TEXT(number(1), "1");
    ASSERT_TEXT(number(-1.5), "-1.5");
    ASSERT_TEXT(number(0.1), "0.1");
    ASSERT_TEXT(number(0.000001), "0.000001");
    ASSERT_TEXT(number(-0.012345), "-0.012345");
    ASSERT_TEXT(number(1000000), "1000000");
    ASSERT_TEXT(number(999999999.999999), "999999999.999999");
    ASSERT_TEXT(number(1e22), "1e+22");
    ASSERT_TEXT(number(0.1 + 0.2), "0.30000000000000004");
    ASSERT_TEXT(number(DBL_MAX), "1.7976931348623157e+308");
    ASSERT_TEXT(number(5e-324), "4.94065645841247e-324");
    ASSERT_TEXT(number(NAN), "\"NaN\"");
    ASSERT_TEXT(number(INFINITY), "\"Infinity\"");
    ASSERT_TEXT(number(-INFINITY), "\"-Infinity\"");
}

/* Whatever the bits, the text reads back as the same double. */
static void doubles_read_back(void)
{
    uint64_t state = 0x9E3779B97F4A7C15U;
    lb_error err = {0};
    for (int i = 0; i < 200000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        double value;
        if (i % 2)
            memcpy(&value, &state, sizeof value);
        else
            value = (double)(int64_t)(state >> (i % 40)) / 1e6;
        if (!isfinite(value))
            continue;
        const char *text = number(value);
        if (strtod(text, NULL) != value || json_check(text, strlen(text), &err) < 0) {
            printf("\n    %.17g became %s\n", value, text);
            CU_FAIL("a double does not read back");
            return;
        }
    }
    CU_PASS("all read back");
}

static void writes_integers(void)
{
    BUF_AUTO b = BUF_INIT(200);
    static const int64_t numbers[] = {0, 7, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < LB_COUNT(numbers); i++) {
        json_i64(&b, numbers[i]);
        buf_putc(&b, ' ');
    }
    ASSERT_TEXT(buf_text(&b), "0 7 -1 10 9223372036854775807 -9223372036854775808 ");
}

static void writes_strings(void)
{
    BUF_AUTO b = BUF_INIT(200);
    json_string(&b, "\"\\/\b\f\n\r\t\x01\x7f\xC3\xA4");
    ASSERT_TEXT(buf_text(&b), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\xC3\xA4\"");
    buf_clear(&b);
    json_string(&b, "a\xFFz\xC3"); /* never invalid UTF-8 in what we print */
    ASSERT_TEXT(buf_text(&b), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
    buf_clear(&b);
    json_string(&b, NULL);
    ASSERT_TEXT(buf_text(&b), "null");
}

static void writes_members(void)
{
    BUF_AUTO b = BUF_INIT(500);
    buf_putc(&b, '{');
    json_member_string(&b, "s", "{");
    json_member_i64(&b, "i", -5);
    json_member_bool(&b, "b", false);
    json_member_raw(&b, "r", "[1]");
    json_member_raw(&b, "n", NULL);
    json_key(&b, "t");
    json_time(&b, 1);
    buf_putc(&b, '}');
    ASSERT_TEXT(buf_text(&b),
                "{\"s\":\"{\",\"i\":-5,\"b\":false,\"r\":[1],\"n\":null,\"t\":\"1970-01-01T00:00:00.000001Z\"}");
}

static void writes_values(void)
{
    const lb_value list[] = {lb_numeric(NULL, "12.50"), lb_numeric(NULL, "NaN"), lb_numeric(NULL, "1e5"),
                             lb_bool(NULL, true)};
    ASSERT_TEXT(as_json(LB_ARGS(lb_ident("i", "x"), lb_sqltype("t", "int8"), lb_f64("d", NAN), lb_time("at", 0),
                                lb_list("l", LB_NUMERIC, list, LB_COUNT(list)), lb_object("o", LB_NO_ARGS))),
                "{\"i\":\"x\",\"t\":\"int8\",\"d\":\"NaN\",\"at\":\"1970-01-01T00:00:00.000000Z\","
                "\"l\":[12.50,\"NaN\",1e5,true],\"o\":{}}");
    ASSERT_TEXT(as_json(LB_NO_ARGS), "{}");
}

static void refuses_bad_values(void)
{
    ASSERT_CONTAINS(as_json(LB_ARGS(lb_text(NULL, "x"))), "invalid: a value has no name");
    ASSERT_CONTAINS(as_json(LB_ARGS(lb_text("\xFF", "x"))), "a value's name is not UTF-8");
    ASSERT_CONTAINS(as_json(LB_ARGS(lb_object("o", LB_ARGS(lb_text("t", "\xFF"))))),
                    "invalid: o: t: text is not UTF-8");
    ASSERT_CONTAINS(as_json(LB_ARGS(lb_json("j", "{}{}"))), "j: not JSON at byte 2");
    ASSERT_CONTAINS(as_json(LB_ARGS(lb_textual("s", LB_SECRET, "secret"))), "s: a value of type 13 cannot be written");
    lb_value nest[40];
    lb_value end[2] = {lb_i64("x", 1), {.type = LB_END}};
    const lb_value *inner = end;
    lb_value pairs[40][2];
    for (size_t i = 0; i < LB_COUNT(nest); i++) {
        pairs[i][0] = lb_object("o", inner);
        pairs[i][1] = (lb_value){.type = LB_END};
        inner = pairs[i];
    }
    ASSERT_CONTAINS(as_json(inner), "nested deeper than 32");
    ASSERT_CONTAINS(as_json(pairs[25]), "{\"o\":{\"o\":");
}

static bool is_json(const char *text)
{
    lb_error err = {0};
    int r = json_check(text, strlen(text), &err);
    CU_ASSERT(r == 0 || r == LB_ERR_INVALID);
    return r == 0;
}

static void checks_strictly(void)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0",
        "1.5e+10",
        "1E-2",
        "\"\"",
        "\"\\u00e4\\n\\/\"",
        "true",
        "false",
        "null",
        "\r\n\t 1 ",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":2}",
        "[[[[]]]]",
        "\"\x7f\"",
    };
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{'a':1}",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "nul",
        "nullx",
        "True",
        "\"",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"\\",
        "\"\n\"",
        "\"\xFF\"",
        "\"\xED\xA0\x80\"",
        "1 1",
        "{} {}",
        "// x\n1",
        "\xEF\xBB\xBF{}",
        "[1]]",
        "\x01",
    };
    for (size_t i = 0; i < LB_COUNT(good); i++)
        if (!is_json(good[i]))
            CU_FAIL("refused what is JSON");
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        if (is_json(bad[i])) {
            printf("\n    taken for JSON: %s\n", bad[i]);
            CU_FAIL("took what is not JSON");
        }
    lb_error err = {0};
    CU_ASSERT_EQUAL(json_check("[1,x]", 5, &err), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "not JSON at byte 3");
    CU_ASSERT_EQUAL(json_check("1\0", 2, &err), LB_ERR_INVALID); /* the length counts, not the NUL */
    CU_ASSERT_EQUAL(json_check("\"a\0b\"", 5, &err), LB_ERR_INVALID);
}

static void holds_the_depth(void)
{
    lb_error err = {0};
    char text[400];
    for (size_t depth = 60; depth < 70; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        bool fits = depth <= 64;
        CU_ASSERT_EQUAL(json_check(text, 2 * depth, &err) == 0, fits);
        JSON_AUTO *o = json_parse(text, 2 * depth, &err);
        CU_ASSERT_EQUAL(o != NULL, fits);
    }
}

static void parses_documents(void)
{
    lb_error err = {0};
    static const char *const texts[] = {"{\"a\":[1,2.5,\"x\",null,true]}", "17", " \"t\" ", "true", "-1.5", "[ ]"};
    for (size_t i = 0; i < LB_COUNT(texts); i++) {
        JSON_AUTO *o = json_parse(texts[i], strlen(texts[i]), &err);
        CU_ASSERT_PTR_NOT_NULL(o);
    }
    JSON_AUTO *cut = json_parse("123456", 3, &err);
    CU_ASSERT_EQUAL(json_object_get_int(cut), 123);
    CU_ASSERT_PTR_NULL(json_parse("{", 1, &err));
    ASSERT_CONTAINS(err.message, "not JSON at byte 1");
    memset(&err, 0, sizeof err);
    CU_ASSERT_PTR_NULL(json_parse(" null", 5, &err)); /* json-c has no object for it, so it must be told from success */
    CU_ASSERT_EQUAL(err.code, LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "the JSON document is null");
    CU_ASSERT_PTR_NULL(json_parse("", (size_t)INT32_MAX + 1, &err));
    CU_ASSERT_EQUAL(err.code, LB_ERR_LIMIT);
}

SUITE(json, TEST(knows_utf8), TEST(writes_the_shortest_double), TEST(doubles_read_back), TEST(writes_integers),
      TEST(writes_strings), TEST(writes_members), TEST(writes_values), TEST(refuses_bad_values), TEST(checks_strictly),
      TEST(holds_the_depth), TEST(parses_documents))
