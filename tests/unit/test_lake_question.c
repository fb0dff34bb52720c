/* Names of the lakehouse's tables in a question as people write it, and what looks like them. */
#include "suite.h"

#include "delta_lake.h"

static void check(const char *question, const char *translated)
{
    char *text = lake_translate(question);
    ASSERT_TEXT(text, translated);
    free(text);
}

static void names_with_and_without_quotes(void)
{
    check("SELECT * FROM a.b.c", "SELECT * FROM lake_a.b.c");
    check("SELECT * FROM a.b.\"c d\"", "SELECT * FROM lake_a.b.\"c d\"");
    check("SELECT * FROM \"a\".b.c", "SELECT * FROM \"lake_a\".b.c");
    check("SELECT * FROM a.\"b.x\".c", "SELECT * FROM lake_a.\"b.x\".c");
    check("SELECT * FROM \"a\".\"b\".\"c\"\"d\" AS t", "SELECT * FROM \"lake_a\".\"b\".\"c\"\"d\" AS t");
    check("SELECT * FROM caf\xc3\xa9.b.c", "SELECT * FROM lake_caf\xc3\xa9.b.c");
    check("select 1 from(a.b.c join a.b.\"d\" using (x))", "select 1 from(lake_a.b.c join lake_a.b.\"d\" using (x))");
}

static void lists_of_tables(void)
{
    check("SELECT * FROM a.b.c, a.b.d", "SELECT * FROM lake_a.b.c, lake_a.b.d");
    check("SELECT * FROM a.b.c AS x,a.b.d y , a.b.\"e\"",
          "SELECT * FROM lake_a.b.c AS x,lake_a.b.d y , lake_a.b.\"e\"");
    check("SELECT * FROM a.b.c x (p, q), a.b.d", "SELECT * FROM lake_a.b.c x (p, q), lake_a.b.d");
    check("SELECT * FROM a.b.c x JOIN a.b.d y ON x.i IN (1, 2), a.b.e",
          "SELECT * FROM lake_a.b.c x JOIN lake_a.b.d y ON x.i IN (1, 2), lake_a.b.e");
    check("SELECT * FROM (SELECT p, s.t.q FROM a.b.c) x, a.b.d",
          "SELECT * FROM (SELECT p, s.t.q FROM lake_a.b.c) x, lake_a.b.d");
    check("SELECT * FROM (VALUES (1, 2), (3, 4)) v, a.b.c", "SELECT * FROM (VALUES (1, 2), (3, 4)) v, lake_a.b.c");
    check("SELECT * FROM unnest([1, 2]) u, a.b.c", "SELECT * FROM unnest([1, 2]) u, lake_a.b.c");
    check("SELECT * FROM a.b.c -- it's, a.b.x\n, a.b.d", "SELECT * FROM lake_a.b.c -- it's, a.b.x\n, lake_a.b.d");
    check("SELECT * FROM /* the /* first */ FROM */ a.b.c, a.b.d",
          "SELECT * FROM /* the /* first */ FROM */ lake_a.b.c, lake_a.b.d");
    check("WITH w AS (SELECT 1) SELECT * FROM w, a.b.c UNION SELECT p, s.t.q FROM a.b.d, w",
          "WITH w AS (SELECT 1) SELECT * FROM w, lake_a.b.c UNION SELECT p, s.t.q FROM lake_a.b.d, w");
    check("SELECT DISTINCT * FROM a.b.c", "SELECT DISTINCT * FROM lake_a.b.c");
    check("FROM a.b.c SELECT p, s.t.q", "FROM lake_a.b.c SELECT p, s.t.q");
    check("SELECT 1 WHERE EXISTS (FROM a.b.c, a.b.d)", "SELECT 1 WHERE EXISTS (FROM lake_a.b.c, lake_a.b.d)");
}

static void what_is_no_table_stays(void)
{
    static const char *const same[] = {
        "SELECT extract(year FROM s.t.c), s.t.d",
        "SELECT substring('x' FROM s.t.c), s.t.d",
        "SELECT p IS DISTINCT FROM s.t.c, s.t.d",
        "SELECT p IS NOT DISTINCT /* c */ FROM s.t.c, s.t.d",
        "SELECT s.t.c, 'FROM a.b.c, a.b.d', E'it\\'s FROM a.b.c', \"FROM a.b.c\" FROM t",
        "SELECT 1 FROM t WHERE p, s.t.c",
        "SELECT 1 FROM t GROUP BY p, s.t.c ORDER BY p, s.t.c",
        "SELECT 1 FROM t, u.v, (SELECT 2) w",
        "-- FROM a.b.c",
        "/* FROM a.b.c",
        "SELECT 'FROM a.b.c",
        ")) FROM",
        "",
    };
    for (size_t i = 0; i < DELTA_COUNT(same); i++)
        check(same[i], same[i]);
    check(
        "SELECT transform(x, y -> y), extract(day FROM d) FROM a.b.c, a.b.d WHERE p IN (s.t.c, s.t.d)",
        "SELECT list_transform(x, y -> y), extract(day FROM d) FROM lake_a.b.c, lake_a.b.d WHERE p IN (s.t.c, s.t.d)");
}

SUITE(lake_question, TEST(names_with_and_without_quotes), TEST(lists_of_tables), TEST(what_is_no_table_stays))
