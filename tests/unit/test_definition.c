/* What a server prints goes into a statement as it is, and stays where it was put. */
#include <sql/sample/add_constraint.h>
#include <sql/sample/column_default.h>
#include <sql/sample/make_table.h>

#include "compose_host.h"
#include "definition.h"

#include <lbops/sqltext.h>

static int add(const char *body, const lb_sql **ret_sql)
{
    const sample_add_constraint_args args = {.schema = "s p", .table = "t", .name = "c", .body = body};
    return sample_add_constraint_compose(&ctx, &args, ret_sql, &err);
}

static void takes_what_servers_print(void)
{
    static const char *const bodies[] = {
        "CHECK ((price > (0)::numeric))",
        "CHECK ((note <> ALL (ARRAY['--'::text, '/*'::text, ')'::text, E'\\'('::text])))",
        "FOREIGN KEY (\"a)b\") REFERENCES public.\"Other\"(id) ON DELETE CASCADE DEFERRABLE NOT VALID",
        "CHECK ((note = $$it's; -- )$$ OR note = $x_1$ $$ ( $x_1$))",
        "EXCLUDE USING gist (during WITH &&) WHERE ((NOT cancelled))",
    };
    const lb_sql *sql = &untouched;
    for (size_t i = 0; i < LB_COUNT(bodies); i++) {
        CU_ASSERT_EQUAL(add(bodies[i], &sql), 0);
        ASSERT_CONTAINS(sql->text, bodies[i]);
    }
    CU_ASSERT_EQUAL(add("CHECK (true)", &sql), 0);
    ASSERT_TEXT(sql->text, "ALTER TABLE \"s p\".t ADD CONSTRAINT c CHECK (true)");
}

static void comments_become_blanks(void)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"SELECT 1 -- one\n, 2", "SELECT 1       \n, 2"},
        {"/* a /* b */ ; */SELECT '--', \"/*\", $$ -- $$", "                 SELECT '--', \"/*\", $$ -- $$"},
        {"/*+ SeqScan(t) */ SELECT E'\\'--', 1--", "/*+ SeqScan(t) */ SELECT E'\\'--', 1  "},
        {"SELECT 1 -- x\r, ' \n, 2 -- '", "SELECT 1     \r, ' \n, 2 -- '"},
        {"SELECT 1 --\r\n, 2", "SELECT 1   \r\n, 2"},
        {"/*+ a /* b */ */ SELECT 1", "/*+ a /* b */ */ SELECT 1"},
        {"SELECT 'open -- ", "SELECT 'open -- "},
        {"SELECT /* open", "SELECT        "},
        {"", ""},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        lb_sql_blank_comments(text);
        ASSERT_TEXT(text, cases[i].expected);
    }
}

static void refuses_what_leaves_its_place(void)
{
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"", "not closed"},
        {"CHECK (true", "not closed"},
        {"CHECK (true))", "not closed"},
        {"CHECK (a[1)]", "not closed"},
        {"CHECK (true) -- and more", "not closed"},
        {"CHECK (true) /* and more */", "not closed"},
        {"CHECK (true) /*+ and more", "not closed"},
        {"CHECK (true) /*+ and /* more */", "not closed"},
        {"CHECK (note = 'open)", "not closed"},
        {"CHECK (\"note = 1)", "not closed"},
        {"CHECK (note = $$open)", "not closed"},
        {"CHECK (note = E'\\')", "not closed"},
        {"CHECK (\xff)", "not closed"},
        {"CHECK (true); DROP TABLE t", "not one statement"},
        {"CHECK (true), DROP COLUMN id", "not one statement"},
        {"CHECK (true) DROP", "syntax error"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        const lb_sql *sql = &untouched;
        CU_ASSERT_EQUAL(add(cases[i].body, &sql), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, cases[i].why);
        ASSERT_CONTAINS(err.message, "sample/add_constraint");
        CU_ASSERT_PTR_EQUAL(sql, &untouched);
    }
}

static int make(const char *type, const char *expression, const lb_sql **ret_sql)
{
    const lb_sql *column = &untouched;
    const sample_column_default_args args = {.name = "Id", .type = type, .expression = expression};
    int r = sample_column_default_compose(&ctx, &args, &column, &err);
    if (r < 0)
        return r;
    const lb_sql *columns[] = {column, column};
    sample_make_table_args all = {.columns = {.items = columns, .count = LB_COUNT(columns)}};
    return sample_make_table_compose(&ctx, &all, ret_sql, &err);
}

static void looks_at_the_statement_around_a_fragment(void)
{
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL(make("numeric(10,2)", NULL, &sql), 0);
    ASSERT_TEXT(sql->text, "CREATE TABLE made (\"Id\" numeric(10,2) , \"Id\" numeric(10,2) )");
    CU_ASSERT_EQUAL(make("integer", "DEFAULT nextval('s'::regclass)", &sql), 0);
    CU_ASSERT_EQUAL(make("integer", "DEFAULT", &sql), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(make("integer) AS", "(", &sql), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(make(NULL, NULL, &sql), LB_ERR_INVALID);
}

static void deep_nesting_ends(void)
{
    char deep[1000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CU_ASSERT_EQUAL(definition_check(deep, &err), LB_ERR_INVALID);
}

SUITE(definition, TEST(takes_what_servers_print), TEST(comments_become_blanks), TEST(refuses_what_leaves_its_place),
      TEST(looks_at_the_statement_around_a_fragment), TEST(deep_nesting_ends))
