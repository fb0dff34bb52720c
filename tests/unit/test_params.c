#include "unit/suite.h"

#include "json.h"
#include "params.h"

#include <locale.h>
#include <math.h>

struct everything {
    const char *mode, *schema, *document;
    int64_t days, since;
    double ratio;
    bool deep, wide;
    lb_texts tables, words, documents;
    lb_i64s sizes, times;
    lb_f64s weights;
    lb_bools flags;
};

static const lb_param rows[] = {
    LB_PARAM(struct everything, mode, LB_TEXT, "fast", "how to look", .choices = "fast|safe|thorough"),
    LB_PARAM(struct everything, schema, LB_IDENT, NULL, "the schema to look at", .required = true),
    LB_PARAM(struct everything, document, LB_JSON, NULL, "anything"),
    LB_PARAM(struct everything, days, LB_I64, "7", "how far back", .min = "1", .max = "90"),
    LB_PARAM(struct everything, since, LB_TIME, NULL, "from when on"),
    LB_PARAM(struct everything, ratio, LB_F64, "0.2", "how much waste", .min = "0"),
    LB_PARAM(struct everything, deep, LB_BOOL, "false", "look into partitions"),
    LB_PARAM(struct everything, wide, LB_BOOL, NULL, "look around"),
    LB_PARAM(struct everything, tables, LB_LIST_OF(LB_IDENT), "[]", "only these tables"),
    LB_PARAM(struct everything, words, LB_LIST_OF(LB_TEXT), "[\"a\",\"b c\"]", "words"),
    LB_PARAM(struct everything, documents, LB_LIST_OF(LB_JSON), NULL, "documents"),
    LB_PARAM(struct everything, sizes, LB_LIST_OF(LB_I64), "5", "sizes to try", .max = "100"),
    LB_PARAM(struct everything, times, LB_LIST_OF(LB_TIME), NULL, "points in time"),
    LB_PARAM(struct everything, weights, LB_LIST_OF(LB_F64), NULL, "weights"),
    LB_PARAM(struct everything, flags, LB_LIST_OF(LB_BOOL), NULL, "flags"),
    LB_PARAMS_END,
};
static const param_rows table = {rows, sizeof(lb_param)};

#define BIND(into, memory, err, ...)                                                                                   \
    params_bind("tool", table, (const param_arg[]){__VA_ARGS__}, LB_COUNT(((const param_arg[]){__VA_ARGS__})), (into), \
                sizeof *(into), (memory), (err))

static void defaults_fill_what_is_not_given(void)
{
    struct everything e;
    lb_error err;
    arena memory;
    arena_init(&memory, 0);
    memset(&e, 0x55, sizeof e);
    CU_ASSERT_EQUAL_FATAL(BIND(&e, &memory, &err, {"schema", "public"}), 0);
    ASSERT_TEXT(e.mode, "fast");
    ASSERT_TEXT(e.schema, "public");
    CU_ASSERT_PTR_NULL(e.document);
    CU_ASSERT_EQUAL(e.days, 7);
    CU_ASSERT_EQUAL(e.since, LB_TIME_NONE);
    CU_ASSERT_EQUAL(e.ratio, 0.2);
    CU_ASSERT(!e.deep && !e.wide);
    CU_ASSERT_EQUAL(e.tables.count, 0);
    CU_ASSERT_EQUAL_FATAL(e.words.count, 2);
    ASSERT_TEXT(e.words.items[1], "b c");
    CU_ASSERT(e.sizes.count == 1 && e.sizes.items[0] == 5);
    CU_ASSERT(e.documents.count == 0 && e.times.count == 0 && e.weights.count == 0 && e.flags.count == 0);
    arena_done(&memory);
}

static void every_type_arrives(void)
{
    struct everything e;
    lb_error err;
    arena memory;
    arena_init(&memory, 0);
    char text[] = "safe"; /* what is bound must be a copy */
    CU_ASSERT_EQUAL_FATAL(
        BIND(&e, &memory, &err, {"mode", text}, {"schema", "Überblick"}, {"document", " {\"a\": [1]} "}, {"days", "90"},
             {"since", "2026-01-31T12:00:00+02:00"}, {"ratio", "1e-3"}, {"deep", "ON"}, {"wide", "yes"},
             {"documents", "[{\"a\":[1,\"]\"]} , 2,null, \"x,y\"]"}, {"times", "[\"1970-01-01\",\"infinity\"]"},
             {"weights", "[1, -2.5e2 ,0.0]"}, {"flags", " [ true,false ] "}),
        0);
    text[0] = 'X';
    ASSERT_TEXT(e.mode, "safe");
    ASSERT_TEXT(e.schema, "Überblick");
    ASSERT_TEXT(e.document, " {\"a\": [1]} ");
    CU_ASSERT_EQUAL(e.days, 90);
    CU_ASSERT_EQUAL(e.since, INT64_C(1769853600000000));
    CU_ASSERT_EQUAL(e.ratio, 1e-3);
    CU_ASSERT(e.deep && e.wide);
    CU_ASSERT_EQUAL_FATAL(e.documents.count, 4);
    ASSERT_TEXT(e.documents.items[0], "{\"a\":[1,\"]\"]}");
    ASSERT_TEXT(e.documents.items[1], "2");
    ASSERT_TEXT(e.documents.items[3], "\"x,y\"");
    CU_ASSERT(e.times.count == 2 && e.times.items[0] == 0 && e.times.items[1] == INT64_MAX);
    CU_ASSERT(e.weights.count == 3 && e.weights.items[1] == -250.0);
    CU_ASSERT(e.flags.count == 2 && e.flags.items[0] && !e.flags.items[1]);
    arena_done(&memory);
}

static void lists_take_arrays_scalars_and_repetition(void)
{
    struct everything e;
    lb_error err;
    arena memory;
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL_FATAL(BIND(&e, &memory, &err, {"schema", "s"}, {"tables", "orders"}, {"sizes", "-1"},
                               {"tables", "[\"a\\\"b\", \"\\u00e4\"]"}, {"tables", "[]"}, {"sizes", "[2,3]"},
                               {"words", ""}),
                          0);
    CU_ASSERT_EQUAL_FATAL(e.tables.count, 3);
    ASSERT_TEXT(e.tables.items[0], "orders");
    ASSERT_TEXT(e.tables.items[1], "a\"b");
    ASSERT_TEXT(e.tables.items[2], "ä");
    CU_ASSERT(e.sizes.count == 3 && e.sizes.items[0] == -1 && e.sizes.items[2] == 3);
    CU_ASSERT_EQUAL_FATAL(e.words.count, 1); /* given, so the default is gone */
    ASSERT_TEXT(e.words.items[0], "");
    arena_done(&memory);
}

static const lb_param *row_named(const char *name)
{
    for (const lb_param *row = rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

static void wrong_values_are_named_with_a_hint(void)
{
    static const struct {
        const char *name, *text, *message, *hint;
    } cases[] = {
        {"days", "", "--days: '' is not a 64-bit integer", "give an integer from 1 to 90"},
        {"days", "7 ", "'7 ' is not a 64-bit integer", "integer"},
        {"days", " 7", "is not a 64-bit integer", "integer"},
        {"days", "+-7", "is not a 64-bit integer", "integer"},
        {"days", "0x10", "is not a 64-bit integer", "integer"},
        {"days", "1.0", "is not a 64-bit integer", "integer"},
        {"days", "9223372036854775808", "is not a 64-bit integer", "integer"},
        {"days", "0", "--days: '0' is out of range", "from 1 to 90"},
        {"days", "91", "is out of range", "from 1 to 90"},
        {"ratio", "-0.1", "is out of range", "give a number at least 0"},
        {"ratio", "nan", "is not a number", "number"},
        {"ratio", "inf", "is not a number", "number"},
        {"ratio", "1e999", "is not a number", "number"},
        {"ratio", "0x1p3", "is not a number", "number"},
        {"ratio", "1,5", "is not a number", "number"},
        {"ratio", "1e", "is not a number", "number"},
        {"ratio", "", "is not a number", "number"},
        {"deep", "maybe", "is neither true nor false", "give true or false"},
        {"since", "yesterday", "is not a timestamp", "2026-01-31T23:59:59Z"},
        {"since", "2026-02-30", "is not a timestamp", "give a time"},
        {"schema", "", "is no identifier", "1 to 63 bytes"},
        {"schema", "a123456789b123456789c123456789d123456789e123456789f123456789g123", "too long", "1 to 63"},
        {"schema", "\xff", "--schema: '?' is not UTF-8", "UTF-8"},
        {"document", "{", "is not JSON at byte 1", "one JSON document"},
        {"document", "\xc3(", "not UTF-8", "UTF-8"},
        {"mode", "saef", "'saef' is none of its choices", "did you mean safe?"},
        {"mode", "xyzzyx", "is none of its choices", "give one of fast|safe|thorough"},
        {"mode", "", "is none of its choices", "give one of"},
        {"mode", "fast|safe", "is none of its choices", "fast"},
        {"mode", "line\nbreak", "'line?break'", "give one of"},
        {"tables", "[\"a\",]", "not JSON at byte", "write a list as"},
        {"tables", "[a-z]", "not JSON at byte", "also when one element begins with a bracket"},
        {"tables", "[1]", "element 1 is not of type identifier", "JSON array"},
        {"tables", "[\"a\",null]", "element 2 is not of type identifier", "JSON array"},
        {"tables", "[\"a\\u0000b\"]", "element 1 is not of type identifier", "JSON array"},
        {"tables", "[\"\"]", "'' is no identifier", "1 to 63 bytes"},
        {"sizes", "[1,\"2\"]", "element 2 is not of type integer", "JSON array"},
        {"sizes", "[1,2.5]", "'2.5' is not a 64-bit integer", "integer at most 100"},
        {"sizes", "[-9223372036854775809]", "is not a 64-bit integer", "integer"},
        {"sizes", "[101]", "'101' is out of range", "at most 100"},
        {"sizes", "[[1]]", "element 1 is not of type integer", "JSON array"},
        {"flags", "[1]", "element 1 is not of type boolean", "JSON array"},
        {"weights", "[\"NaN\"]", "element 1 is not of type number", "JSON array"},
        {"times", "[0]", "element 1 is not of type timestamp", "JSON array"},
        {"times", "[\"0\"]", "'0' is not a timestamp", "give a time"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        lb_error err = {0};
        int r = params_check_value(row_named(cases[i].name), cases[i].text, &err);
        if (r == 0)
            printf("\n    accepted: --%s %s", cases[i].name, cases[i].text);
        CU_ASSERT_EQUAL(r, LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, cases[i].message);
        ASSERT_CONTAINS(err.hint, cases[i].hint);
    }
    lb_error err;
    CU_ASSERT_EQUAL(params_check_value(row_named("days"), NULL, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "--days has no value");
}

static void limits_of_the_types_are_reached(void)
{
    const lb_param i64 = {.name = "n", .type = LB_I64}, f64 = {.name = "x", .type = LB_F64};
    lb_error err;
    CU_ASSERT_EQUAL(params_check_value(&i64, "9223372036854775807", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(&i64, "-9223372036854775808", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(&i64, "+007", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(&f64, "1.7976931348623157e308", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(&f64, "4.9e-324", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(&f64, "-.5", &err), 0);
    char *longest = base_alloc((5 << 20) + 1);
    memset(longest, 'x', 5 << 20);
    CU_ASSERT_EQUAL(params_check_value(row_named("words"), longest, &err), LB_ERR_LIMIT);
    longest[100] = '\0';
    CU_ASSERT_EQUAL(params_check_value(row_named("mode"), longest, &err), LB_ERR_INVALID);
    CU_ASSERT(strlen(err.message) < 140 && strstr(err.message, "xxx...'"));
    free(longest);
}

static void the_locale_changes_nothing(void)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) /* where it is installed, it writes 1,5 */
        CU_ASSERT_PTR_NOT_NULL(setlocale(LC_ALL, "C.UTF-8"));
    lb_error err;
    CU_ASSERT_EQUAL(params_check_value(row_named("ratio"), "1.5", &err), 0);
    CU_ASSERT_EQUAL(params_check_value(row_named("ratio"), "1,5", &err), LB_ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(setlocale(LC_ALL, "C"));
}

#define CHECK(err, ...)                                                                                                \
    params_check("tool", table, (const param_arg[]){__VA_ARGS__}, LB_COUNT(((const param_arg[]){__VA_ARGS__})), err)

static void names_are_checked(void)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(CHECK(&err, {"schema", "s"}, {"dyas", "7"}), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "tool has no parameter --dyas");
    ASSERT_TEXT(err.hint, "did you mean --days?");
    CU_ASSERT_EQUAL(CHECK(&err, {"schema", "s"}, {"quux", "7"}), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.hint, "it has --mode, --schema, --document");
    CU_ASSERT_EQUAL(CHECK(&err, {"days", "7"}), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "tool needs --schema");
    ASSERT_TEXT(err.hint, "give --schema: the schema to look at");
    CU_ASSERT_EQUAL(CHECK(&err, {"schema", "s"}, {"days", "7"}, {"days", "7"}), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "tool: --days is given twice");
    CU_ASSERT_EQUAL(CHECK(&err, {"schema", "s"}, {"days", "x"}), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "tool: --days: 'x' is not a 64-bit integer");
    CU_ASSERT_EQUAL(params_check("tool", (param_rows){NULL, 0}, (const param_arg[]){{"days", "7"}}, 1, &err),
                    LB_ERR_INVALID);
    ASSERT_TEXT(err.hint, "tool takes no parameters");
    CU_ASSERT_EQUAL(params_check("tool", (param_rows){NULL, 0}, NULL, 0, &err), 0);
    struct everything e;
    arena memory;
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL(BIND(&e, &memory, &err, {"schema", ""}), LB_ERR_INVALID); /* binding checks as well */
    CU_ASSERT_EQUAL(params_bind("tool", table, (const param_arg[]){{"schema", "s"}}, 1, &e, 8, &memory, &err),
                    LB_ERR_INTERNAL);
    arena_done(&memory);
}

static void memory_that_runs_out_is_an_error(void)
{
    struct everything e;
    lb_error err = {0};
    int r = LB_ERR_NO_MEMORY;
    for (size_t limit = 1; r < 0 && limit < 4096; limit += 16) {
        arena memory;
        arena_init(&memory, limit);
        r = BIND(&e, &memory, &err, {"schema", "s"}, {"tables", "[\"a\",\"b\"]"});
        CU_ASSERT(r == 0 || r == LB_ERR_NO_MEMORY);
        arena_done(&memory);
    }
    CU_ASSERT_EQUAL(r, 0);
}

static void secrets_are_not_repeated(void)
{
    const lb_param secret = {.name = "token", .type = LB_SECRET};
    lb_error err = {0};
    CU_ASSERT_EQUAL(params_check_value(&secret, "hush\xff", &err), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "--token: its value is not UTF-8");
    CU_ASSERT_PTR_NULL(strstr(err.hint, "hush"));
}

/* A plugin of an older header, whose rows end after the width. */
static void shorter_and_longer_rows_are_read(void)
{
    struct short_row {
        const char *name;
        lb_type type;
        const char *fallback, *doc;
        size_t offset, width;
    } old[] = {{"days", LB_I64, "3", "how far back", 0, 8}, {.name = NULL}};
    struct long_row {
        lb_param now;
        void *later[3];
    } new[] = {
        {.now = {.name = "deep", .type = LB_BOOL, .doc = "look deep", .width = 1}},
        {.now = {.name = "days", .type = LB_I64, .fallback = "4", .doc = "how far back", .offset = 8, .width = 8}},
        {.now = {.name = NULL}}};
    param_rows shorter = {(const lb_param *)(const void *)old, sizeof old[0]};
    param_rows longer = {(const lb_param *)(const void *)new, sizeof new[0]};
    int64_t days[2] = {0};
    lb_error err = {0};
    arena memory;
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL(params_check_rows(shorter, 8, false, &err), 0);
    CU_ASSERT_EQUAL(params_bind("old", shorter, NULL, 0, days, 8, &memory, &err), 0);
    CU_ASSERT_EQUAL(days[0], 3);
    CU_ASSERT(!params_at(shorter, 0).required && !params_at(shorter, 0).choices);
    CU_ASSERT_EQUAL(params_check_rows(longer, 16, false, &err), 0);
    CU_ASSERT_EQUAL(params_count(longer), 2);
    CU_ASSERT_EQUAL(params_bind("new", longer, NULL, 0, days, 16, &memory, &err), 0);
    CU_ASSERT_EQUAL(days[1], 4);
    arena_done(&memory);
}

static void values_of_a_call_become_arguments(void)
{
    const lb_value words[] = {{.type = LB_TEXT, .v.text = "a"}, {.type = LB_TEXT, .v.text = "b\"c"}};
    lb_error err = {0};
    arena memory;
    param_arg *args;
    size_t count;
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL_FATAL(
        params_from_values(LB_ARGS(lb_text("mode", "safe"), lb_text("document", NULL), lb_i64("days", -3),
                                   lb_f64("ratio", 0.1), lb_bool("deep", true),
                                   lb_time("since", INT64_C(1769853600000000)), lb_time("until", LB_TIME_NONE),
                                   lb_time("end", INT64_MAX), lb_null("wide"), lb_list("words", LB_TEXT, words, 2),
                                   lb_object("tags", LB_ARGS(lb_i64("a", 1)))),
                           &memory, &args, &count, &err),
        0);
    static const char *const expected[][2] = {{"mode", "safe"},
                                              {"days", "-3"},
                                              {"ratio", "0.1"},
                                              {"deep", "true"},
                                              {"since", "2026-01-31T10:00:00.000000Z"},
                                              {"end", "infinity"},
                                              {"words", "[\"a\",\"b\\\"c\"]"},
                                              {"tags", "{\"a\":1}"}};
    CU_ASSERT_EQUAL_FATAL(count, LB_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        ASSERT_TEXT(args[i].name, expected[i][0]);
        ASSERT_TEXT(args[i].text, expected[i][1]);
    }
    const lb_value secret = {.name = "token", .type = LB_SECRET, .v.text = "hush"};
    CU_ASSERT_EQUAL(params_from_values(LB_ARGS(secret), &memory, &args, &count, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "--token: a secret cannot be an argument");
    CU_ASSERT_EQUAL(params_from_values(LB_ARGS(lb_f64("ratio", NAN)), &memory, &args, &count, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(params_from_values(LB_ARGS({.type = LB_I64}), &memory, &args, &count, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(params_from_values(LB_NO_ARGS, &memory, &args, &count, &err), 0);
    CU_ASSERT_EQUAL(count, 0);
    arena_done(&memory);
}

SUITE(params, TEST(defaults_fill_what_is_not_given), TEST(every_type_arrives),
      TEST(lists_take_arrays_scalars_and_repetition), TEST(wrong_values_are_named_with_a_hint),
      TEST(limits_of_the_types_are_reached), TEST(the_locale_changes_nothing), TEST(names_are_checked),
      TEST(memory_that_runs_out_is_an_error), TEST(secrets_are_not_repeated), TEST(shorter_and_longer_rows_are_read),
      TEST(values_of_a_call_become_arguments))
