#include "effect.h"
#include "suite.h"

#define READS    EFFECT_READ
#define ADDS     EFFECT_ADDITIVE
#define DISRUPTS EFFECT_DISRUPTIVE
#define DESTROYS EFFECT_DESTRUCTIVE

typedef struct expectation {
    const char *sql;
    effect effect;
    const char *why; /* a part of the reason, or NULL */
} expectation;

static void check_one(const expectation *x)
{
    effect_verdict v;
    lb_error err = {0};
    int r = effect_of_sql(x->sql, &v, &err);
    bool right = r == 0 && v.effect == x->effect && (!x->why || strstr(v.why, x->why));
    if (!right)
        printf("\n    %s\n    want %s (%s)\n    got  %s (%s)\n", x->sql, effect_name(x->effect), x->why ? x->why : "",
               r < 0 ? "error" : effect_name(v.effect), r < 0 ? err.message : v.why);
    CU_ASSERT_TRUE(right);
}

#define CHECK_ALL(...)                                                                                                 \
    do {                                                                                                               \
        static const expectation all[] = {__VA_ARGS__};                                                                \
        for (size_t i = 0; i < LB_COUNT(all); i++)                                                                     \
            check_one(&all[i]);                                                                                        \
    } while (0)

static effect_verdict verdict_of(const char *sql)
{
    effect_verdict v = {.effect = EFFECT_DESTRUCTIVE};
    lb_error err = {0};
    int r = effect_of_sql(sql, &v, &err);
    if (r < 0)
        printf("\n    %s\n    %s\n", sql, err.message);
    CU_ASSERT_EQUAL(r, 0);
    return v;
}

/* clang-format off: one line per statement */
static void reads(void)
{
    CHECK_ALL(
        {"SELECT 1", READS, "changes nothing"},
        {"SELECT * FROM public.orders o JOIN customers c USING (id) WHERE o.total > $1 ORDER BY 1 LIMIT 10", READS,
         NULL},
        {"SELECT lower(name), pg_catalog.upper(name), now(), count(*) OVER () FROM t", READS, NULL},
        {"SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3", READS, NULL},
        {"WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 9) SELECT * FROM r", READS, NULL},
        {"SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'", READS, NULL},
        {"SELECT JSON_OBJECT('a': 1), x IS JSON FROM t", READS, NULL},
        {"SELECT * FROM JSON_TABLE(jsonb '[1]', '$[*]' COLUMNS (i int PATH '$')) AS j", READS, NULL},
        {"SELECT * FROM XMLTABLE('/a' PASSING x COLUMNS b int) AS y", READS, NULL},
        {"SELECT * FROM t TABLESAMPLE SYSTEM (1), generate_series(1, 10) g", READS, NULL},
        {"SELECT CASE WHEN a THEN ARRAY[1, 2] ELSE '{}'::int[] END, (r).f[1], COALESCE(a, b), GREATEST(1, 2) FROM t",
         READS, NULL},
        {"VALUES (1), (2)", READS, NULL}, {"TABLE t", READS, NULL}, {"SET statement_timeout = '5s'", READS, NULL},
        {"SET LOCAL lock_timeout = '1s'", READS, NULL}, {"SET search_path = app, public", READS, NULL},
        {"RESET ALL", READS, NULL}, {"SHOW work_mem", READS, NULL},
        {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", READS, NULL}, {"SET CONSTRAINTS ALL DEFERRED", READS, NULL},
        {"LISTEN jobs", READS, NULL}, {"DISCARD ALL", READS, NULL}, {"DEALLOCATE ALL", READS, NULL},
        {"DECLARE c CURSOR FOR SELECT 1; FETCH 10 FROM c; CLOSE c", READS, NULL},
        {"EXPLAIN DELETE FROM t", READS, NULL}, {"EXPLAIN (ANALYZE false) DELETE FROM t", READS, NULL},
        {"EXPLAIN (ANALYZE) SELECT * FROM t", READS, NULL}, {"PREPARE p AS SELECT * FROM t WHERE id = $1", READS, NULL},
        {"COPY t TO STDOUT", READS, NULL}, {"SELECT set_config('statement_timeout', '5s', true)", READS, NULL},
        {"SELECT hypopg_create_index('CREATE INDEX ON t (a)')", READS, NULL},
        {"SELECT pg_logical_slot_peek_changes('s', NULL, 10)", READS, NULL},
        {"SELECT pg_stat_get_numscans(1), pg_relation_size('t'), random()", READS, NULL});
}

static void changes_rows(void)
{
    CHECK_ALL(
        {"INSERT INTO app.t VALUES (1)", ADDS, "inserts into app.t"},
        {"INSERT INTO t (a) SELECT lower(b) FROM s ON CONFLICT DO NOTHING RETURNING a", ADDS, NULL},
        {"INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = excluded.a", DISRUPTS,
         "updates rows that are there"},
        {"UPDATE t SET a = 1 WHERE id = 3", DISRUPTS, "updates rows of t"},
        {"UPDATE t SET a = 1", DESTROYS, "updates every row of t"},
        {"UPDATE t SET a = 1 WHERE true", DESTROYS, "every row"},
        {"UPDATE t SET a = 1 WHERE 1 = 1", DESTROYS, "every row"},
        {"UPDATE t SET a = 1 WHERE id = id", DESTROYS, "every row"},
        {"UPDATE t SET a = 1 WHERE id = 3 OR 1 = 1", DESTROYS, "every row"},
        {"UPDATE t SET a = 1 WHERE id = 3 AND 1 = 1", DISRUPTS, "updates rows"},
        {"UPDATE t SET a = 1 WHERE true AND (2 = 2 OR x)", DESTROYS, "every row"},
        {"UPDATE t SET a = 1 WHERE id = other", DISRUPTS, NULL},
        {"DELETE FROM public.t WHERE id = 3", DESTROYS, "deletes rows of public.t"},
        {"DELETE FROM t", DESTROYS, "deletes all rows of t"},
        {"DELETE FROM t WHERE CASE WHEN lower(a) > b THEN false ELSE false END", ADDS,
         "tries to delete from t, and chooses no row"},
        {"DELETE FROM t WHERE CASE WHEN a THEN false WHEN b THEN true ELSE false END", DESTROYS, "deletes rows of t"},
        {"DELETE FROM t WHERE CASE WHEN a THEN false ELSE c END", DESTROYS, "deletes rows of t"},
        {"WITH w AS (DELETE FROM s) DELETE FROM t WHERE CASE WHEN a THEN false ELSE false END", DESTROYS,
         "all rows of s"},
        {"DELETE FROM t WHERE false", DESTROYS, "deletes rows of t"},
        {"TRUNCATE a, b CASCADE", DESTROYS, "truncates a and 1 more"},
        {"MERGE INTO t USING s ON t.i = s.i WHEN NOT MATCHED THEN INSERT VALUES (s.i)", ADDS, "merges into t: inserts"},
        {"MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN UPDATE SET a = s.a", DISRUPTS, "merges into t: updates"},
        {"MERGE INTO t USING s ON t.i = s.i WHEN NOT MATCHED BY SOURCE THEN DELETE", DESTROYS,
         "merges into t: deletes"},
        {"MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN DO NOTHING", READS, NULL},
        {"WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone", DESTROYS, "deletes all rows of t"},
        {"WITH n AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM n", ADDS, NULL},
        {"SELECT * FROM (WITH x AS (UPDATE t SET a = 1 WHERE b RETURNING 1) SELECT * FROM x) y", DISRUPTS, NULL},
        {"SELECT * INTO copy_of_t FROM t", ADDS, "creates table copy_of_t"},
        {"SELECT a INTO copy_of_t FROM t UNION SELECT b FROM u", ADDS, "creates table copy_of_t"},
        {"CREATE TABLE n AS SELECT * FROM t", ADDS, "creates table n from a query"},
        {"CREATE TABLE n AS EXECUTE p", DESTROYS, NULL},
        {"CREATE MATERIALIZED VIEW m AS SELECT app.f(a) FROM t WITH NO DATA", ADDS, "creates materialized view m"},
        {"CREATE MATERIALIZED VIEW m AS SELECT app.f(a) FROM t", DESTROYS, "app.f()"},
        {"SELECT * FROM t FOR UPDATE SKIP LOCKED", DISRUPTS, "locks the rows"},
        {"SELECT * FROM t FOR KEY SHARE OF t", DISRUPTS, "in t"}, {"COPY t FROM STDIN", ADDS, "copies rows into t"},
        {"COPY t FROM '/srv/t.csv'", ADDS, NULL}, {"COPY t TO '/srv/t.csv'", DISRUPTS, "file of the server"},
        {"COPY t FROM PROGRAM 'curl x'", DESTROYS, "runs a program on the server: curl x"},
        {"COPY (SELECT 1) TO PROGRAM 'sh'", DESTROYS, NULL},
        {"COPY (DELETE FROM t RETURNING *) TO STDOUT", DESTROYS, "deletes"},
        {"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 1", DESTROYS, "system catalogue: pg_index"},
        {"INSERT INTO pg_catalog.pg_cast VALUES (1)", DESTROYS, "system catalogue"},
        {"MERGE INTO pg_class USING s ON true WHEN MATCHED THEN DO NOTHING", DESTROYS, "system catalogue"},
        {"COPY pg_proc FROM STDIN", DESTROYS, "system catalogue"},
        {"EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t", DESTROYS, "deletes"},
        {"EXPLAIN ANALYZE UPDATE t SET a = 1 WHERE b", DISRUPTS, NULL}, {"PREPARE p AS DELETE FROM t", DESTROYS, NULL},
        {"EXECUTE p(1)", DESTROYS, "cannot be seen: p"});
}

static void calls_functions(void)
{
    CHECK_ALL({"SELECT pg_terminate_backend(pid) FROM pg_stat_activity", DISRUPTS, "ends or cancels sessions"},
              {"SELECT pg_catalog.PG_CANCEL_BACKEND(1)", DISRUPTS, "ends or cancels sessions"},
              {"SELECT 1 WHERE EXISTS (SELECT pg_terminate_backend(2))", DISRUPTS, NULL},
              {"SELECT 1 ORDER BY (CASE WHEN pg_terminate_backend(2) THEN 1 END)", DISRUPTS, NULL},
              {"SELECT pg_reload_conf()", DISRUPTS, "settings"}, {"SELECT pg_stat_reset()", DISRUPTS, "statistics"},
              {"SELECT pg_stat_reset_single_table_counters(1)", DISRUPTS, "statistics"},
              {"SELECT pg_stat_statements_reset()", DISRUPTS, "statistics"},
              {"SELECT set_config('work_mem', '1GB', false)", DISRUPTS, "beyond this transaction"},
              {"SELECT set_config(name, '1', true) FROM pg_settings", DISRUPTS, NULL},
              {"SELECT set_config('session_replication_role', 'replica', true)", DISRUPTS, "triggers"},
              {"SELECT setval('s', 1)", DISRUPTS, "sequence"}, {"SELECT nextval('s')", ADDS, "sequence"},
              {"SELECT pg_drop_replication_slot('s')", DESTROYS, "slot"},
              {"SELECT pg_logical_slot_get_changes('s', NULL, NULL)", DESTROYS, "consumes"},
              {"SELECT pg_create_logical_replication_slot('s', 'pgoutput')", DISRUPTS, "WAL"},
              {"SELECT pg_switch_wal()", ADDS, NULL}, {"SELECT pg_rotate_logfile()", ADDS, NULL},
              {"SELECT pg_promote()", DESTROYS, NULL}, {"SELECT pg_advisory_lock(1)", ADDS, "advisory lock"},
              {"SELECT lo_unlink(1)", DESTROYS, "large object"},
              {"SELECT lo_export(1, '/x')", DESTROYS, "file of the server"}, {"SELECT lo_get(1)", READS, NULL},
              {"SELECT public.dblink_exec('c', 'DROP TABLE t')", DESTROYS, "cannot be seen through"},
              {"SELECT * FROM dblink('c', 'SELECT 1') AS x (a int)", DESTROYS, "another server"},
              {"SELECT query_to_xml('DELETE FROM t', true, true, '')", DESTROYS, "given as text"},
              {"SELECT pg_file_write('a', 'b', true)", DESTROYS, "files of the server"},
              {"SELECT brin_summarize_new_values('i')", ADDS, "maintains an index"},
              {"SELECT app.purge()", DESTROYS, "app.purge(), which cannot be seen through"},
              {"SELECT \"PG_SLEEP\"(1)", DESTROYS, "cannot be seen through"},
              {"SELECT app.lower('x')", DESTROYS, "app.lower()"}, {"SELECT \"abs acos\"(1)", DESTROYS, NULL},
              {"INSERT INTO t SELECT app.clean(a) FROM s", DESTROYS, "app.clean()"},
              {"CALL app.purge(1)", DESTROYS, "procedure app.purge"}, {"LOAD 'auto_explain'", DESTROYS, "auto_explain"},
              {"SELECT gen_random_uuid(), extract(year FROM now()), 'a' SIMILAR TO 'b', a AT TIME ZONE 'UTC' FROM t",
               READS, NULL});
}

/* PL/pgSQL is looked into; what is put together when it runs is not. */
static void blocks_of_code(void)
{
    CHECK_ALL(
        {"DO $$ BEGIN PERFORM 1; END $$", READS, NULL},
        {"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'c') THEN "
         "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; END IF; END $$",
         ADDS, "adds constraint c to t"},
        {"DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$", ADDS, NULL},
        {"DO LANGUAGE plpgsql $$ BEGIN ALTER TABLE t\n-- a remark\nDROP COLUMN a; END $$", DESTROYS, "drops column a"},
        {"DO $$ BEGIN FOR i IN 1..3 LOOP DELETE FROM t WHERE id = i; END LOOP; END $$", DESTROYS, "deletes rows of t"},
        {"DO $$ DECLARE n int := purge(); BEGIN NULL; END $$", DESTROYS, "purge(), which cannot be seen through"},
        {"DO $$ DECLARE n int; BEGIN n := app.purge(1); END $$", DESTROYS, "app.purge()"},
        {"DO $$ DECLARE n int[]; BEGIN n[app.purge()] := 1; END $$", DESTROYS, "app.purge()"},
        {"DO $$ DECLARE n int; BEGIN n = lower('x')::int; END $$", READS, NULL},
        {"DO $$ DECLARE c CURSOR FOR SELECT app.purge(); BEGIN NULL; END $$", DESTROYS, "app.purge()"},
        {"DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$", DESTROYS, "drops table t"},
        {"DO $$ BEGIN EXECUTE 'COMMENT ON TABLE t IS NULL'; END $$", ADDS, NULL},
        {"DO $$ BEGIN EXECUTE E'COMMENT ON TABLE t IS NULL -- \\n; DROP TABLE t'; END $$", DESTROYS, "drops table t"},
        {"DO $$ BEGIN EXECUTE format('COMMENT ON TABLE %I IS NULL', 't'); END $$", DESTROYS, "puts together"},
        {"DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || 1 LOOP COMMENT ON TABLE t IS NULL; END LOOP; "
         "END $$",
         DESTROYS, "puts together"},
        {"DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP EXECUTE 'COMMENT ON TABLE t IS NULL'; "
         "END LOOP; END $$",
         ADDS, NULL},
        {"DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT 1' || x; END $$", DESTROYS, "puts together"},
        {"DO $$ BEGIN CALL app.purge(); END $$", DESTROYS, "procedure app.purge"},
        {"DO $$ BEGIN DO $x$ BEGIN PERFORM 1; END $x$; END $$", DESTROYS, "cannot be seen through"},
        {"DO $$ BEGIN RAISE NOTICE '%', app.purge(); END $$", DESTROYS, "app.purge()"},
        {"DO $$ this is no PL/pgSQL $$", DESTROYS, "cannot be seen through"},
        {"DO LANGUAGE plpython3u $$ x = 1 $$", DESTROYS, "cannot be seen through"});
    CU_ASSERT_FALSE(verdict_of("DO $$ BEGIN PERFORM 1; COMMIT; END $$").in_transaction);
    CU_ASSERT_TRUE(verdict_of("DO $$ BEGIN PERFORM 1; END $$").in_transaction);
    CU_ASSERT_EQUAL(verdict_of("SELECT 1; DO $$ BEGIN DROP TABLE t; END $$; SELECT 2").effect, DESTROYS);
}

static void creates(void)
{
    CHECK_ALL({"CREATE TABLE app.t (id bigint PRIMARY KEY, a text DEFAULT app.f(), CHECK (app.g(a)))", ADDS,
               "creates table app.t"},
              {"CREATE TABLE t (a int REFERENCES other)", ADDS, NULL},
              {"CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)", DISRUPTS, "as a partition, which locks out p"},
              {"CREATE FOREIGN TABLE f (a int) SERVER s", ADDS, "creates foreign table f"},
              {"CREATE FOREIGN TABLE f PARTITION OF p FOR VALUES IN (1) SERVER s", DISRUPTS, NULL},
              {"CREATE TEMP TABLE t (a int)", ADDS, NULL},
              {"CREATE SCHEMA app CREATE TABLE t (a int)", ADDS, "creates schema app"},
              {"CREATE SCHEMA AUTHORIZATION bob", ADDS, "bob"}, {"CREATE SEQUENCE s", ADDS, "creates sequence s"},
              {"CREATE TYPE mood AS ENUM ('a', 'b')", ADDS, "creates type mood"},
              {"CREATE TYPE pair AS (a int, b int)", ADDS, "creates type pair"},
              {"CREATE TYPE span AS RANGE (subtype = float8)", ADDS, NULL},
              {"CREATE DOMAIN d AS int CHECK (VALUE > 0)", ADDS, "creates domain d"},
              {"CREATE EXTENSION IF NOT EXISTS hypopg", ADDS, "creates extension hypopg"},
              {"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END", ADDS,
               "creates function f"},
              {"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", DISRUPTS, "replacing"},
              {"CREATE PROCEDURE app.p() LANGUAGE plpgsql AS 'BEGIN END'", ADDS, "app.p"},
              {"CREATE VIEW app.v AS SELECT app.f(a) FROM t", ADDS, "creates view app.v"},
              {"CREATE OR REPLACE VIEW app.v AS SELECT 1", DISRUPTS, "replacing"},
              {"CREATE INDEX CONCURRENTLY i ON app.t (a)", ADDS, "builds index i on app.t"},
              {"CREATE UNIQUE INDEX CONCURRENTLY i ON t (lower(a)) WHERE b IS NOT NULL", ADDS, NULL},
              {"CREATE INDEX i ON app.t (a)", DISRUPTS, "while writers wait"},
              {"CREATE INDEX ON ONLY t (a)", DISRUPTS, NULL},
              {"CREATE INDEX CONCURRENTLY i ON t (app.f(a))", DESTROYS, "app.f()"},
              {"CREATE STATISTICS s ON a, b FROM t", ADDS, "creates statistics s"},
              {"CREATE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION f()", DISRUPTS, "trigger on app.t"},
              {"CREATE RULE r AS ON INSERT TO t DO INSTEAD DELETE FROM u", DISRUPTS, "creates a rule on t"},
              {"CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()", DISRUPTS, NULL},
              {"CREATE POLICY p ON app.t USING (owner = current_user)", ADDS, "creates policy p on app.t"},
              {"CREATE POLICY p ON t AS RESTRICTIVE USING (app.f())", DISRUPTS, "hides rows"},
              {"CREATE ROLE r LOGIN", ADDS, "creates role r"}, {"CREATE ROLE r NOSUPERUSER NOBYPASSRLS", ADDS, NULL},
              {"CREATE ROLE r SUPERUSER", DISRUPTS, "superuser"}, {"CREATE USER r IN ROLE admin", DISRUPTS, NULL},
              {"CREATE DATABASE d", ADDS, "creates database d"}, {"CREATE TABLESPACE x LOCATION '/srv'", ADDS, NULL},
              {"CREATE PUBLICATION p FOR ALL TABLES", DISRUPTS, "replica identity"},
              {"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", DISRUPTS, "subscribes"},
              {"CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw", ADDS, "creates foreign server s"},
              {"CREATE USER MAPPING FOR bob SERVER s", ADDS, "user mapping for bob"},
              {"IMPORT FOREIGN SCHEMA a FROM SERVER s INTO l", ADDS, NULL},
              {"CREATE AGGREGATE a (int) (sfunc = f, stype = int)", ADDS, "creates definition a"},
              {"CREATE CAST (a AS b) WITHOUT FUNCTION", ADDS, "creates a cast from a to b"},
              {"CREATE CAST (a AS b) WITHOUT FUNCTION AS IMPLICIT", DISRUPTS, "unasked"},
              {"CREATE ACCESS METHOD m TYPE INDEX HANDLER h", ADDS, NULL});
}

static void alters_columns(void)
{
    CHECK_ALL({"ALTER TABLE app.t ADD COLUMN a int", ADDS, "adds column a to app.t"},
              {"ALTER TABLE t ADD COLUMN a text DEFAULT 'x'", ADDS, NULL},
              {"ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now()", ADDS, NULL},
              {"ALTER TABLE t ADD COLUMN a int[] DEFAULT ARRAY[1]", ADDS, NULL},
              {"ALTER TABLE t ADD COLUMN v extensions.vector(3)", ADDS, NULL},
              {"ALTER TABLE t ADD COLUMN a int REFERENCES u", ADDS, NULL},
              {"ALTER TABLE t ADD COLUMN a int REFERENCES u DEFAULT 3", DISRUPTS, "other table"},
              {"ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()", DISRUPTS, "differ from row to row"},
              {"ALTER TABLE t ADD COLUMN a int DEFAULT app.f()", DISRUPTS, "differ from row to row"},
              {"ALTER TABLE t ADD COLUMN a bigint DEFAULT nextval('s')", DISRUPTS, "differ from row to row"},
              {"ALTER TABLE t ADD COLUMN a int NOT NULL", DISRUPTS, "NOT NULL without a default"},
              {"ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT NULL", DISRUPTS, "NOT NULL without a default"},
              {"ALTER TABLE t ADD COLUMN a bigserial", DISRUPTS, "numbered"},
              {"ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY", DISRUPTS, "numbered"},
              {"ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b * 2) STORED", DISRUPTS, "computed"},
              {"ALTER TABLE t ADD COLUMN a int UNIQUE", DISRUPTS, "index"},
              {"ALTER TABLE t ADD COLUMN a int CHECK (a > 0)", DISRUPTS, "checked"},
              {"ALTER TABLE t ADD COLUMN a app.positive", DISRUPTS, "domain"},
              {"ALTER TYPE pair ADD ATTRIBUTE c int", DISRUPTS, "others use the type"},
              {"ALTER TABLE t DROP COLUMN IF EXISTS a", DESTROYS, "drops column a of t"},
              {"ALTER TABLE t ALTER COLUMN a TYPE bigint", DESTROYS, "changes the type"},
              {"ALTER TABLE t ALTER a SET DEFAULT 3", ADDS, "sets the default"},
              {"ALTER TABLE t ALTER a DROP DEFAULT", DISRUPTS, "drops the default"},
              {"ALTER TABLE t ALTER a SET NOT NULL", DISRUPTS, "NULLs"},
              {"ALTER TABLE t ALTER a DROP NOT NULL", DISRUPTS, NULL},
              {"ALTER TABLE t ALTER a SET STATISTICS 500", ADDS, NULL},
              {"ALTER TABLE t ALTER a SET (n_distinct = 5)", ADDS, NULL},
              {"ALTER TABLE t ALTER a SET STORAGE EXTERNAL", ADDS, NULL},
              {"ALTER TABLE t ALTER a SET COMPRESSION lz4", ADDS, NULL},
              {"ALTER TABLE t ALTER a SET EXPRESSION AS (b + 1)", DISRUPTS, NULL},
              {"ALTER TABLE t ALTER a DROP EXPRESSION", DESTROYS, NULL},
              {"ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY", ADDS, NULL},
              {"ALTER TABLE t ALTER a RESTART WITH 5", DISRUPTS, NULL},
              {"ALTER TABLE t ALTER a DROP IDENTITY", DESTROYS, NULL});
}

static void alters_tables(void)
{
    CHECK_ALL(
        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", DISRUPTS, "checked"},
        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ADDS, "adds constraint c to t"},
        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u", DISRUPTS, "checked"},
        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID", ADDS, NULL},
        {"ALTER TABLE t VALIDATE CONSTRAINT c", ADDS, "validates constraint c of t"},
        {"ALTER TABLE t ADD UNIQUE (a)", DISRUPTS, "index"},
        {"ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i", ADDS, NULL},
        {"ALTER TABLE t ADD PRIMARY KEY (a)", DISRUPTS, "index"},
        {"ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i", DISRUPTS, "NULLs"},
        {"ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)", DISRUPTS, "index"},
        {"ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE", DISRUPTS, NULL},
        {"ALTER TABLE t DROP CONSTRAINT c", DESTROYS, "drops constraint c of t"},
        {"ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_cost_limit = 200)", ADDS,
         NULL},
        {"ALTER TABLE t SET (fillfactor = 80)", ADDS, NULL}, {"ALTER TABLE t RESET (autovacuum_enabled)", ADDS, NULL},
        {"ALTER TABLE t SET (autovacuum_enabled = true)", ADDS, NULL},
        {"ALTER TABLE t SET (autovacuum_enabled = off)", DISRUPTS, "turns autovacuum off for t"},
        {"ALTER TABLE t SET (autovacuum_enabled = 1, toast.autovacuum_enabled = of)", DISRUPTS, "turns autovacuum off"},
        {"ALTER TABLE t SET (autovacuum_enabled = 0)", DISRUPTS, "turns autovacuum off"},
        {"ALTER TABLE t SET (autovacuum_enabled = 1)", ADDS, NULL},
        {"ALTER TABLE t SET (user_catalog_table = true)", DISRUPTS, NULL},
        {"ALTER VIEW v SET (security_invoker = true)", DISRUPTS, NULL},
        {"ALTER INDEX i SET (fastupdate = off)", ADDS, NULL}, {"ALTER TABLE t ENABLE TRIGGER g", DISRUPTS, NULL},
        {"ALTER TABLE t DISABLE TRIGGER ALL", DISRUPTS, "foreign keys of t"},
        {"ALTER TABLE t ENABLE ROW LEVEL SECURITY", DISRUPTS, NULL},
        {"ALTER TABLE t DISABLE ROW LEVEL SECURITY", DISRUPTS, "hide nothing"},
        {"ALTER TABLE t FORCE ROW LEVEL SECURITY", DISRUPTS, NULL},
        {"ALTER TABLE p ATTACH PARTITION t FOR VALUES IN (1)", DISRUPTS, "attaches partition t to p"},
        {"ALTER INDEX p ATTACH PARTITION t", ADDS, NULL}, {"ALTER TABLE p DETACH PARTITION t", DISRUPTS, NULL},
        {"ALTER TABLE p DETACH PARTITION t CONCURRENTLY", DISRUPTS, "detaches partition t from p"},
        {"ALTER TABLE p DETACH PARTITION t FINALIZE", DISRUPTS, NULL},
        {"ALTER TABLE t SET TABLESPACE fast", DISRUPTS, "rewrites t into tablespace fast"},
        {"ALTER TABLE t SET ACCESS METHOD heap", DISRUPTS, NULL}, {"ALTER TABLE t SET LOGGED", DISRUPTS, NULL},
        {"ALTER TABLE t SET UNLOGGED", DESTROYS, "unlogged"}, {"ALTER TABLE t CLUSTER ON i", ADDS, NULL},
        {"ALTER TABLE t INHERIT u", DISRUPTS, NULL}, {"ALTER TABLE t REPLICA IDENTITY FULL", DISRUPTS, NULL},
        {"ALTER TABLE t OWNER TO bob", DISRUPTS, NULL},
        {"ALTER TABLE pg_class ADD COLUMN a int", DESTROYS, "system catalogue"},
        {"ALTER TABLE t ADD COLUMN a int, DROP COLUMN b", DESTROYS, "drops column b"});
}

static void alters_other_objects(void)
{
    CHECK_ALL({"ALTER TABLE t RENAME TO u", DISRUPTS, "renames table t to u"},
              {"ALTER TABLE app.t RENAME a TO b", DISRUPTS, "renames column a of app.t to b"},
              {"ALTER TABLE t SET SCHEMA app", DISRUPTS, "another schema"},
              {"ALTER TYPE mood ADD VALUE 'c'", ADDS, "adds value c to type mood"},
              {"ALTER TYPE mood RENAME VALUE 'c' TO 'd'", DISRUPTS, NULL},
              {"ALTER DOMAIN d ADD CHECK (VALUE > 1)", DISRUPTS, NULL},
              {"ALTER DOMAIN d ADD CHECK (VALUE > 1) NOT VALID", ADDS, NULL},
              {"ALTER DOMAIN d DROP CONSTRAINT c", DESTROYS, NULL},
              {"ALTER SEQUENCE s RESTART", DISRUPTS, "changes sequence s"},
              {"ALTER FUNCTION f() COST 10", DISRUPTS, "changes function f"},
              {"ALTER EXTENSION hypopg UPDATE", DISRUPTS, NULL},
              {"ALTER SYSTEM SET work_mem = '1GB'", DISRUPTS, "server's settings"},
              {"ALTER DATABASE d SET work_mem = '1GB'", DISRUPTS, "database d"},
              {"ALTER DATABASE d CONNECTION LIMIT 5", DISRUPTS, "database d"},
              {"ALTER ROLE r SET role = 'x'", DISRUPTS, "role r"}, {"ALTER ROLE r SUPERUSER", DISRUPTS, NULL},
              {"ALTER POLICY p ON t USING (true)", DISRUPTS, "policy on t"},
              {"ALTER PUBLICATION p ADD TABLE t", DISRUPTS, NULL},
              {"ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING FOR word", DESTROYS, NULL},
              {"ALTER OPERATOR FAMILY f USING btree DROP OPERATOR 1 (int, int)", DESTROYS, NULL},
              {"ALTER STATISTICS s SET STATISTICS 5", ADDS, NULL},
              {"ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b", DISRUPTS, NULL},
              {"SECURITY LABEL ON TABLE t IS 'x'", DISRUPTS, NULL}, {"REASSIGN OWNED BY a TO b", DISRUPTS, NULL},
              {"COMMENT ON COLUMN app.t.a IS 'x'", ADDS, "comments on app.t.a"},
              {"GRANT SELECT ON app.t TO bob", ADDS, "grants rights on app.t to bob"},
              {"GRANT SELECT ON t TO PUBLIC", DISRUPTS, "everybody"}, {"GRANT ALL ON t TO bob", DISRUPTS, "all rights"},
              {"GRANT SELECT ON t TO bob WITH GRANT OPTION", DISRUPTS, "grant option"},
              {"GRANT admin TO bob", DISRUPTS, "grants role admin to bob"},
              {"REVOKE SELECT ON t FROM bob", DISRUPTS, "revokes rights on t from bob"},
              {"REVOKE admin FROM bob", DISRUPTS, "revokes role admin from bob"},
              {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob", ADDS, "for objects to come"},
              {"ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM bob", DISRUPTS, NULL},
              {"SET session_replication_role = replica", DISRUPTS, "triggers"},
              {"SET ROLE admin", DISRUPTS, "another role"},
              {"SET search_path = evil, pg_catalog", DISRUPTS, "search_path"},
              {"SET zero_damaged_pages = on", DESTROYS, "damaged"},
              {"LOCK TABLE app.t IN SHARE MODE", DISRUPTS, "locks app.t"}, {"NOTIFY jobs, 'x'", ADDS, "notifies jobs"},
              {"CHECKPOINT", ADDS, NULL});
}

static void drops(void)
{
    CHECK_ALL({"DROP TABLE public.orders", DESTROYS, "drops table public.orders"},
              {"DROP TABLE IF EXISTS a, b, c CASCADE", DESTROYS, "drops table a and 2 more and all that depends on it"},
              {"DROP INDEX app.i", DESTROYS, "drops index app.i"}, {"DROP VIEW v", DESTROYS, "drops view v"},
              {"DROP MATERIALIZED VIEW v", DESTROYS, "drops materialized view v"},
              {"DROP SCHEMA app CASCADE", DESTROYS, "drops schema app"},
              {"DROP FUNCTION app.f(int)", DESTROYS, "drops function app.f"},
              {"DROP POLICY p ON app.t", DESTROYS, "drops policy p on app.t"},
              {"DROP TRIGGER g ON t", DESTROYS, "drops trigger g on t"},
              {"DROP TYPE app.mood", DESTROYS, "drops type app.mood"},
              {"DROP EXTENSION hypopg", DESTROYS, "drops extension hypopg"},
              {"DROP DATABASE d", DESTROYS, "drops database d"},
              {"DROP ROLE a, b", DESTROYS, "drops role a and 1 more"}, {"DROP OWNED BY a", DESTROYS, NULL},
              {"DROP TABLESPACE x", DESTROYS, NULL}, {"DROP SUBSCRIPTION s", DESTROYS, NULL},
              {"DROP PUBLICATION p", DESTROYS, "drops publication p"},
              {"DROP USER MAPPING FOR bob SERVER s", DESTROYS, "bob"}, {"DROP CAST (int AS text)", DESTROYS, NULL},
              {"DROP OPERATOR CLASS c USING btree", DESTROYS, NULL});
}

static void maintains(void)
{
    CHECK_ALL({"VACUUM", ADDS, "vacuums every table"}, {"VACUUM (ANALYZE, PARALLEL 2) app.t", ADDS, "vacuums app.t"},
              {"VACUUM FREEZE t", ADDS, NULL}, {"VACUUM FULL t", DISRUPTS, "in full"},
              {"VACUUM (FULL true) t", DISRUPTS, NULL}, {"VACUUM (FULL 1) t", DISRUPTS, NULL},
              {"VACUUM (FULL false) t", ADDS, NULL}, {"VACUUM (FULL 0) t", ADDS, NULL},
              {"ANALYZE app.t (a)", ADDS, "analyzes app.t"}, {"CLUSTER t USING i", DISRUPTS, "rewrites t"},
              {"REINDEX INDEX app.i", DISRUPTS, "app.i"}, {"REINDEX TABLE CONCURRENTLY t", DISRUPTS, NULL},
              {"REINDEX DATABASE", DISRUPTS, "the whole database"},
              {"REFRESH MATERIALIZED VIEW m", DISRUPTS, "readers wait"},
              {"REFRESH MATERIALIZED VIEW CONCURRENTLY m", ADDS, NULL},
              {"REFRESH MATERIALIZED VIEW m WITH NO DATA", DISRUPTS, "empties"});
}
/* clang-format on */

static void takes_the_strongest_of_several(void)
{
    effect_verdict v = verdict_of("CREATE TABLE t (a int); DROP TABLE u; TRUNCATE w; SELECT 1");
    CU_ASSERT_EQUAL(v.statements, 4);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DESTRUCTIVE);
    ASSERT_TEXT(v.why, "drops table u");
    CU_ASSERT_TRUE(v.in_transaction);
    CU_ASSERT_FALSE(verdict_of("ANALYZE t; VACUUM t").in_transaction);
}

static void asks_always_for_indexes(void)
{
    CU_ASSERT_TRUE(verdict_of("DROP INDEX IF EXISTS i").always_asks);
    CU_ASSERT_TRUE(verdict_of("DROP INDEX CONCURRENTLY i").always_asks);
    CU_ASSERT_TRUE(verdict_of("REINDEX INDEX i").always_asks);
    CU_ASSERT_TRUE(verdict_of("REINDEX INDEX CONCURRENTLY i").always_asks);
    CU_ASSERT_TRUE(verdict_of("REINDEX INDEX i; DROP TABLE t").always_asks);
    CU_ASSERT_FALSE(verdict_of("DROP TABLE t").always_asks);
    CU_ASSERT_FALSE(verdict_of("CREATE INDEX i ON t (a)").always_asks);
}

static void tells_sessions_from_other_disruption(void)
{
    CU_ASSERT_TRUE(verdict_of("SELECT pg_terminate_backend($1)").ends_sessions);
    CU_ASSERT_TRUE(verdict_of("SELECT pg_cancel_backend(1), nextval('s')").ends_sessions);
    CU_ASSERT_FALSE(verdict_of("SELECT pg_terminate_backend(1), pg_reload_conf()").ends_sessions);
    CU_ASSERT_FALSE(verdict_of("SELECT pg_reload_conf()").ends_sessions);
    CU_ASSERT_FALSE(verdict_of("DELETE FROM t WHERE pg_terminate_backend(1)").ends_sessions);
    CU_ASSERT_FALSE(verdict_of("SELECT 1").ends_sessions);
}

static void knows_what_must_stand_alone(void)
{
    static const char *const alone[] = {
        "VACUUM t",
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (CONCURRENTLY) TABLE t",
        "REINDEX SCHEMA s",
        "REINDEX DATABASE d",
        "REINDEX SYSTEM d",
        "ALTER TABLE p DETACH PARTITION t CONCURRENTLY",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "CREATE TABLESPACE x LOCATION '/srv'",
        "DROP TABLESPACE x",
        "ALTER SYSTEM RESET ALL",
        "CLUSTER",
        "ALTER DATABASE d SET TABLESPACE x",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
        "DROP SUBSCRIPTION s",
        "DISCARD ALL",
    };
    static const char *const together[] = {
        "ANALYZE t",
        "CREATE INDEX i ON t (a)",
        "DROP INDEX i",
        "REINDEX TABLE t",
        "ALTER TABLE p DETACH PARTITION t",
        "CLUSTER t USING i",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
        "ALTER DATABASE d SET work_mem = '1GB'",
        "SELECT 1",
        "ALTER TYPE mood ADD VALUE 'x'",
    };
    for (size_t i = 0; i < LB_COUNT(alone); i++)
        CU_ASSERT_FALSE(verdict_of(alone[i]).in_transaction);
    for (size_t i = 0; i < LB_COUNT(together); i++)
        CU_ASSERT_TRUE(verdict_of(together[i]).in_transaction);
}

SUITE(effect, TEST(reads), TEST(changes_rows), TEST(calls_functions), TEST(blocks_of_code), TEST(creates),
      TEST(alters_columns), TEST(alters_tables), TEST(alters_other_objects), TEST(drops), TEST(maintains),
      TEST(takes_the_strongest_of_several), TEST(asks_always_for_indexes), TEST(tells_sessions_from_other_disruption),
      TEST(knows_what_must_stand_alone))
