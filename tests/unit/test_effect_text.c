#include "buf.h"
#include "effect.h"
#include "suite.h"

/* What the classifier does not take, what it bounds, and how it names things. */

static int failure_of(const char *sql, lb_error *err)
{
    effect_verdict v = {.statements = 77};
    int r = effect_of_sql(sql, &v, err);
    CU_ASSERT_EQUAL(v.statements, 77); /* untouched on failure */
    return r;
}

static void refuses_transaction_control(void)
{
    static const char *const all[] = {"BEGIN",
                                      "START TRANSACTION",
                                      "COMMIT",
                                      "END",
                                      "ROLLBACK",
                                      "ABORT",
                                      "SAVEPOINT s",
                                      "RELEASE s",
                                      "ROLLBACK TO s",
                                      "PREPARE TRANSACTION 'x'",
                                      "COMMIT PREPARED 'x'",
                                      "UPDATE t SET a = 1 WHERE b; COMMIT; DROP TABLE t"};
    lb_error err = {0};
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        CU_ASSERT_EQUAL(failure_of(all[i], &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, "controls the transaction");
    }
    ASSERT_TEXT(err.message, "statement 2 controls the transaction (COMMIT)");
    CU_ASSERT_TRUE(err.hint[0] != '\0');
}

static void refuses_what_is_no_statement(void)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(failure_of("SELECT FROM WHERE", &err), LB_ERR_INVALID);
    ASSERT_TEXT(err.message, "the SQL does not parse: syntax error at or near \"WHERE\" (at character 13)");
    CU_ASSERT_EQUAL(failure_of("", &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "no statement");
    CU_ASSERT_EQUAL(failure_of(" ; -- nothing\n /* at all */ ;", &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(failure_of("SELECT '\xff'", &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "UTF-8");
    CU_ASSERT_EQUAL(failure_of("SELECT 'open", &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(failure_of("SELECT /* open", &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(failure_of("SELECT $x$ open", &err), LB_ERR_INVALID);
}

/* prefix, unit so many times, suffix */
static char *repeat(const char *prefix, const char *unit, size_t times, const char *suffix)
{
    buf text = BUF_INIT((size_t)16 << 20);
    buf_puts(&text, prefix);
    for (size_t i = 0; i < times; i++)
        buf_puts(&text, unit);
    buf_puts(&text, suffix);
    return text.data;
}

static int result_of(const char *prefix, const char *unit, size_t times, const char *suffix)
{
    LB_AUTO_FREE char *sql = repeat(prefix, unit, times, suffix);
    effect_verdict v;
    lb_error err = {0};
    return effect_of_sql(sql, &v, &err);
}

static void bounds_length_and_depth(void)
{
    static const struct {
        const char *prefix, *unit, *suffix;
    } deep[] = {
        {"SELECT ", "(", "1"},       {"SELECT 1", "+1", ""},
        {"SELECT ", "f(", "1"},      {"SELECT 1", "::t", ""},
        {"SELECT ", "- ", "1"},      {"SELECT 1", " UNION SELECT 1, 2", ""},
        {"SELECT ", "NOT ", "true"}, {"SELECT a", "[1]", ""},
        {"SELECT ", "(SELECT ", ""}, {"SELECT e'a'\n'\\'' ", "+1", ""},
        {"SELECT 1", "/**/+1", ""},  {"SELECT $a", "+1", ""},
        {"SELECT ", "f(1", ""},      {"SELECT e '\\' ", "+1", ""},
        {"SELECT $1", "||'x'", ""},  {"SELECT 1", " --\n+ 1", ""},
    };
    for (size_t i = 0; i < LB_COUNT(deep); i++)
        CU_ASSERT_EQUAL(result_of(deep[i].prefix, deep[i].unit, 50000, deep[i].suffix), LB_ERR_LIMIT);
    CU_ASSERT_EQUAL(result_of("SELECT ", "(", 100000, "1"), LB_ERR_LIMIT);
    CU_ASSERT_EQUAL(result_of("SELECT '", "x", (size_t)1 << 20, "'"), LB_ERR_LIMIT);
}

static void takes_what_is_long_but_flat(void)
{
    CU_ASSERT_EQUAL(result_of("INSERT INTO t VALUES (0, 'a')", ", (1, 'it''s', E'\\'', NULL)", 20000, ""), 0);
    CU_ASSERT_EQUAL(result_of("", "INSERT INTO t VALUES (1, $q$+++$q$);\n", 20000, ""), 0);
    CU_ASSERT_EQUAL(result_of("SELECT * FROM t WHERE id IN (1", ", 2", 100000, ")"), 0);
    CU_ASSERT_EQUAL(result_of("SELECT '", "(", 100000, "'"), 0);
    CU_ASSERT_EQUAL(result_of("SELECT 1 /* ", "(", 100000, " */"), 0);
    CU_ASSERT_EQUAL(result_of("SELECT 1", " + 1", 4000, ""), 0);
    CU_ASSERT_EQUAL(result_of("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$", "(1+", 50000, "$x$"), 0);
}

static effect_verdict verdict_of(const char *sql)
{
    effect_verdict v = {.effect = EFFECT_READ};
    lb_error err = {0};
    CU_ASSERT_EQUAL(effect_of_sql(sql, &v, &err), 0);
    return v;
}

static void cuts_long_names_cleanly(void)
{
    LB_AUTO_FREE char *name = repeat("\"", "\xc3\xa9", 30, "\"");
    LB_AUTO_FREE char *sql = base_printf("DROP TABLE %s.%s CASCADE", name, name);
    effect_verdict v = verdict_of(sql);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DESTRUCTIVE);
    CU_ASSERT_TRUE(strlen(v.why) < sizeof v.why);
    for (const char *p = strchr(v.why, '\xc3'); p && *p; p++)
        if (*p == '\xc3')
            CU_ASSERT_EQUAL(p[1], '\xa9'); /* never half a character */
    ASSERT_CONTAINS(verdict_of("DROP TABLE \"a\nb<c>\"").why, "a b<c>");
}

static void names_effects(void)
{
    effect e = EFFECT_READ;
    CU_ASSERT_TRUE(effect_parse("disruptive", &e));
    CU_ASSERT_EQUAL(e, EFFECT_DISRUPTIVE);
    CU_ASSERT_FALSE(effect_parse("Disruptive", &e));
    ASSERT_TEXT(effect_name(EFFECT_READ), "read");
    ASSERT_TEXT(effect_name((effect)99), "destructive");
}

SUITE(effect_text, TEST(refuses_transaction_control), TEST(refuses_what_is_no_statement), TEST(bounds_length_and_depth),
      TEST(takes_what_is_long_but_flat), TEST(cuts_long_names_cleanly), TEST(names_effects))
