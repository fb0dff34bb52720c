/* Migrations, judged: each rule fires on what it is for, and not on its safe form. */
#include "judge.h"

#include "clock.h"
#include "suite.h"

static judgement judged_by(arena *memory, int server, const char *text)
{
    judgement done = {0};
    lb_error err = {0};
    int r = judge_file(text, server, memory, &done, &err);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    return done;
}

static const judge_hazard *find(const judgement *done, const char *id)
{
    for (size_t i = 0; i < done->hazard_count; i++)
        if (strcmp(judge_rule_of(done->hazards[i].rule)->id, id) == 0)
            return &done->hazards[i];
    return NULL;
}

/* The same of what must be there. */
static judge_hazard found_one(const judgement *done, const char *id)
{
    const judge_hazard *h = find(done, id);
    CU_ASSERT_PTR_NOT_NULL(h);
    return h ? *h : (judge_hazard){.object = "", .rewrite = ""};
}

typedef struct example {
    const char *id, *fires, *safe;
    int server; /* 0: 17 */
} example;

/* clang-format off: one line for each text */
static const example examples[] = {
    {"index-not-concurrent", "CREATE INDEX IF NOT EXISTS i ON app.t (a)",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a)", 0},
    {"index-not-concurrent", "DO $$ BEGIN IF true THEN CREATE INDEX i ON app.t (a); END IF; END $$",
     "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY); CREATE INDEX IF NOT EXISTS i ON app.t (a)", 0},
    {"index-unnamed", "CREATE INDEX CONCURRENTLY ON app.t (a)",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a)", 0},
    {"index-wide", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a, b, c, d)",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a, b) INCLUDE (c, d)", 0},
    {"index-drop-not-concurrent", "DROP INDEX IF EXISTS app.i", "DROP INDEX CONCURRENTLY IF EXISTS app.i", 0},
    {"index-drop-not-concurrent", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a); DROP INDEX IF EXISTS old.i",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a); DROP INDEX IF EXISTS app.i", 0},
    {"index-drop", "DROP INDEX CONCURRENTLY IF EXISTS app.i", "DROP VIEW IF EXISTS app.v", 0},
    {"reindex-not-concurrent", "REINDEX TABLE app.t", "REINDEX (CONCURRENTLY) TABLE app.t", 0},
    {"index-concurrent-on-partitioned",
     "CREATE TABLE IF NOT EXISTS app.p1 PARTITION OF app.p FOR VALUES IN (1); CREATE INDEX CONCURRENTLY IF NOT EXISTS "
     "i "
     "ON app.p (a)",
     "CREATE TABLE IF NOT EXISTS app.p1 PARTITION OF app.p FOR VALUES IN (1); CREATE INDEX IF NOT EXISTS i ON ONLY "
     "app.p "
     "(a); CREATE INDEX CONCURRENTLY IF NOT EXISTS k ON app.p1 (a)",
     0},
    {"index-drop-of-constraint",
     "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i; DROP INDEX CONCURRENTLY IF EXISTS app.k",
     "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i; DROP INDEX CONCURRENTLY IF EXISTS app.i", 0},
    {"index-drop-of-constraint",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, CONSTRAINT k PRIMARY KEY (a)); DROP INDEX IF EXISTS app.k",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, CONSTRAINT k PRIMARY KEY (a)); ALTER TABLE app.t DROP CONSTRAINT IF "
     "EXISTS k; DROP INDEX IF EXISTS app.k",
     0},
    {"index-redundant",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a); CREATE INDEX CONCURRENTLY IF NOT EXISTS k ON app.t (a, "
     "b)",
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (b); CREATE INDEX CONCURRENTLY IF NOT EXISTS k ON app.t (a, "
     "b)",
     0},
    {"index-redundant",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8); CREATE INDEX IF NOT EXISTS i ON app.t (a)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8); CREATE INDEX IF NOT EXISTS i ON app.t (a) WHERE b "
     "> 0; CREATE INDEX IF NOT EXISTS k ON app.t (a DESC NULLS LAST); CREATE INDEX IF NOT EXISTS l ON app.t (a) "
     "INCLUDE "
     "(b); CREATE INDEX IF NOT EXISTS m ON app.t USING hash (a); CREATE INDEX IF NOT EXISTS n ON app.u (a)",
     0},
    {"primary-key-reads-for-nulls", "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING INDEX i",
     "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a); ALTER TABLE app.t ADD CONSTRAINT c CHECK (a IS "
     "NOT "
     "NULL) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c; ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING "
     "INDEX i",
     0},
    {"primary-key-reads-for-nulls",
     "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a, b); ALTER TABLE app.t ALTER COLUMN a SET NOT NULL; "
     "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING INDEX i",
     "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i", 0},
    {"primary-key-drop", "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_pkey",
     "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX i", 0},
    {"primary-key-drop",
     "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING INDEX i; ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_pkey",
     "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS tt_pkey", 0},
    {"foreign-key-without-index",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8 REFERENCES app.u, c int8, UNIQUE (c, b))",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8 REFERENCES app.u); CREATE INDEX IF NOT EXISTS i ON "
     "app.t (b, a)",
     0},
    {"foreign-key-without-index",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS b int8, ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES app.u NOT VALID; "
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (b) WHERE b > 7",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES app.u NOT VALID", 0},
    {"foreign-key-without-index",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b int8, c int8, PRIMARY KEY (a, c, b), FOREIGN KEY (a, b) REFERENCES "
     "app.u)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b int8, c int8, PRIMARY KEY (b, a, c), FOREIGN KEY (a, b) REFERENCES "
     "app.u)",
     0},
    {"foreign-key-types-differ",
     "CREATE TABLE IF NOT EXISTS app.u (a bigserial PRIMARY KEY); CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY "
     "KEY, b "
     "integer REFERENCES app.u)",
     "CREATE TABLE IF NOT EXISTS app.u (a bigserial PRIMARY KEY); CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY "
     "KEY, b "
     "bigint REFERENCES app.u)",
     0},
    {"foreign-key-types-differ",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int4, c varchar(9), UNIQUE (c, a), FOREIGN KEY (c, b) "
     "REFERENCES app.t (c, a))",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8, c varchar(9), d text, UNIQUE (c, a), FOREIGN KEY "
     "(d, "
     "b) REFERENCES app.t (c, a))",
     0},
    {"primary-key-builds-index", "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY (a)",
     "ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY USING INDEX i", 0},
    {"unique-builds-index", "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE (a)",
     "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i", 0},
    {"exclude-builds-index", "ALTER TABLE app.t ADD CONSTRAINT k EXCLUDE USING gist (a WITH &&)",
     "CREATE TABLE IF NOT EXISTS app.t (a int4range PRIMARY KEY); ALTER TABLE app.t ADD CONSTRAINT k EXCLUDE USING "
     "gist (a WITH &&)",
     0},
    {"check-not-deferred", "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0)",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c", 0},
    {"check-with-column", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int CHECK (a > 0)",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int; ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", 0},
    {"check-unstable", "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > random()) NOT VALID",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (abs(a) > 0) NOT VALID", 0},
    {"foreign-key-not-deferred", "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u NOT VALID", 0},
    {"foreign-key-in-create-table", "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY REFERENCES app.u)",
     "CREATE TABLE IF NOT EXISTS app.u (a int PRIMARY KEY); CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY "
     "REFERENCES app.u)",
     0},
    {"foreign-key-with-column", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int REFERENCES app.u",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int", 0},
    {"foreign-key-cascades",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u ON DELETE CASCADE NOT VALID",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u ON DELETE RESTRICT NOT VALID", 0},
    {"foreign-keys-together",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u NOT VALID, ADD CONSTRAINT g FOREIGN KEY (b) "
     "REFERENCES app.v NOT VALID",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u NOT VALID", 0},
    {"not-valid-never-validated", "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c", 0},
    {"validate-in-same-transaction",
     "DO $$ BEGIN IF true THEN ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t VALIDATE "
     "CONSTRAINT c; END IF; END $$",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c", 0},
    {"constraint-drop", "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS c",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE app.t DROP CONSTRAINT IF EXISTS "
     "c",
     0},
    {"set-not-null", "ALTER TABLE app.t ALTER COLUMN a SET NOT NULL",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c; "
     "ALTER TABLE app.t ALTER COLUMN a SET NOT NULL",
     0},
    {"drop-not-null", "ALTER TABLE app.t ALTER COLUMN a DROP NOT NULL",
     "ALTER TABLE app.t ALTER COLUMN a SET DEFAULT 1", 0},
    {"column-not-null-without-default", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int NOT NULL",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int NOT NULL DEFAULT 7", 0},
    {"column-volatile-default", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a uuid DEFAULT gen_random_uuid()",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a timestamptz DEFAULT now()", 0},
    {"column-serial", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a bigserial",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a bigint", 0},
    {"column-serial", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a bigint GENERATED ALWAYS AS IDENTITY",
     "CREATE TABLE IF NOT EXISTS app.t (a bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", 0},
    {"column-generated", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int GENERATED ALWAYS AS (b + 1) STORED",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int", 0},
    {"column-of-unknown-type", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a app.email",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a text", 0},
    {"column-drop", "ALTER TABLE app.t DROP COLUMN IF EXISTS a", "ALTER TABLE app.t ALTER COLUMN a DROP DEFAULT", 0},
    {"column-type", "ALTER TABLE app.t ALTER COLUMN a TYPE bigint",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a2 bigint", 0},
    {"column-type-used",
     "CREATE OR REPLACE VIEW app.v AS SELECT x.a FROM app.t x; ALTER TABLE app.t ALTER COLUMN a TYPE bigint",
     "CREATE OR REPLACE VIEW app.v AS SELECT x.b FROM app.t x; ALTER TABLE app.t ALTER COLUMN a TYPE bigint", 0},
    {"column-type-used",
     "CREATE OR REPLACE VIEW app.v AS SELECT * FROM app.t; ALTER TABLE app.t ALTER COLUMN a TYPE bigint",
     "CREATE OR REPLACE VIEW app.v AS SELECT * FROM app.t; DROP VIEW IF EXISTS app.v; ALTER TABLE app.t ALTER COLUMN a "
     "TYPE bigint",
     0},
    {"column-type-of-key",
     "ALTER TABLE app.u ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES app.t (a) NOT VALID; ALTER TABLE app.t ALTER "
     "COLUMN a "
     "TYPE bigint",
     "ALTER TABLE app.u ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES app.t (a) NOT VALID; ALTER TABLE app.t ALTER "
     "COLUMN b "
     "TYPE bigint",
     0},
    {"default-drop", "ALTER TABLE app.t ALTER COLUMN a DROP DEFAULT", "ALTER TABLE app.t ALTER COLUMN a SET DEFAULT 1",
     0},
    {"column-expression-drop", "ALTER TABLE app.t ALTER COLUMN a DROP EXPRESSION IF EXISTS",
     "ALTER TABLE app.t ALTER COLUMN a SET STATISTICS 500", 0},
    {"column-expression-change", "ALTER TABLE app.t ALTER COLUMN a SET EXPRESSION AS (b + 2)",
     "ALTER TABLE app.t ALTER COLUMN a SET STATISTICS 500", 0},
    {"table-unlogged", "ALTER TABLE app.t SET UNLOGGED", "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY)", 0},
    {"table-rewrite-logged", "ALTER TABLE app.t SET LOGGED", "ALTER TABLE app.t SET (fillfactor = 90)", 0},
    {"table-move-storage", "ALTER TABLE app.t SET TABLESPACE fast", "ALTER TABLE app.t SET (autovacuum_enabled = true)",
     0},
    {"replica-identity", "ALTER TABLE app.t REPLICA IDENTITY FULL", "ALTER TABLE app.t CLUSTER ON i", 0},
    {"partition-attach", "ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES IN (1)",
     "CREATE TABLE IF NOT EXISTS app.p1 (LIKE app.p); ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES IN (1)", 0},
    {"partition-create", "CREATE TABLE IF NOT EXISTS app.p1 PARTITION OF app.p FOR VALUES IN (1)",
     "CREATE TABLE IF NOT EXISTS app.p1 (LIKE app.p INCLUDING ALL)", 0},
    {"partition-detach-not-concurrent", "ALTER TABLE app.p DETACH PARTITION app.p1",
     "ALTER TABLE app.p DETACH PARTITION app.p1 CONCURRENTLY", 0},
    {"partition-drop", "ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES IN (1); DROP TABLE IF EXISTS app.p1",
     "ALTER TABLE app.p DETACH PARTITION app.p1 CONCURRENTLY; DROP TABLE IF EXISTS app.p1", 0},
    {"partitions-locked-too",
     "CREATE TABLE IF NOT EXISTS app.p1 PARTITION OF app.p FOR VALUES IN (1); ALTER TABLE app.p ADD COLUMN IF NOT "
     "EXISTS "
     "b int",
     "CREATE TABLE IF NOT EXISTS app.p1 PARTITION OF app.p FOR VALUES IN (1); ALTER TABLE ONLY app.p ALTER COLUMN b "
     "SET "
     "DEFAULT 1; ALTER TABLE app.p ENABLE ROW LEVEL SECURITY; ALTER TABLE app.t ADD COLUMN IF NOT EXISTS b int",
     0},
    {"partitions-locked-too",
     "ALTER TABLE app.p DETACH PARTITION app.p1 CONCURRENTLY; ALTER TABLE app.p ADD CONSTRAINT c CHECK (b > 0) NOT "
     "VALID",
     "ALTER TABLE app.p DETACH PARTITION app.p1 CONCURRENTLY; ALTER TABLE app.p ALTER COLUMN b SET STATISTICS 500; "
     "CREATE "
     "TABLE IF NOT EXISTS app.q (a int8 PRIMARY KEY) PARTITION BY LIST (a); ALTER TABLE app.q ADD COLUMN IF NOT EXISTS "
     "b "
     "int",
     0},
    {"rename-column", "ALTER TABLE app.t RENAME COLUMN a TO b", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS b int", 0},
    {"rename-table", "ALTER TABLE IF EXISTS app.t RENAME TO u", "CREATE OR REPLACE VIEW app.u AS SELECT 1", 0},
    {"rename-object", "ALTER INDEX IF EXISTS app.i RENAME TO k", "ALTER INDEX app.i SET (fillfactor = 90)", 0},
    {"move-to-schema", "ALTER TABLE IF EXISTS app.t SET SCHEMA old", "COMMENT ON TABLE app.t IS 'old'", 0},
    {"truncate", "TRUNCATE app.t", "DELETE FROM app.t WHERE id < 7", 0},
    {"truncate-cascade", "TRUNCATE app.t CASCADE", "TRUNCATE app.t, app.u", 0},
    {"table-drop", "DROP TABLE IF EXISTS app.t", "DROP VIEW IF EXISTS app.t", 0},
    {"table-drop",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE app.t; END $$",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$", 0},
    {"schema-drop", "CREATE TABLE IF NOT EXISTS a.t (i int PRIMARY KEY); DROP SCHEMA IF EXISTS app",
     "CREATE SCHEMA IF NOT EXISTS app", 0},
    {"data-drop", "DROP SEQUENCE IF EXISTS app.s", "CREATE SEQUENCE IF NOT EXISTS app.s", 0},
    {"database-drop", "DROP OWNED BY ada", "REVOKE SELECT ON app.t FROM ada", 0},
    {"drop-cascade", "DROP VIEW IF EXISTS app.v CASCADE", "DROP VIEW IF EXISTS app.v", 0},
    {"definition-drop", "DROP FUNCTION IF EXISTS app.f(int)",
     "CREATE OR REPLACE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", 0},
    {"extension-drop", "DROP EXTENSION IF EXISTS hstore", "CREATE EXTENSION IF NOT EXISTS hstore VERSION '1.8'", 0},
    {"drop-then-create", "DROP VIEW IF EXISTS app.v; CREATE VIEW app.v AS SELECT 1",
     "CREATE OR REPLACE VIEW app.v AS SELECT 1", 0},
    {"drop-then-create",
     "DROP FUNCTION IF EXISTS app.f; CREATE FUNCTION app.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "DROP FUNCTION IF EXISTS app.f(int); CREATE OR REPLACE FUNCTION app.f(a text) RETURNS int LANGUAGE sql AS 'SELECT "
     "1'",
     0},
    {"alters-repeated",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int; ALTER TABLE app.t ADD COLUMN IF NOT EXISTS b int",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int, ADD COLUMN IF NOT EXISTS b int", 0},
    {"lock-table", "LOCK TABLE app.t", "SELECT 1", 0},
    {"vacuum-full", "VACUUM FULL app.t", "VACUUM (FULL false) app.t", 0},
    {"cluster", "CLUSTER app.t USING i", "ANALYZE app.t", 0},
    {"delete-all", "DELETE FROM app.t WHERE 1 = 1", "DELETE FROM app.t WHERE id = 1", 0},
    {"delete-all", "EXPLAIN ANALYZE DELETE FROM app.t",
     "EXPLAIN DELETE FROM app.t; EXPLAIN (ANALYZE false, VERBOSE) DELETE FROM app.t", 0},
    {"update-all", "EXPLAIN (ANALYZE) UPDATE app.t SET a = 1",
     "EXPLAIN WITH w AS (UPDATE app.t SET a = 1 RETURNING 1) SELECT 1", 0},
    {"delete-rows", "WITH gone AS (DELETE FROM app.t WHERE id < 9 RETURNING 1) SELECT count(*) FROM gone",
     "SELECT count(*) FROM app.t WHERE id < 9", 0},
    {"update-all", "UPDATE app.t SET a = 1", "UPDATE app.t SET a = 1 WHERE a IS NULL", 0},
    {"update-in-one-go", "UPDATE app.t SET a = 1 WHERE a IS NULL",
     "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY); UPDATE app.t SET a = 1 WHERE a IS NULL", 0},
    {"batches-mark", "-- lbops:batches\nINSERT INTO app.t (a) SELECT 1 ON CONFLICT DO NOTHING",
     "-- lbops:batches 50\nUPDATE app.t SET a = 1 WHERE a IS NULL", 0},
    {"changes-in-loop", "DO $$ BEGIN FOR i IN 1..9 LOOP UPDATE app.t SET a = 1 WHERE id = i; END LOOP; END $$",
     "DO $$ BEGIN UPDATE app.t SET a = 1 WHERE id = 3; END $$", 0},
    {"sequence-restart", "ALTER SEQUENCE app.s RESTART", "ALTER SEQUENCE app.s CACHE 10", 0},
    {"sequence-restart", "SELECT setval('app.s', 1)", "SELECT nextval('app.s')", 0},
    {"trigger-create", "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION app.f()",
     "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY); CREATE OR REPLACE TRIGGER g BEFORE INSERT ON app.t EXECUTE "
     "FUNCTION app.f()",
     0},
    {"trigger-disable", "ALTER TABLE app.t DISABLE TRIGGER ALL", "ALTER TABLE app.t ENABLE TRIGGER ALL", 0},
    {"rule-create", "CREATE OR REPLACE RULE r AS ON INSERT TO app.t DO NOTHING",
     "CREATE OR REPLACE VIEW app.v AS SELECT 1", 0},
    {"rule-create", "CREATE OR REPLACE RULE r AS ON DELETE TO app.v DO INSTEAD DELETE FROM app.t WHERE id = OLD.id",
     "DELETE FROM app.t WHERE id = 1", 0},
    {"refresh-not-concurrent", "REFRESH MATERIALIZED VIEW app.m", "REFRESH MATERIALIZED VIEW CONCURRENTLY app.m", 0},
    {"materialized-view-filled", "CREATE MATERIALIZED VIEW IF NOT EXISTS app.m AS SELECT 1",
     "CREATE MATERIALIZED VIEW IF NOT EXISTS app.m AS SELECT 1 AS a WITH NO DATA", 0},
    {"view-bypasses-row-security",
     "CREATE OR REPLACE VIEW app.v AS SELECT a FROM app.t; CREATE POLICY p ON app.t USING (a = 1); ALTER TABLE app.t "
     "ENABLE ROW LEVEL SECURITY",
     "CREATE OR REPLACE VIEW app.v WITH (security_invoker) AS SELECT a FROM app.t; CREATE POLICY p ON app.t USING (a = "
     "1); ALTER TABLE app.t ENABLE ROW LEVEL SECURITY",
     0},
    {"view-bypasses-row-security",
     "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; CREATE OR REPLACE VIEW app.v AS SELECT u.a FROM app.u JOIN app.t "
     "USING (a)",
     "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; CREATE OR REPLACE VIEW app.v AS SELECT a FROM app.t; ALTER VIEW "
     "app.v "
     "SET (security_invoker = true); CREATE OR REPLACE VIEW app.w AS SELECT a FROM app.u",
     0},
    {"code-not-analysed", "DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'x'); END $$", "DO $$ BEGIN PERFORM 1; END $$",
     0},
    {"code-not-analysed", "SELECT app.purge()", "SELECT lower('x')", 0},
    {"code-not-analysed", "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE plpython3u AS 'return 1'",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 0},
    {"security-definer-search-path",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS "
     "'SELECT 1'",
     0},
    {"enum-create", "CREATE TYPE app.mood AS ENUM ('a')", "CREATE DOMAIN app.mood AS text CHECK (VALUE IN ('a'))", 0},
    {"enum-value-rename", "ALTER TYPE app.mood RENAME VALUE 'a' TO 'b'",
     "ALTER TYPE app.mood ADD VALUE IF NOT EXISTS 'b' AFTER 'a'", 0},
    {"enum-value-position", "ALTER TYPE app.mood ADD VALUE IF NOT EXISTS 'b'",
     "ALTER TYPE app.mood ADD VALUE IF NOT EXISTS 'b' BEFORE 'a'", 0},
    {"domain-constraint", "ALTER DOMAIN app.d ADD CONSTRAINT c CHECK (VALUE > 0)",
     "ALTER DOMAIN app.d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID", 0},
    {"type-json", "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b json)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b jsonb)", 0},
    {"type-serial", "CREATE TABLE IF NOT EXISTS app.t (a bigserial PRIMARY KEY)",
     "CREATE TABLE IF NOT EXISTS app.t (a bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)", 0},
    {"type-small-key", "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY)",
     "CREATE TABLE IF NOT EXISTS app.t (a bigint PRIMARY KEY)", 0},
    {"type-timestamp-without-zone", "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b timestamp)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b timestamptz)", 0},
    {"type-char", "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b char(3))",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b text)", 0},
    {"type-money", "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b money)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b numeric)", 0},
    {"columns-padded", "CREATE TABLE IF NOT EXISTS app.t (a bool, b int8 PRIMARY KEY, c int2, d timestamptz)",
     "CREATE TABLE IF NOT EXISTS app.t (b int8 PRIMARY KEY, d timestamptz, c int2, a bool)", 0},
    {"columns-padded", "CREATE TABLE IF NOT EXISTS app.t (a int4, b int8 PRIMARY KEY, c int4, d float8, e text)",
     "CREATE TABLE IF NOT EXISTS app.t (a int4, b int8 PRIMARY KEY, e text, c int4, d float8, f int4[], g int8)", 0},
    {"table-without-key", "CREATE TABLE IF NOT EXISTS app.t (a int)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, PRIMARY KEY (a))", 0},
    {"row-security-change", "ALTER TABLE app.t FORCE ROW LEVEL SECURITY",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); ALTER TABLE app.t FORCE ROW LEVEL SECURITY", 0},
    {"row-security-off", "ALTER TABLE app.t DISABLE ROW LEVEL SECURITY", "ALTER TABLE app.t FORCE ROW LEVEL SECURITY",
     0},
    {"row-security-without-policy", "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY",
     "DO $$ BEGIN CREATE POLICY p ON app.t USING (a = 1); EXCEPTION WHEN duplicate_object THEN NULL; END $$; ALTER "
     "TABLE app.t ENABLE ROW LEVEL SECURITY",
     0},
    {"policy-always-true", "CREATE POLICY p ON app.t FOR ALL USING (true)",
     "CREATE POLICY p ON app.t FOR SELECT USING (true)", 0},
    {"grant-wide", "GRANT SELECT ON app.t TO PUBLIC", "GRANT SELECT ON app.t TO ada", 0},
    {"role-strong", "CREATE ROLE r SUPERUSER", "CREATE ROLE r LOGIN", 0},
    {"owner-change", "ALTER TABLE app.t OWNER TO ada", "GRANT SELECT ON app.t TO ada", 0},
    {"setting-kept", "ALTER DATABASE d SET work_mem = '1GB'", "SET work_mem = '1GB'", 0},
    {"timeout-set-by-file", "SET lock_timeout = '1s'", "SET work_mem = '1GB'", 0},
    {"extension-unpinned", "CREATE EXTENSION IF NOT EXISTS hstore",
     "CREATE EXTENSION IF NOT EXISTS hstore VERSION '1.8'", 0},
    {"publication-change", "ALTER PUBLICATION p SET TABLE app.t", "ANALYZE app.t", 0},
    {"catalogue-change", "UPDATE pg_catalog.pg_class SET relname = 'x' WHERE false",
     "UPDATE app.pg_class SET relname = 'x' WHERE false", 0},
    {"drop-then-create",
     "DROP AGGREGATE IF EXISTS app.a(int); CREATE AGGREGATE app.a(int) (sfunc = int4pl, stype = int4)",
     "DROP AGGREGATE IF EXISTS app.a(text); CREATE OR REPLACE AGGREGATE app.a(int) (sfunc = int4pl, stype = int4)", 0},
    {"not-idempotent",
     "DROP AGGREGATE IF EXISTS app.a(text); CREATE AGGREGATE app.a(int) (sfunc = int4pl, stype = int4)",
     "DROP AGGREGATE IF EXISTS app.a(int); CREATE AGGREGATE app.a(int) (sfunc = int4pl, stype = int4); "
     "DROP AGGREGATE IF EXISTS app.b(int); CREATE AGGREGATE app.b (basetype = int, sfunc = int4pl, stype = int4); "
     "DROP AGGREGATE IF EXISTS app.c(*); CREATE AGGREGATE app.c(*) (sfunc = int8inc, stype = int8)",
     0},
    {"not-idempotent", "CREATE TABLE app.t (a int)", "CREATE TABLE IF NOT EXISTS app.t (a int)", 0},
    {"not-idempotent", "DROP INDEX CONCURRENTLY app.i", "DROP TABLE app.t", 0},
    {"not-idempotent", "DROP POLICY IF EXISTS p ON app.u; CREATE POLICY p ON app.t USING (a = 1)",
     "DROP POLICY IF EXISTS p ON app.t; CREATE POLICY p ON app.t USING (a = 1)", 0},
    {"not-idempotent",
     "DROP TRIGGER IF EXISTS g ON app.u; CREATE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION app.f()",
     "DROP TRIGGER IF EXISTS g ON app.t; CREATE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION app.f()", 0},
    {"not-idempotent", "DROP RULE IF EXISTS r ON u; CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING",
     "DROP RULE IF EXISTS r ON t; CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING", 0},
    {"not-idempotent",
     "DROP FUNCTION IF EXISTS app.f(int); CREATE FUNCTION app.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "DROP FUNCTION IF EXISTS app.f(int, text[]); CREATE FUNCTION app.f(a integer, b pg_catalog.text[], OUT c int) "
     "LANGUAGE sql AS 'SELECT 1'",
     0},
    {"not-idempotent",
     "DROP FUNCTION IF EXISTS app.f(text[]); CREATE FUNCTION app.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "DROP ROUTINE IF EXISTS app.f(varchar(9)); CREATE PROCEDURE app.f(a character varying) LANGUAGE sql AS 'SELECT "
     "1'",
     0},
    {"drop-without-if-exists", "DROP SCHEMA app CASCADE", "DROP SCHEMA IF EXISTS app CASCADE", 0},
    {"drop-without-if-exists", "ALTER TABLE app.t DROP COLUMN a", "ALTER TABLE app.t DROP COLUMN IF EXISTS a", 0},
    {"rows-not-idempotent", "INSERT INTO app.t VALUES (1)", "INSERT INTO app.t VALUES (1) ON CONFLICT DO NOTHING", 0},
    {"rows-not-idempotent", "UPDATE app.t SET n = n + 1 WHERE id = 3", "UPDATE app.t SET n = 1 WHERE id = 3", 0},
    {"transaction-control", "BEGIN; CREATE TABLE IF NOT EXISTS app.t (a int); COMMIT",
     "CREATE TABLE IF NOT EXISTS app.t (a int)", 0},
    {"copy-from-client", "COPY app.t FROM STDIN", "INSERT INTO app.t VALUES (1) ON CONFLICT DO NOTHING", 0},
    {"copy-program", "COPY app.t FROM PROGRAM 'cat /etc/passwd'", "SELECT 1", 0},
    {"name-too-long",
     "CREATE TABLE IF NOT EXISTS app.a123456789012345678901234567890123456789012345678901234567890123 (a int)",
     "CREATE TABLE IF NOT EXISTS app.a12345678901234567890123456789012345678901234567890123456789012 (a int)", 0},
    {"unqualified-name", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int", 0},
    {"needs-newer-server", "ALTER TABLE app.t ALTER COLUMN a SET EXPRESSION AS (b + 2)",
     "ALTER TABLE app.t ALTER COLUMN a SET STATISTICS 3", 16},
    {"needs-newer-server", "SELECT * FROM JSON_TABLE(jsonb '[1]', '$[*]' COLUMNS (i int PATH '$')) AS j", "SELECT 1",
     15},
    {"placeholder", "COMMENT ON TABLE app.t IS 'of ${owner}'", "COMMENT ON TABLE app.t IS 'of {owner} for $5' -- ${x}",
     0},
    {"placeholder", "CREATE TABLE IF NOT EXISTS ${schema}.t (a int PRIMARY KEY)", "SELECT '{1,2}'::int[], $${1,2}$$",
     0},
    {"placeholder", "COMMENT ON TABLE app.t IS E'it\\'s -- ${owner}'", "SELECT 1 AS a$b", 0},
    {"placeholder", "DO $$ BEGIN PERFORM '${flyway:user}'; END $$", "/* ${a} */ DO $$ BEGIN PERFORM 1; END $$", 0},
    {"syntax-error", "CREATE TABEL t (a int)", "SELECT 1", 0},
    {"syntax-error", "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a) VIRTUAL)",
     "CREATE TABLE IF NOT EXISTS app.t (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a) STORED)", 0},
    {"table-drop", "DO $$ BEGIN EXECUTE 'DROP TABLE IF EXISTS app.t'; END $$",
     "DO $$ BEGIN EXECUTE 'COMMENT ON TABLE app.t IS NULL'; END $$", 0},
    {"column-drop",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..2 LOOP BEGIN ALTER "
     "TABLE "
     "app.t DROP COLUMN IF EXISTS a; EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..2 LOOP PERFORM 1; END "
     "LOOP; END $$",
     0},
    {"truncate",
     "CREATE OR REPLACE PROCEDURE app.p() LANGUAGE plpgsql AS $$ BEGIN CASE WHEN now() > '2030-01-01' THEN TRUNCATE "
     "app.t; ELSE NULL; END CASE; END $$",
     "CREATE OR REPLACE PROCEDURE app.p() LANGUAGE plpgsql AS $$ BEGIN CASE WHEN now() > '2030-01-01' THEN PERFORM 1; "
     "ELSE NULL; END CASE; END $$",
     0},
    {"delete-all",
     "DO $$ DECLARE n bigint; BEGIN WITH gone AS (DELETE FROM app.t RETURNING 1) SELECT count(*) INTO n FROM "
     "gone; END $$",
     "DO $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM app.t; END $$", 0},
    {"destructive-in-parts", "DROP TABLE IF EXISTS app.t; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.u (a)",
     "DROP TABLE IF EXISTS app.t; DROP TABLE IF EXISTS app.u", 0},
    {"destructive", "SELECT pg_promote()", "SELECT 1", 0},
};
/* clang-format on */

static void each_rule_fires_and_lets_its_safe_form_pass(void)
{
    for (size_t i = 0; i < LB_COUNT(examples); i++) {
        arena memory;
        const example *x = &examples[i];
        arena_init(&memory, 0);
        judgement bad = judged_by(&memory, x->server ? x->server : 17, x->fires);
        judgement good = judged_by(&memory, x->server ? x->server : 17, x->safe);
        bool fires = find(&bad, x->id) != NULL, passes = find(&good, x->id) == NULL && !find(&good, "syntax-error");
        if (!fires || !passes)
            printf("\n    %s: %s\n    %s\n", x->id, fires ? "fires on its safe form" : "does not fire",
                   fires ? x->safe : x->fires);
        CU_ASSERT(fires && passes);
        arena_done(&memory);
    }
}

static void no_rule_is_without_an_example(void)
{
    for (int id = 0; id < JUDGE_RULES; id++) {
        const judge_rule *r = judge_rule_of((judge_rule_id)id);
        judge_rule_id found;
        bool has = false;
        for (size_t i = 0; i < LB_COUNT(examples); i++)
            has = has || strcmp(examples[i].id, r->id) == 0;
        if (!has)
            printf("\n    no example for %s\n", r->id);
        CU_ASSERT(has);
        CU_ASSERT(r->doc[0] && r->safe[0] && strspn(r->id, "abcdefghijklmnopqrstuvwxyz-") == strlen(r->id));
        CU_ASSERT(judge_rule_find(r->id, &found) && (int)found == id);
    }
}

/* The rewrite of what a second run would meet is met by no second run. */
static void a_rewrite_passes(void)
{
    static const char *const all[] = {
        "CREATE TABLE app.t (a int)",
        "CREATE TABLE app.t AS SELECT 1",
        "CREATE MATERIALIZED VIEW app.m AS SELECT 1 WITH NO DATA",
        "CREATE INDEX CONCURRENTLY i ON app.t (a)",
        "CREATE UNIQUE INDEX i ON app.t (a)",
        "CREATE SCHEMA app",
        "CREATE SEQUENCE app.s",
        "CREATE EXTENSION hstore",
        "CREATE VIEW app.v AS SELECT 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION app.f()",
        "CREATE TYPE app.mood AS ENUM ('a')",
        "CREATE DOMAIN app.d AS int",
        "CREATE POLICY p ON app.t USING (a = 1)",
        "CREATE ROLE r",
        "ALTER TABLE app.t ADD COLUMN a int",
        "ALTER TABLE app.t DROP COLUMN a",
        "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
        "ALTER TABLE app.t DROP CONSTRAINT c",
        "ALTER TABLE app.t RENAME COLUMN a TO b",
        "ALTER TABLE app.t RENAME TO u",
        "ALTER TABLE app.t SET SCHEMA old",
        "ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES IN (1)",
        "ALTER TABLE app.p DETACH PARTITION app.p1",
        "ALTER TYPE app.mood ADD VALUE 'b' AFTER 'a'",
        "ALTER DOMAIN app.d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID",
        "DROP TABLE app.t",
        "DROP INDEX CONCURRENTLY app.i",
        "DROP MATERIALIZED VIEW app.m",
        "DROP FUNCTION app.f(int)",
        "DROP POLICY p ON app.t",
        "DROP ROLE r",
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        arena_init(&memory, 0);
        judgement bad = judged_by(&memory, 17, all[i]);
        const judge_hazard *h = find(&bad, "not-idempotent");
        h = h ? h : find(&bad, "drop-without-if-exists");
        CU_ASSERT_PTR_NOT_NULL(h);
        judgement good = judged_by(&memory, 17, h && h->rewrite ? h->rewrite : "nothing");
        bool passes = good.count && !find(&good, "not-idempotent") && !find(&good, "drop-without-if-exists") &&
                      !find(&good, "syntax-error");
        if (!passes)
            printf("\n    %s\n    %s\n", all[i], h && h->rewrite ? h->rewrite : "(no rewrite)");
        CU_ASSERT(passes);
        arena_done(&memory);
    }
}

static void places_and_rewrites_are_exact(void)
{
    arena memory;
    arena_init(&memory, 0);
    judgement done =
        judged_by(&memory, 17,
                  "-- first\nCREATE SCHEMA IF NOT EXISTS app;\n  CREATE TABLE app.t (a int8 PRIMARY KEY);\n"
                  "DO $$\nBEGIN\n  DROP TABLE app.old;\nEND $$;\nSELECT 1 FRM t x y;");
    judge_hazard h = found_one(&done, "syntax-error");
    CU_ASSERT_EQUAL(h.place.line, 8);
    CU_ASSERT_EQUAL(h.place.column, 14);
    done = judged_by(&memory, 17,
                     "-- first\nCREATE SCHEMA IF NOT EXISTS app;\n  CREATE TABLE app.t (a int8 PRIMARY KEY);\n"
                     "DO $$\nBEGIN\n  DROP TABLE app.old;\nEND $$;");
    h = found_one(&done, "not-idempotent");
    ASSERT_TEXT(h.object, "app.t");
    ASSERT_TEXT(h.rewrite, "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY)");
    CU_ASSERT_EQUAL(h.statement, 2);
    CU_ASSERT_EQUAL(h.place.line, 3);
    CU_ASSERT_EQUAL(h.place.column, 3);
    h = found_one(&done, "table-drop");
    CU_ASSERT_EQUAL(h.statement, 3);
    CU_ASSERT_EQUAL(h.place.line, 6);
    CU_ASSERT_TRUE(done.destroys);
    arena_done(&memory);
}

static void placeholders_stand_before_what_they_break(void)
{
    arena memory;
    arena_init(&memory, 0);
    judgement done =
        judged_by(&memory, 17, "SELECT E'\\'--'; -- it's ${not}\n  CREATE TABLE ${a.b}.t (x text DEFAULT '--${c}')");
    CU_ASSERT_EQUAL_FATAL(done.hazard_count, 3);
    ASSERT_TEXT(done.hazards[0].object, "${a.b}");
    CU_ASSERT_EQUAL(done.hazards[0].place.line, 2);
    CU_ASSERT_EQUAL(done.hazards[0].place.column, 16);
    ASSERT_TEXT(done.hazards[1].object, "${c}");
    ASSERT_TEXT(judge_rule_of(done.hazards[2].rule)->id, "syntax-error");
    arena_done(&memory);
}

static void locks_are_told(void)
{
    static const struct {
        const char *sql;
        judge_lock lock;
        const char *on;
        bool scans, rewrites;
    } all[] = {
        {"CREATE INDEX IF NOT EXISTS i ON app.t (a)", LOCK_SHARE, "app.t", true, false},
        {"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a)", LOCK_SHARE_UPDATE_EXCLUSIVE, "app.t", true, false},
        {"ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int", LOCK_ACCESS_EXCLUSIVE, "app.t", false, false},
        {"ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a uuid DEFAULT gen_random_uuid()", LOCK_ACCESS_EXCLUSIVE, "app.t",
         true, true},
        {"ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u", LOCK_SHARE_ROW_EXCLUSIVE, "app.t", true,
         false},
        {"ALTER TABLE app.t VALIDATE CONSTRAINT f", LOCK_SHARE_UPDATE_EXCLUSIVE, "app.t", true, false},
        {"ALTER TABLE app.t ALTER COLUMN a TYPE bigint", LOCK_ACCESS_EXCLUSIVE, "app.t", true, true},
        {"ALTER TABLE app.t SET (fillfactor = 80)", LOCK_SHARE_UPDATE_EXCLUSIVE, "app.t", false, false},
        {"ALTER TABLE app.t DISABLE TRIGGER ALL", LOCK_SHARE_ROW_EXCLUSIVE, "app.t", false, false},
        {"REFRESH MATERIALIZED VIEW CONCURRENTLY app.m", LOCK_EXCLUSIVE, "app.m", false, false},
        {"INSERT INTO app.t VALUES (1)", LOCK_ROW_EXCLUSIVE, "app.t", false, false},
        {"LOCK TABLE app.t IN SHARE MODE", LOCK_SHARE, "app.t", false, false},
        {"EXPLAIN DELETE FROM app.t", LOCK_ROW_EXCLUSIVE, "app.t", false, false},
        {"SELECT 1", LOCK_NONE, "", false, false},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        arena_init(&memory, 0);
        judgement done = judged_by(&memory, 17, all[i].sql);
        CU_ASSERT_EQUAL_FATAL(done.count, 1);
        const judged *s = &done.items[0];
        if (s->lock != all[i].lock || s->scans != all[i].scans || s->rewrites != all[i].rewrites)
            printf("\n    %s: %s, scans %d, rewrites %d\n", all[i].sql, judge_lock_name(s->lock), s->scans,
                   s->rewrites);
        CU_ASSERT_EQUAL(s->lock, all[i].lock);
        ASSERT_TEXT(s->lock_on, all[i].on);
        CU_ASSERT_EQUAL(s->scans, all[i].scans);
        CU_ASSERT_EQUAL(s->rewrites, all[i].rewrites);
        arena_done(&memory);
    }
}

/* As far as somebody has looked: IF NOT EXISTS makes nothing then, and what follows is about a table that people use.
 */
static void a_table_that_is_there_is_in_use(void)
{
    static const char *const names[] = {"app.u", "app.t"};
    const judge_there there = {names, LB_COUNT(names)}, other = {names, 1};
    static const char table[] = "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8); "
                                "CREATE INDEX IF NOT EXISTS i ON app.t (b); ALTER TABLE app.t ALTER b SET NOT NULL",
                      dropped[] = "DROP TABLE IF EXISTS app.t; CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b "
                                  "int8); CREATE INDEX IF NOT EXISTS i ON app.t (b)",
                      view[] = "CREATE MATERIALIZED VIEW IF NOT EXISTS app.t AS SELECT 1 WITH NO DATA; "
                               "REFRESH MATERIALIZED VIEW app.t";
    const struct {
        const char *text, *id;
        const judge_there *there;
        bool is_found;
    } all[] = {
        {table, "index-not-concurrent", NULL, false},    {table, "index-not-concurrent", &other, false},
        {table, "index-not-concurrent", &there, true},   {table, "set-not-null", NULL, false},
        {table, "set-not-null", &there, true},           {dropped, "index-not-concurrent", &there, false},
        {view, "refresh-not-concurrent", &other, false}, {view, "refresh-not-concurrent", &there, true},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        arena_init(&memory, 0);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(all[i].text, 17, all[i].there, &memory, &done, &err), 0);
        CU_ASSERT_EQUAL((find(&done, all[i].id) != NULL), all[i].is_found);
        arena_done(&memory);
    }
}

/* What the server keeps as a tree is a body like one that it keeps as a text, and what stands beside it is not. */
static void a_body_runs_when_it_is_called(void)
{
    static const char *const bodies[] = {
        "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE sql AS 'DELETE FROM app.t; UPDATE app.u SET a = 1'",
        "CREATE OR REPLACE FUNCTION app.f() RETURNS void BEGIN ATOMIC DELETE FROM app.t; UPDATE app.u SET a = 1; END",
        "CREATE OR REPLACE PROCEDURE app.f() LANGUAGE sql BEGIN ATOMIC DELETE FROM app.t; UPDATE app.u SET a = 1; END",
    };
    arena memory;
    arena_init(&memory, 0);
    for (size_t i = 0; i < LB_COUNT(bodies); i++) {
        judgement done = judged_by(&memory, 17, bodies[i]);
        judge_hazard h = found_one(&done, "delete-all");
        CU_ASSERT_TRUE(h.in_body);
        CU_ASSERT_EQUAL(h.statement, 1);
        CU_ASSERT_EQUAL_FATAL(done.count, 1);
        CU_ASSERT_EQUAL(done.items[0].lock, LOCK_NONE);
        CU_ASSERT_TRUE(found_one(&done, "update-all").in_body);
    }
    judgement returns = judged_by(&memory, 15,
                                  "CREATE OR REPLACE FUNCTION app.f() RETURNS bigint RETURN setval('s', 1); "
                                  "CREATE OR REPLACE FUNCTION app.g() RETURNS boolean RETURN '1' IS JSON");
    CU_ASSERT_PTR_NULL(find(&returns, "sequence-restart"));
    CU_ASSERT_EQUAL(found_one(&returns, "needs-newer-server").statement, 2); /* the server reads it all the same */
    judgement now = judged_by(&memory, 17, "WITH gone AS (DELETE FROM app.t RETURNING id) SELECT count(*) FROM gone");
    CU_ASSERT_FALSE(found_one(&now, "delete-all").in_body);
    CU_ASSERT_EQUAL(now.items[0].lock, LOCK_ROW_EXCLUSIVE);
    arena_done(&memory);
}

/* What a rule does instead or as well, it does when a statement meets it: the table of its actions is left alone now.
 */
static void a_rule_acts_when_a_statement_meets_it(void)
{
    arena memory;
    arena_init(&memory, 0);
    judgement one = judged_by(&memory, 17,
                              "CREATE OR REPLACE RULE r AS ON DELETE TO app.v DO INSTEAD DELETE FROM app.t WHERE id = "
                              "OLD.id");
    CU_ASSERT_EQUAL_FATAL(one.count, 1);
    CU_ASSERT_FALSE(found_one(&one, "rule-create").in_body);
    CU_ASSERT_TRUE(found_one(&one, "delete-rows").in_body);
    CU_ASSERT_FALSE(one.destroys);
    judgement several =
        judged_by(&memory, 17,
                  "CREATE OR REPLACE RULE r AS ON INSERT TO app.v WHERE NEW.id > 0 DO ALSO (UPDATE u SET n = n + 1; "
                  "DELETE FROM app.w; SELECT setval('app.s', 1))");
    CU_ASSERT_EQUAL_FATAL(several.count, 1);
    CU_ASSERT_TRUE(found_one(&several, "update-all").in_body);
    CU_ASSERT_TRUE(found_one(&several, "delete-all").in_body);
    CU_ASSERT_PTR_NULL(find(&several, "rows-not-idempotent"));
    CU_ASSERT_PTR_NULL(find(&several, "sequence-restart"));
    CU_ASSERT_PTR_NULL(find(&several, "unqualified-name"));
    CU_ASSERT_EQUAL(several.items[0].lock, LOCK_ACCESS_EXCLUSIVE);
    ASSERT_TEXT(several.items[0].lock_on, "app.v");
    judgement beside = judged_by(&memory, 17,
                                 "CREATE OR REPLACE RULE r AS ON INSERT TO app.v DO ALSO DELETE FROM "
                                 "app.w; DELETE FROM app.w");
    CU_ASSERT_EQUAL_FATAL(beside.count, 2);
    CU_ASSERT_TRUE(beside.destroys);
    bool is_seen = false;
    for (size_t i = 0; i < beside.hazard_count; i++)
        is_seen = is_seen || (beside.hazards[i].rule == JUDGE_DELETE_ALL && beside.hazards[i].statement == 2 &&
                              !beside.hazards[i].in_body);
    CU_ASSERT_TRUE(is_seen);
    arena_done(&memory);
}

/* "1,3": the statements that a transaction begins with. */
static const char *parts_of(arena *memory, const char *text)
{
    char line[128] = "";
    judgement done = judged_by(memory, 17, text);
    for (size_t i = 0; i < done.count; i++)
        if (done.items[i].starts_part)
            (void)snprintf(line + strlen(line), sizeof line - strlen(line), "%s%zu", i ? "," : "", i + 1);
    return arena_strdup(memory, line);
}

static void transactions_end_where_they_must(void)
{
    arena memory;
    arena_init(&memory, 0);
    ASSERT_TEXT(parts_of(&memory, "CREATE TABLE IF NOT EXISTS a.t (i int); CREATE TABLE IF NOT EXISTS a.u (i int)"),
                "1");
    ASSERT_TEXT(parts_of(&memory, "SELECT 1; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a.t (i); SELECT 2; SELECT 3"),
                "1,2,3");
    ASSERT_TEXT(parts_of(&memory, "VACUUM a.t; VACUUM a.u"), "1,2");
    ASSERT_TEXT(parts_of(&memory, "ALTER TABLE a.t ADD CONSTRAINT c CHECK (i > 0) NOT VALID; "
                                  "ALTER TABLE a.t VALIDATE CONSTRAINT c"),
                "1,2");
    ASSERT_TEXT(parts_of(&memory, "ALTER TABLE a.t VALIDATE CONSTRAINT c; SELECT 1"), "1");
    ASSERT_TEXT(parts_of(&memory, "ALTER TYPE a.m ADD VALUE IF NOT EXISTS 'b'; ALTER TYPE a.m ADD VALUE IF NOT EXISTS "
                                  "'c'; UPDATE a.t SET m = 'b' WHERE i = 1"),
                "1,3");
    ASSERT_TEXT(
        parts_of(&memory, "ALTER TABLE a.t ADD COLUMN IF NOT EXISTS x int; UPDATE a.t SET x = 1 WHERE x IS NULL"),
        "1,2");
    ASSERT_TEXT(parts_of(&memory, "ALTER TABLE a.t ADD COLUMN IF NOT EXISTS x int; ALTER TABLE a.u ADD COLUMN IF NOT "
                                  "EXISTS x int"),
                "1,2");
    ASSERT_TEXT(parts_of(&memory, "DROP TABLE IF EXISTS a.t; DROP TABLE IF EXISTS a.u"), "1");
    arena_done(&memory);
}

static void what_it_means_is_what_counts(void)
{
    arena memory;
    arena_init(&memory, 0);
    judgement a = judged_by(&memory, 17, "CREATE TABLE IF NOT EXISTS app.t (a varchar(10) DEFAULT 'x')");
    judgement b =
        judged_by(&memory, 17, "-- a header\ncreate table if not exists app.t\n (a varchar(10) default 'x') ;");
    judgement c = judged_by(&memory, 17, "CREATE TABLE IF NOT EXISTS app.t (a varchar(20) DEFAULT 'x')");
    judgement d = judged_by(&memory, 17, "CREATE TABLE IF NOT EXISTS app.t (a varchar(10) DEFAULT 'y')");
    ASSERT_TEXT(a.meaning, b.meaning);
    CU_ASSERT(strcmp(a.meaning, c.meaning) != 0);
    CU_ASSERT(strcmp(a.meaning, d.meaning) != 0);
    arena_done(&memory);
}

/* A thousand files of twenty statements in a second is what is promised; how long it took here is said, not judged. */
static void a_thousand_files_are_quick(void)
{
    char text[8192];
    size_t n = 0;
    for (int i = 0; i < 5; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "CREATE TABLE IF NOT EXISTS app.t%d (id bigint PRIMARY KEY, name text NOT NULL DEFAULT '', "
            "at timestamptz DEFAULT now());\n"
            "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS c%d int DEFAULT 7;\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i%d ON app.orders (c%d);\n"
            "INSERT INTO app.kinds (id, name) VALUES (%d, 'one'), (2, 'two') ON CONFLICT DO NOTHING;\n",
            i, i, i, i, i);
    int64_t began = clock_monotonic();
    for (int i = 0; i < 1000; i++) {
        arena memory;
        arena_init(&memory, 0);
        judgement done = judged_by(&memory, 17, text);
        CU_ASSERT_EQUAL_FATAL(done.count, 20);
        arena_done(&memory);
    }
    double seconds = (double)(clock_monotonic() - began) / 1e6;
    printf("\n    1,000 files of 20 statements: %.3f s\n", seconds);
}

SUITE(judge, TEST(each_rule_fires_and_lets_its_safe_form_pass), TEST(no_rule_is_without_an_example),
      TEST(a_rewrite_passes), TEST(places_and_rewrites_are_exact), TEST(placeholders_stand_before_what_they_break),
      TEST(locks_are_told), TEST(a_table_that_is_there_is_in_use), TEST(a_body_runs_when_it_is_called),
      TEST(a_rule_acts_when_a_statement_meets_it), TEST(transactions_end_where_they_must),
      TEST(what_it_means_is_what_counts), TEST(a_thousand_files_are_quick))
