/* Texts of several statements, cut up with the place of each. */
#include "effect_script.h"
#include "suite.h"

static script parse(arena *memory, const char *text)
{
    lb_error err = {0};
    script s = {0};
    script_place place;
    int r = script_parse(text, memory, &s, &place, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    return s;
}

static void each_statement_has_its_place(void)
{
    arena memory;
    arena_init(&memory, 0);
    script s = parse(&memory, "-- first\n\n  CREATE TABLE t (a int) ;;\n/* two; */ DROP TABLE \"ä;\"; SELECT 'é', 2\n"
                              "  ; DO $$ BEGIN\n NULL; END $$ -- last\n");
    CU_ASSERT_EQUAL_FATAL(s.count, 4);
    ASSERT_TEXT(s.items[0].text, "CREATE TABLE t (a int)");
    CU_ASSERT_EQUAL(s.items[0].place.line, 3);
    CU_ASSERT_EQUAL(s.items[0].place.column, 3);
    ASSERT_TEXT(s.items[1].text, "DROP TABLE \"ä;\"");
    CU_ASSERT_EQUAL(s.items[1].place.line, 4);
    CU_ASSERT_EQUAL(s.items[1].place.column, 12);
    ASSERT_TEXT(s.items[2].text, "SELECT 'é', 2");
    CU_ASSERT_EQUAL(s.items[2].place.line, 4);
    CU_ASSERT_EQUAL(s.items[2].place.column, 29);
    CU_ASSERT_EQUAL(s.items[3].place.line, 5);
    CU_ASSERT_EQUAL(s.items[3].place.column, 5);
    CU_ASSERT_TRUE(tree_has(tree_node(s.items[3].node, "DoStmt")));
    arena_done(&memory);
}

static void errors_have_a_place(void)
{
    arena memory;
    lb_error err;
    script s;
    script_place place;
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL(script_parse("SELECT 1;\nSELECT 'ä', 'ö' FRM t", &memory, &s, &place, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(place.line, 2);
    CU_ASSERT_EQUAL(place.column, 21);
    ASSERT_TEXT(err.message, "line 2, column 21: syntax error at or near \"t\"");
    CU_ASSERT_EQUAL(script_parse("CREATE TABLE t (", &memory, &s, &place, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(place.line, 1);
    CU_ASSERT_EQUAL(script_parse("SELECT '\xff'", &memory, &s, &place, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(parse(&memory, " -- nothing\n").count, 0);
    CU_ASSERT_EQUAL(parse(&memory, "").count, 0);
    arena_done(&memory);
}

static void texts_come_out_whole(void)
{
    char text[64];
    CU_ASSERT_EQUAL(tree_exact((tree){"\"a\\nb\\t\\\"\\\\\\u00e4\\u20ac\\u003e\""}, text), 12);
    ASSERT_TEXT(text, "a\nb\t\"\\\xc3\xa4\xe2\x82\xac>");
    CU_ASSERT_EQUAL(tree_exact((tree){NULL}, text), 0);
    CU_ASSERT_EQUAL(tree_number((tree){"42}"}), 42);
    CU_ASSERT_EQUAL(tree_number((tree){NULL}), 0);
}

SUITE(effect_script, TEST(each_statement_has_its_place), TEST(errors_have_a_place), TEST(texts_come_out_whole))
