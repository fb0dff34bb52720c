/* The C side of the TOML parser: kinds, places, faults, and documents made to hurt. */
#include "base.h"
#include "toml.h"
#include "unit/suite.h"

static toml_node *parse(const char *text)
{
    toml_node *root = NULL;
    toml_fault fault;
    int r = toml_parse(text, strlen(text), &root, &fault);
    if (r < 0)
        printf("\n    %d:%d: %s\n", fault.line, fault.column, fault.error.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    return root;
}

static const toml_node *child(const toml_node *table, const char *key)
{
    for (size_t i = 0; i < table->v.list.count; i++)
        if (strcmp(table->v.list.items[i].key, key) == 0)
            return &table->v.list.items[i];
    CU_FAIL_FATAL("no such key");
    return NULL;
}

static void gives_every_kind(void)
{
    toml_node *root = parse("a = \"text\"\nb = -7\nc = 1.5\nd = true\ne = [1, 'x']\nf = { g = 1 }\n"
                            "h = 2026-01-31T10:20:30.5+02:00\ni = 2026-01-31\nj = 10:20:30\nk = 2026-01-31 10:20:30Z\n"
                            "l = 2026-01-31T10:20:30\nm = 2026-01-31T10:20:30-00:30\nn = inf\n");
    ASSERT_TEXT(child(root, "a")->v.text.data, "text");
    CU_ASSERT_EQUAL(child(root, "a")->kind, TOML_STRING);
    CU_ASSERT_EQUAL(child(root, "b")->v.i64, -7);
    CU_ASSERT_EQUAL(child(root, "c")->v.f64, 1.5);
    CU_ASSERT_TRUE(child(root, "d")->v.flag);
    CU_ASSERT_EQUAL(child(root, "e")->v.list.count, 2);
    ASSERT_TEXT(child(root, "e")->v.list.items[1].v.text.data, "x");
    CU_ASSERT_PTR_NULL(child(root, "e")->v.list.items[1].key);
    CU_ASSERT_EQUAL(child(child(root, "f"), "g")->v.i64, 1);
    CU_ASSERT_EQUAL(child(root, "h")->kind, TOML_TIME);
    ASSERT_TEXT(child(root, "h")->v.text.data, "2026-01-31T10:20:30.500000+02:00");
    ASSERT_TEXT(child(root, "i")->v.text.data, "2026-01-31");
    ASSERT_TEXT(child(root, "j")->v.text.data, "10:20:30");
    ASSERT_TEXT(child(root, "k")->v.text.data, "2026-01-31T10:20:30Z");
    ASSERT_TEXT(child(root, "l")->v.text.data, "2026-01-31T10:20:30");
    ASSERT_TEXT(child(root, "m")->v.text.data, "2026-01-31T10:20:30-00:30");
    CU_ASSERT_EQUAL(child(root, "n")->kind, TOML_FLOAT);
    ASSERT_TEXT(toml_kind_name(child(root, "n")->kind), "a decimal");
    toml_free(root);
}

static void keeps_order_and_places(void)
{
    toml_node *root = parse("zeta = 1\nalpha = 2\n\n[table]\n  key   = [ 1,\n    2 ]\n[[list]]\nx = 1\n[[list]]\n");
    ASSERT_TEXT(root->v.list.items[0].key, "zeta");
    ASSERT_TEXT(root->v.list.items[1].key, "alpha");
    ASSERT_TEXT(root->v.list.items[2].key, "table");
    const toml_node *key = child(child(root, "table"), "key");
    CU_ASSERT_EQUAL(key->key_line, 5);
    CU_ASSERT_EQUAL(key->key_column, 3);
    CU_ASSERT_EQUAL(key->line, 5);
    CU_ASSERT_EQUAL(key->column, 11);
    CU_ASSERT_EQUAL(key->v.list.items[1].line, 6);
    CU_ASSERT_EQUAL(key->v.list.items[1].column, 5);
    const toml_node *list = child(root, "list");
    CU_ASSERT_EQUAL(list->v.list.count, 2);
    CU_ASSERT_EQUAL(list->v.list.items[1].line, 9);
    toml_free(root);
}

static void keeps_a_nul_in_a_text(void)
{
    toml_node *root = parse("a = \"x\\u0000y\"\n");
    CU_ASSERT_EQUAL(child(root, "a")->v.text.length, 3);
    toml_free(root);
}

static void takes_text_in_any_language(void)
{
    toml_node *root = parse("# \xC3\xA9t\xC3\xA9\n\"caf\xC3\xA9\" = '\xC3\xA9'\nlong = \"\"\"a\\\n  \xC3\xA9\"\"\"\n");
    ASSERT_TEXT(child(root, "caf\xC3\xA9")->v.text.data, "\xC3\xA9");
    ASSERT_TEXT(child(root, "long")->v.text.data, "a\xC3\xA9");
    toml_free(root);
}

static void takes_an_empty_document(void)
{
    toml_node *root = parse("");
    CU_ASSERT_EQUAL(root->kind, TOML_TABLE);
    CU_ASSERT_EQUAL(root->v.list.count, 0);
    toml_free(root);
}

static void names_the_place_of_a_fault(void)
{
    static const struct {
        const char *text;
        int line;
        const char *message;
    } cases[] = {
        {"a = 1\nb = \n", 2, "expected value"},
        {"a = 1\na = 2\n", 2, "a"},
        {"[a]\n[a]\n", 2, "a"},
        {"x = \"never ended\n", 1, "string"},
        {"\n\nx = 1979-13-01\n", 3, "date"},
        {"x = 99999999999999999999\n", 1, "integer"},
        {"x = { a = 1,\n", 1, "inline"},
        {"x = \"\xff\"\n", 1, "utf-8"},
        {"\"a\\u0000b\" = 1\n", 1, "NUL"},
        {"x y = 1\n", 1, "x"},
        {"caf\xC3\xA9 = 1\n", 1, ""},
        {"\n[caf\xC3\xA9]\n", 2, ""},
        {"[!]\n", 1, "cannot be understood"},
        {"[!]", 1, "cannot be understood"},
        {"\n[ok]\n\na = [\n1]\n[[\x19]]\nb = 1\n[more]\n", 6, "cannot be understood"},
        {"a = 1\n\n[good]\n[=]\n", 4, "cannot be understood"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        toml_node *root = NULL;
        toml_fault fault;
        CU_ASSERT_EQUAL(toml_parse(cases[i].text, strlen(cases[i].text), &root, &fault), LB_ERR_INVALID);
        CU_ASSERT_PTR_NULL(root);
        if (fault.line != cases[i].line)
            printf("\n    %s: line %d: %s\n", cases[i].text, fault.line, fault.error.message);
        CU_ASSERT_EQUAL(fault.line, cases[i].line);
        CU_ASSERT_TRUE(fault.column > 0);
        if (!strcasestr(fault.error.message, cases[i].message))
            printf("\n    got <%s> for <%s>\n", fault.error.message, cases[i].message);
        CU_ASSERT_PTR_NOT_NULL(strcasestr(fault.error.message, cases[i].message));
    }
}

/* before, then `unit` so many times, then after. */
static int parse_repeated(const char *before, const char *unit, size_t times, const char *after, toml_fault *fault)
{
    size_t bytes = strlen(before) + strlen(unit) * times + strlen(after);
    char *text = base_alloc(bytes + 1), *p = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        p = stpcpy(p, unit);
    stpcpy(p, after);
    toml_node *root = NULL;
    int r = toml_parse(text, bytes, &root, fault);
    toml_free(root);
    free(text);
    return r;
}

static void survives_deep_documents(void)
{
    static const struct {
        const char *before, *unit, *after;
    } deep[] = {
        {"x = ", "[", ""},
        {"x = ", "{a=", ""},
        {"", "a.", "a = 1"},
        {"[", "a.", "a]"},
        {"[[", "a.", "a]]"},
        {"", "\"a\".", "a = 1"},
        {"x = { ", "a.", "a = 1 }"},
        {"x = { y = \"\"\"text\"\"\"\", ", "a.", "a = 1 }"}, /* four quotes: the first one is text */
        {"x = { y = '''text''''', ", "a.", "a = 1 }"},
        {"x = { y = \"\\\"\", ", "a.", "a = 1 }"},
        {"x = [1, { ", "a . ", "a = 1 }]"},
    };
    for (size_t i = 0; i < LB_COUNT(deep); i++) {
        toml_fault fault;
        int r = parse_repeated(deep[i].before, deep[i].unit, 500000, deep[i].after, &fault);
        CU_ASSERT_TRUE(r == LB_ERR_LIMIT || r == LB_ERR_INVALID);
        CU_ASSERT_TRUE(fault.error.message[0] != '\0');
    }
}

static void allows_dots_where_they_nest_nothing(void)
{
    toml_fault fault;
    CU_ASSERT_EQUAL(parse_repeated("x = \"", "a.", 1000, "\"\n", &fault), 0);
    CU_ASSERT_EQUAL(parse_repeated("x = '''", "a.\n", 1000, "'''\n", &fault), 0);
    CU_ASSERT_EQUAL(parse_repeated("# ", "a.", 1000, "\n", &fault), 0);
    CU_ASSERT_EQUAL(parse_repeated("x = [", "1.5, ", 1000, "]\n", &fault), 0);
    CU_ASSERT_EQUAL(parse_repeated("", "[[a.b]]\nc.d = 1.0\n", 1000, "", &fault), 0);
    CU_ASSERT_EQUAL(parse_repeated("", "a.", 20, "a = 1\n", &fault), 0);
}

static void refuses_a_huge_document(void)
{
    toml_fault fault;
    CU_ASSERT_EQUAL(parse_repeated("", "# a comment line\n", TOML_LONGEST / 17 + 1, "", &fault), LB_ERR_LIMIT);
    ASSERT_CONTAINS(fault.error.message, "longer than");
}

SUITE(toml, TEST(gives_every_kind), TEST(keeps_order_and_places), TEST(keeps_a_nul_in_a_text),
      TEST(takes_text_in_any_language), TEST(takes_an_empty_document), TEST(names_the_place_of_a_fault),
      TEST(survives_deep_documents), TEST(allows_dots_where_they_nest_nothing), TEST(refuses_a_huge_document))
