/* Parameter tables: what makes one unsound, and what a sound one says to people and programs. */
#include "unit/suite.h"

#include "json.h"
#include "params.h"

static int check(const lb_param *rows, size_t args_size, bool is_service, lb_error *err)
{
    *err = (lb_error){0};
    return params_check_rows((param_rows){rows, sizeof(lb_param)}, args_size, is_service, err);
}

#define ROW(...)                                                                                                       \
    {                                                                                                                  \
        .name = "x", .doc = "a doc", .offset = 0, __VA_ARGS__                                                          \
    }

static void unsound_rows_are_named(void)
{
    static const struct {
        lb_param row;
        const char *message;
    } cases[] = {
        {{.name = "", .type = LB_BOOL, .doc = "d", .width = 1}, "has a name that is not"},
        {{.name = "Days", .type = LB_BOOL, .doc = "d", .width = 1}, "parameter Days has a name that is not"},
        {{.name = "7days", .type = LB_BOOL, .doc = "d", .width = 1}, "has a name that is not"},
        {{.name = "min-days", .type = LB_BOOL, .doc = "d", .width = 1}, "has a name that is not"},
        {{.name = "a\nb", .type = LB_BOOL, .doc = "d", .width = 1}, "parameter (unprintable)"},
        {{.name = "dsn", .type = LB_BOOL, .doc = "d", .width = 1}, "that the host uses itself"},
        {{.name = "x", .type = LB_BOOL, .width = 1}, "has no documentation"},
        {{.name = "x", .type = LB_BOOL, .doc = "", .width = 1}, "has no documentation"},
        {{.name = "x", .type = LB_BOOL, .doc = "two\nlines", .width = 1}, "has no documentation, or not one line"},
        {ROW(.type = LB_TEXT, .width = 8, .fallback = "\xff"), "has a default, choices or bounds that are not UTF-8"},
        {ROW(.type = LB_NUMERIC, .width = 8), "has no type that a parameter can have"},
        {ROW(.type = LB_LIST_OF(LB_SECRET), .width = 16), "has no type that a parameter can have"},
        {ROW(.type = LB_END, .width = 8), "has no type that a parameter can have"},
        {ROW(.type = LB_I64, .width = 4, .required = true), "fills 4 bytes of its struct, but type integer takes 8"},
        {ROW(.type = LB_LIST_OF(LB_TEXT), .width = 8), "but type list of text takes 16"},
        {{.name = "x", .doc = "d", .type = LB_BOOL, .width = 1, .offset = 32}, "lies outside its struct"},
        {{.name = "x", .doc = "d", .type = LB_BOOL, .width = 1, .offset = SIZE_MAX}, "lies outside its struct"},
        {{.name = "x", .doc = "d", .type = LB_TEXT, .width = 8, .offset = 25}, "lies outside its struct"},
        {{.name = "x", .doc = "d", .type = LB_TEXT, .width = 8, .offset = 4}, "is not aligned (offset 4)"},
        {ROW(.type = LB_I64, .width = 8, .fallback = "1", .choices = "1|2"), "has choices, which only text"},
        {ROW(.type = LB_TEXT, .width = 8, .choices = "a||b"), "has an empty choice"},
        {ROW(.type = LB_TEXT, .width = 8, .choices = ""), "has an empty choice"},
        {ROW(.type = LB_TEXT, .width = 8, .choices = "a|b", .fallback = "c"), "'c' is none of its choices"},
        {ROW(.type = LB_TEXT, .width = 8, .min = "1"), "has bounds, which only numbers may have"},
        {ROW(.type = LB_I64, .width = 8, .fallback = "1", .min = "one"), "has a lower bound that is no integer: one"},
        {ROW(.type = LB_F64, .width = 8, .fallback = "1", .max = "1,5"), "has an upper bound that is no number: 1,5"},
        {ROW(.type = LB_I64, .width = 8, .fallback = "1", .min = "2", .max = "1"),
         "has a lower bound above its upper one"},
        {ROW(.type = LB_I64, .width = 8, .fallback = "0", .min = "1"), "--x: '0' is out of range"},
        {ROW(.type = LB_I64, .width = 8), "neither a default nor required"},
        {ROW(.type = LB_F64, .width = 8), "neither a default nor required"},
        {ROW(.type = LB_TEXT, .width = 8, .required = true, .fallback = "a"), "is required and has a default"},
        {ROW(.type = LB_SECRET, .width = 8), "is a secret, which only a service may take"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        const lb_param rows[] = {cases[i].row, LB_PARAMS_END};
        lb_error err;
        CU_ASSERT_EQUAL(check(rows, 32, false, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, cases[i].message);
        CU_ASSERT(err.hint[0] != '\0');
    }
}

static void services_have_names_and_secrets_of_their_own(void)
{
    const lb_param dsn[] = {{.name = "dsn", .type = LB_SECRET, .doc = "d", .width = 8}, LB_PARAMS_END};
    const lb_param plugin[] = {{.name = "plugin", .type = LB_TEXT, .doc = "d", .width = 8}, LB_PARAMS_END};
    const lb_param known[] = {{.name = "x", .type = LB_SECRET, .doc = "d", .width = 8, .fallback = "hush"},
                              LB_PARAMS_END};
    lb_error err;
    CU_ASSERT_EQUAL(check(dsn, 8, true, &err), 0);
    CU_ASSERT_EQUAL(check(plugin, 8, true, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(check(plugin, 8, false, &err), 0);
    CU_ASSERT_EQUAL(check(known, 8, true, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "is a secret with a default");
    CU_ASSERT(params_is_reserved("project") && params_is_reserved("json") && !params_is_reserved("days"));
}

static void tables_are_judged_as_a_whole(void)
{
    const lb_param twice[] = {{.name = "a", .type = LB_BOOL, .doc = "d", .width = 1},
                              {.name = "a", .type = LB_BOOL, .doc = "d", .width = 1, .offset = 1},
                              LB_PARAMS_END};
    const lb_param overlap[] = {{.name = "a", .type = LB_LIST_OF(LB_TEXT), .doc = "d", .width = 16},
                                {.name = "b", .type = LB_TEXT, .doc = "d", .width = 8, .offset = 8},
                                LB_PARAMS_END};
    lb_param endless[PARAMS_MAX + 2];
    lb_error err;
    CU_ASSERT_EQUAL(check(twice, 32, false, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "parameter a is there twice");
    CU_ASSERT_EQUAL(check(overlap, 32, false, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "parameter b overlaps parameter a");
    for (size_t i = 0; i < LB_COUNT(endless); i++)
        endless[i] = twice[0];
    CU_ASSERT_EQUAL(check(endless, 32, false, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "does not end within 64 rows");
    CU_ASSERT_EQUAL(params_check_rows((param_rows){twice, 12}, 32, false, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "12 bytes long");
    CU_ASSERT_EQUAL(params_check_rows((param_rows){twice, sizeof(lb_param) + 4}, 32, false, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(params_check_rows((param_rows){NULL, 0}, 0, false, &err), 0);
}

static void types_have_names(void)
{
    static const lb_type types[] = {LB_TEXT, LB_IDENT, LB_I64, LB_F64, LB_BOOL, LB_TIME, LB_JSON, LB_SECRET};
    lb_type parsed;
    for (size_t i = 0; i < LB_COUNT(types); i++) {
        CU_ASSERT(params_type_parse(params_type_name(types[i]), &parsed) && parsed == types[i]);
        lb_type list = LB_LIST_OF(types[i]);
        CU_ASSERT(params_type_parse(params_type_name(list), &parsed) && parsed == list);
    }
    ASSERT_TEXT(params_type_name(LB_LIST_OF(LB_TEXT)), "list of text");
    ASSERT_TEXT(params_type_name(LB_OBJECT), "unknown");
    CU_ASSERT(!params_type_parse("list of list of text", &parsed) && !params_type_parse("", &parsed));
}

/* ---- what a table says ---- */

struct args {
    const char *mode, *schema, *document, *odd;
    int64_t days, since;
    double ratio;
    lb_texts tables;
    lb_i64s sizes;
    bool deep;
};

static const lb_param rows[] = {
    LB_PARAM(struct args, mode, LB_TEXT, "fast", "how to look", .choices = "fast|safe"),
    LB_PARAM(struct args, schema, LB_IDENT, NULL, "the schema to look at", .required = true),
    LB_PARAM(struct args, document, LB_JSON, "{\"a\":[1]}", "anything"),
    LB_PARAM(struct args, odd, LB_TEXT, "", "empty \"by\" default"),
    LB_PARAM(struct args, days, LB_I64, "+07", "how far back", .min = "1", .max = "90"),
    LB_PARAM(struct args, since, LB_TIME, "-infinity", "from when on"),
    LB_PARAM(struct args, ratio, LB_F64, "0.5", "how much waste", .min = "0"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_IDENT), "orders", "only these"),
    LB_PARAM(struct args, sizes, LB_LIST_OF(LB_I64), "[1,2]", "sizes", .max = "9"),
    LB_PARAM(struct args, deep, LB_BOOL, "off", "look into partitions"),
    LB_PARAMS_END,
};
static const param_rows table = {rows, sizeof(lb_param)};

/* Parses what `write` says about the table; prints it when it is not JSON. */
static struct json_object *parsed(void (*write)(buf *, param_rows))
{
    lb_error err = {0};
    BUF_AUTO text = BUF_INIT(1 << 20);
    write(&text, table);
    struct json_object *document = json_parse(buf_text(&text), text.length, &err);
    if (!document)
        printf("\n    %s\n    %s\n", err.message, buf_text(&text));
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    return document;
}

static const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    CU_ASSERT(json_object_object_get_ex(object, name, &value));
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void json_has_typed_defaults(void)
{
    static const char *const expected[][3] = {
        {"text", "\"fast\"", "null"},
        {"identifier", "null", "null"},
        {"json", "{\"a\":[1]}", "null"},
        {"text", "\"\"", "null"},
        {"integer", "7", "1"},
        {"timestamp", "\"-infinity\"", "null"},
        {"number", "0.5", "0"},
        {"list of identifier", "[\"orders\"]", "null"},
        {"list of integer", "[1,2]", "null"},
        {"boolean", "false", "null"},
    };
    JSON_AUTO *list = parsed(params_json);
    CU_ASSERT_EQUAL_FATAL(json_object_array_length(list), LB_COUNT(expected));
    for (size_t i = 0; i < LB_COUNT(expected); i++) {
        struct json_object *row = json_object_array_get_idx(list, i), *value = NULL;
        CU_ASSERT(json_object_object_get_ex(row, "type", &value));
        ASSERT_TEXT(json_object_get_string(value), expected[i][0]);
        ASSERT_TEXT(member_text(row, "default"), expected[i][1]);
        ASSERT_TEXT(member_text(row, "min"), expected[i][2]);
    }
    ASSERT_TEXT(member_text(json_object_array_get_idx(list, 0), "choices"), "[\"fast\",\"safe\"]");
    ASSERT_TEXT(member_text(json_object_array_get_idx(list, 1), "required"), "true");
    ASSERT_TEXT(member_text(json_object_array_get_idx(list, 3), "doc"), "\"empty \\\"by\\\" default\"");
}

static void schema_constrains(void)
{
    static const char *const expected[][2] = {
        {"mode",
         "{\"type\":\"string\",\"enum\":[\"fast\",\"safe\"],\"description\":\"how to look\",\"default\":\"fast\"}"},
        {"schema", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":63,\"description\":\"the schema to look at\"}"},
        {"document", "{\"description\":\"anything\",\"default\":{\"a\":[1]}}"},
        {"days", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":90,\"description\":\"how far back\",\"default\":7}"},
        {"ratio", "{\"type\":\"number\",\"minimum\":0,\"description\":\"how much waste\",\"default\":0.5}"},
        {"sizes", "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"maximum\":9},\"description\":\"sizes\","
                  "\"default\":[1,2]}"},
        {"deep", "{\"type\":\"boolean\",\"description\":\"look into partitions\",\"default\":false}"},
    };
    JSON_AUTO *schema = parsed(params_schema);
    struct json_object *properties = NULL;
    ASSERT_TEXT(member_text(schema, "$schema"), "\"https://json-schema.org/draft/2020-12/schema\"");
    ASSERT_TEXT(member_text(schema, "type"), "\"object\"");
    ASSERT_TEXT(member_text(schema, "required"), "[\"schema\"]");
    ASSERT_TEXT(member_text(schema, "additionalProperties"), "false");
    CU_ASSERT_FATAL(json_object_object_get_ex(schema, "properties", &properties));
    CU_ASSERT_EQUAL(json_object_object_length(properties), 10);
    for (size_t i = 0; i < LB_COUNT(expected); i++)
        ASSERT_TEXT(member_text(properties, expected[i][0]), expected[i][1]);
}

static void help_is_aligned(void)
{
    BUF_AUTO text = BUF_INIT(1 << 16);
    params_help(&text, table);
    ASSERT_TEXT(buf_text(&text), "  --mode fast|safe     how to look (default fast)\n"
                                 "  --schema NAME        the schema to look at (required)\n"
                                 "  --document JSON      anything (default {\"a\":[1]})\n"
                                 "  --odd TEXT           empty \"by\" default (default \"\")\n"
                                 "  --days INTEGER       how far back (from 1 to 90, default +07)\n"
                                 "  --since TIME         from when on (default -infinity)\n"
                                 "  --ratio NUMBER       how much waste (at least 0, default 0.5)\n"
                                 "  --tables NAME ...    only these (default orders)\n"
                                 "  --sizes INTEGER ...  sizes (at most 9, default [1,2])\n"
                                 "  --deep true|false    look into partitions (default off)\n");
    const lb_param wide[] = {{.name = "a_rather_long_name",
                              .type = LB_TEXT,
                              .doc = "long",
                              .width = 8,
                              .choices = "one_choice|another_choice"},
                             {.name = "b", .type = LB_BOOL, .doc = "short", .width = 1, .offset = 8},
                             LB_PARAMS_END};
    buf_clear(&text);
    params_help(&text, (param_rows){wide, 0});
    ASSERT_TEXT(buf_text(&text), "  --a_rather_long_name one_choice|another_choice\n"
                                 "                  long\n"
                                 "  --b true|false  short\n");
    buf_clear(&text);
    params_help(&text, (param_rows){NULL, 0});
    ASSERT_TEXT(buf_text(&text), "");
}

SUITE(params_table, TEST(unsound_rows_are_named), TEST(services_have_names_and_secrets_of_their_own),
      TEST(tables_are_judged_as_a_whole), TEST(types_have_names), TEST(json_has_typed_defaults),
      TEST(schema_constrains), TEST(help_is_aligned))
