/* Where NOT IN stands in a statement's text, and where nobody can be sure of it. */
#include "suite.h"

#include "query_shape.h"
#include "query_splice.h"

static bool is_at(const char *text, query_span span, const char *expected)
{
    return strlen(expected) == span.length && strncmp(text + span.from, expected, span.length) == 0;
}

static void finds_both_sides(void)
{
    static const char text[] =
        "SELECT 'a) NOT IN (' /* ( */, x FROM t WHERE y = $1 AND t.\"i d\"\n not  in (SELECT b FROM u "
        "WHERE c = ')' AND d IN (1, 2) AND e = $q$)$q$ -- )\n) ORDER BY x";
    query_not_in found;
    CU_ASSERT_TRUE_FATAL(query_find_not_in(text, &found));
    CU_ASSERT_TRUE(is_at(text, found.operand, "t.\"i d\""));
    CU_ASSERT_TRUE(is_at(text, found.subquery, "SELECT b FROM u WHERE c = ')' AND d IN (1, 2) AND e = $q$)$q$ -- )\n"));
    CU_ASSERT_STRING_EQUAL(text + found.whole.from + found.whole.length, " ORDER BY x");
    CU_ASSERT_EQUAL(found.whole.from, found.operand.from);
}

static void leaves_the_rest_alone(void)
{
    static const char *const texts[] = {
        "SELECT 1 FROM t WHERE a IN (SELECT b FROM u)",
        "SELECT 1 FROM t WHERE NOT (a IN (SELECT b FROM u))",
        "SELECT 1 FROM t WHERE a + 1 NOT IN (SELECT b FROM u)",
        "SELECT 1 FROM t WHERE (a, b) NOT IN (SELECT c, d FROM u)",
        "SELECT 1 FROM t WHERE a NOT IN (1, 2)",
        "SELECT 1 FROM t WHERE a NOT /* here */ IN (SELECT b FROM u)",
        "SELECT 1 FROM t WHERE a NOT IN (SELECT",
        "",
    };
    query_not_in found;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CU_ASSERT_FALSE(query_find_not_in(texts[i], &found));
}

/* "a b": what it is sorted by; NULL: by what cannot be seen in its rows. */
static void knows_what_sorts(void)
{
    static const struct {
        const char *text, *keys;
    } cases[] = {
        {"SELECT a, b FROM t", ""},
        {"SELECT a, b FROM t ORDER BY a DESC, b", "a b"},
        {"SELECT a AS x, b FROM t ORDER BY x", "x"},
        {"SELECT t.a, b FROM t ORDER BY t.a, 2", "a b"},
        {"SELECT t.a AS x FROM t ORDER BY t.a", "x"},
        {"SELECT lower(a) AS low, b FROM t ORDER BY lower(a)", "low"},
        {"SELECT a FROM t UNION SELECT b FROM u ORDER BY a", NULL},
        {"SELECT lower(a) FROM t ORDER BY lower(a)", NULL},
        {"SELECT a FROM t ORDER BY b", NULL},
        {"SELECT * FROM t ORDER BY a", NULL},
        {"SELECT t.a, u.a FROM t, u ORDER BY t.a", NULL},
        {"SELECT u.a AS b, t.b AS c FROM t, u ORDER BY t.b, u.a", "c b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        query_sort sort = query_read_sort(cases[i].text);
        char keys[200] = "";
        for (size_t k = 0; k < sort.count; k++)
            (void)snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", k ? " " : "", sort.keys[k]);
        CU_ASSERT_EQUAL(sort.is_seen, cases[i].keys != NULL);
        if (cases[i].keys)
            CU_ASSERT_STRING_EQUAL(keys, cases[i].keys);
        CU_ASSERT_EQUAL(sort.is_sorted, strstr(cases[i].text, "ORDER") != NULL);
    }
    CU_ASSERT_FALSE(query_read_sort("SELEC").is_sorted);
}

SUITE(query_splice, TEST(finds_both_sides), TEST(leaves_the_rest_alone), TEST(knows_what_sorts))
