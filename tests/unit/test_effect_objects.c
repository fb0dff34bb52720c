/* Which objects a statement names. */
#include "suite.h"

#include "effect_objects.h"

#include "buf.h"

static void expect(const char *sql, const char *expected)
{
    arena memory;
    lb_error err = {0};
    effect_objects objects = {0};
    BUF_AUTO text = BUF_INIT(65536);
    arena_init(&memory, 0);
    int r = effect_objects_of_sql(sql, &memory, &objects, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(r, 0);
    for (size_t i = 0; i < objects.count; i++) {
        const effect_object *o = &objects.items[i];
        buf_printf(&text, "%s%s %s%s%s", i ? ", " : "", o->kind, o->schema, *o->schema ? "." : "", o->name);
    }
    if (strcmp(buf_text(&text), expected) != 0)
        printf("\n    %s", sql);
    ASSERT_TEXT(buf_text(&text), expected);
    arena_done(&memory);
}

static void relations_and_what_belongs_to_them(void)
{
    expect("DROP INDEX CONCURRENTLY public.old", "relation public.old");
    expect("CREATE INDEX i ON s.t (a)", "relation s.i, relation s.t");
    expect("WITH x AS (SELECT 1) DELETE FROM s.t USING x WHERE f(a)", "relation s.t, function f");
    expect("ALTER TABLE s.t ADD COLUMN c mytype REFERENCES o.p", "relation s.t, type mytype, relation o.p");
    expect("COMMENT ON COLUMN s.t.c IS 'x'", "relation s.t");
    expect("GRANT SELECT ON s.t TO bob", "relation s.t, role bob");
    expect("DROP TRIGGER tr ON s.t", "relation s.t");
    expect("ALTER TABLE s.t RENAME TO u", "relation s.t");
    expect("REFRESH MATERIALIZED VIEW s.v", "relation s.v");
    expect("CREATE POLICY p ON s.t USING (true)", "relation s.t");
    expect("ALTER TABLE s.p ATTACH PARTITION s.c FOR VALUES IN (1)", "relation s.p, relation s.c");
    expect("DROP TYPE s.e", "type s.e");
    expect("ALTER TABLE s.t OWNER TO bob", "relation s.t, role bob");
    expect("TRUNCATE s.a, s.b", "relation s.a, relation s.b");
    expect("VACUUM s.t", "relation s.t");
    expect("ALTER INDEX s.i RENAME TO j", "relation s.i");
    expect("CREATE TABLE n (LIKE s.t)", "relation n, relation s.t");
    expect("ALTER SEQUENCE s.q RESTART", "relation s.q");
}

static void everything_else_that_has_a_name(void)
{
    expect("DROP SCHEMA s CASCADE", "schema_contents s");
    expect("DROP FUNCTION s.f(int)", "function s.f");
    expect("DO $$ BEGIN IF s.f() THEN DROP TABLE s.t; END IF; END $$", "function s.f, relation s.t");
    expect("ALTER TYPE s.e ADD VALUE 'x'", "type s.e");
    expect("CREATE EXTENSION pg_trgm", "extension pg_trgm");
    expect("ALTER SYSTEM SET work_mem='1GB'", "setting work_mem");
    expect("ALTER ROLE bob SUPERUSER", "role bob");
    expect("REINDEX SCHEMA s", "schema s");
    expect("ALTER SCHEMA s RENAME TO t", "schema s");
    expect("DROP OWNED BY bob", "role bob");
    expect("ALTER DATABASE d SET x=1", "setting x, database d");
    expect("ALTER ROLE bob IN DATABASE d RESET x", "setting x, role bob");
    expect("ALTER DATABASE d RESET ALL", "setting all, database d");
    expect("ALTER SYSTEM RESET ALL", "setting all");
    expect("ALTER TABLE s.t SET (autovacuum_vacuum_threshold=9, fillfactor=50)",
           "relation s.t, setting autovacuum_vacuum_threshold");
    expect("ALTER PUBLICATION p ADD TABLE s.t", "publication p, relation s.t");
    expect("GRANT ALL ON ALL TABLES IN SCHEMA s TO bob", "schema_contents s, role bob");
    expect("SELECT pg_terminate_backend(1) FROM pg_stat_activity",
           "function pg_terminate_backend, relation pg_stat_activity");
    expect("CALL s.proc(1)", "function s.proc");
    expect("DROP EXTENSION x", "extension x");
    expect("DROP PUBLICATION p", "publication p");
}

static void names_are_taken_as_they_are(void)
{
    expect("DROP TABLE \"Odd\".\"N.a\"\"me\", plain", "relation Odd.N.a\"me, relation plain");
    expect("UPDATE t SET a = 1; UPDATE t SET b = 2", "relation t");
    expect("DELETE FROM t WHERE a IN (SELECT b FROM s.u JOIN v USING (c))", "relation t, relation s.u, relation v");
    expect("INSERT INTO t SELECT lower(a), s.f(b), count(*) FROM u", "relation t, function s.f, relation u");
    expect("ALTER TABLE t ALTER c TYPE numeric(10, 2)", "relation t");
    expect("CREATE FUNCTION s.f(a s.e) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function s.f, type s.e");
    expect("CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION s.h()", "relation t, function s.h");
}

static void a_common_table_expression_is_no_object(void)
{
    expect("WITH old AS (SELECT 1 FROM archive) DELETE FROM t USING old", "relation t, relation archive");
    expect("WITH t AS (SELECT 1) DELETE FROM s.t", "relation s.t");
}

static void too_many_are_an_error(void)
{
    arena memory;
    lb_error err = {0};
    effect_objects objects = {0};
    BUF_AUTO sql = BUF_INIT(1 << 20);
    arena_init(&memory, 0);
    buf_puts(&sql, "TRUNCATE t0");
    for (int i = 1; i < 6000; i++)
        buf_printf(&sql, ", t%d", i);
    CU_ASSERT_EQUAL(effect_objects_of_sql(buf_text(&sql), &memory, &objects, &err), LB_ERR_LIMIT);
    objects = (effect_objects){0};
    CU_ASSERT_EQUAL(effect_objects_of_sql("DROP", &memory, &objects, &err), LB_ERR_INVALID);
    arena_done(&memory);
}

SUITE(effect_objects, TEST(relations_and_what_belongs_to_them), TEST(everything_else_that_has_a_name),
      TEST(names_are_taken_as_they_are), TEST(a_common_table_expression_is_no_object), TEST(too_many_are_an_error))
