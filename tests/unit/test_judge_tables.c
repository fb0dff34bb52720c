/* Migrations, judged: the rules of indexes, constraints, columns, tables and partitions, up to those of names. */
#include "judge_case.h"

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
    {"foreign-key-without-on-delete",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u ON UPDATE CASCADE /* ON DELETE CASCADE */ "
     "NOT "
     "VALID, ADD CONSTRAINT g FOREIGN KEY (b) REFERENCES app.v (b) ON DELETE NO ACTION NOT VALID",
     "ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u (a) MATCH FULL on delete no action NOT VALID",
     0},
    {"foreign-key-without-on-delete",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8 REFERENCES app.u, c int8 REFERENCES app.u ON DELETE "
     "NO ACTION)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int8 CONSTRAINT f REFERENCES app.u (a) ON "
     "DELETE RESTRICT DEFERRABLE, c int8 REFERENCES app.u ON UPDATE RESTRICT ON DELETE NO ACTION)",
     0},
    {"foreign-key-without-on-delete", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int8 REFERENCES app.u",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int8 REFERENCES app.u ON DELETE SET NULL", 0},
    {"foreign-key-without-on-delete",
     "SELECT 'two'; DO $$ BEGIN ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u NOT VALID; END $$",
     "SELECT 'two'; DO $$ BEGIN ALTER TABLE app.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES app.u ON DELETE NO "
     "ACTION "
     "NOT VALID; END $$",
     0},
    {"foreign-key-cascades", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int8 REFERENCES app.u ON DELETE CASCADE",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int8 REFERENCES app.u ON DELETE NO ACTION", 0},
    {"key-without-partition-key",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b date) PARTITION BY RANGE (b)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date, PRIMARY KEY (a, b)) PARTITION BY RANGE (b)", 0},
    {"key-without-partition-key",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date, UNIQUE (a, b)) PARTITION BY RANGE ((b + 1))",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date, UNIQUE (a, b)) PARTITION BY RANGE (b, a)", 0},
    {"key-without-partition-key",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date) PARTITION BY RANGE (b); ALTER TABLE app.t ADD CONSTRAINT k "
     "UNIQUE "
     "(a)",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date) PARTITION BY RANGE (b); ALTER TABLE app.u ADD CONSTRAINT k "
     "UNIQUE "
     "(a)",
     0},
    {"key-without-partition-key",
     "CREATE TABLE IF NOT EXISTS app.t (a int8, b date) PARTITION BY RANGE (b); CREATE UNIQUE INDEX IF NOT EXISTS i ON "
     "app.t (a) INCLUDE (b)",
     "CREATE TABLE IF NOT EXISTS app.t (a text, b date) PARTITION BY RANGE (b); CREATE UNIQUE INDEX IF NOT EXISTS i ON "
     "app.t (lower(a), b); CREATE INDEX IF NOT EXISTS k ON app.t (a)",
     0},
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
    {"default-set", "ALTER TABLE app.t ALTER COLUMN a SET DEFAULT 1",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a int DEFAULT 1; ALTER TABLE app.t ALTER COLUMN b DROP DEFAULT", 0},
    {"default-set", "ALTER TABLE app.t ALTER COLUMN a SET DEFAULT gen_random_uuid()",
     "CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY, b int); ALTER TABLE app.t ALTER COLUMN b SET DEFAULT 1", 0},
    {"column-type", "ALTER TABLE app.t ALTER COLUMN a TYPE bigint",
     "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a2 bigint", 0},
    {"column-type-rewrites", "ALTER TABLE app.t ALTER COLUMN a TYPE bigint",
     "ALTER TABLE app.t ALTER COLUMN a TYPE text USING a::text", 0},
    {"column-type-rewrites", "ALTER TABLE app.t ALTER COLUMN a TYPE text USING lower(a)",
     "ALTER TABLE app.t ALTER COLUMN a TYPE varchar(20)", 0},
    {"column-type-rewrites", "ALTER TABLE app.t ALTER COLUMN a TYPE char(3)",
     "CREATE TABLE IF NOT EXISTS app.t (a int4, b int8 PRIMARY KEY); ALTER TABLE app.t ALTER COLUMN a TYPE int8", 0},
    {"column-type-rebuilds-indexes", "ALTER TABLE app.t ALTER COLUMN a TYPE text COLLATE \"C\"",
     "ALTER TABLE app.t ALTER COLUMN a TYPE text", 0},
    {"column-type-narrow", "ALTER TABLE app.t ALTER COLUMN a TYPE varchar(20)",
     "ALTER TABLE app.t ALTER COLUMN a TYPE varchar", 0},
    {"column-type-narrow", "ALTER TABLE app.t ALTER COLUMN a TYPE numeric(10, 2)",
     "ALTER TABLE app.t ALTER COLUMN a TYPE numeric", 0},
    {"column-type-narrow", "ALTER TABLE app.t ALTER COLUMN a TYPE smallint",
     "ALTER TABLE app.t ALTER COLUMN a TYPE bigint", 0},
    {"column-type-checked-again",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (b > 0 AND app.t.a > 0) NOT VALID; ALTER TABLE app.t ALTER COLUMN a "
     "TYPE "
     "numeric",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (b > 0) NOT VALID; ALTER TABLE app.t ALTER COLUMN a TYPE numeric", 0},
    {"column-type-checked-again",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t ALTER COLUMN a TYPE numeric; ALTER "
     "TABLE app.t DROP CONSTRAINT IF EXISTS c",
     "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE app.t DROP CONSTRAINT IF EXISTS c; ALTER "
     "TABLE app.t ALTER COLUMN a TYPE numeric",
     0},
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
    {"column-drop",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..2 LOOP BEGIN ALTER "
     "TABLE "
     "app.t DROP COLUMN IF EXISTS a; EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$",
     "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..2 LOOP PERFORM 1; END "
     "LOOP; END $$",
     0},
};
/* clang-format on */

static void each_rule_fires_and_lets_its_safe_form_pass(void)
{
    check_examples(examples, LB_COUNT(examples));
}

static void no_rule_is_without_an_example(void)
{
    check_rules(0, JUDGE_COLUMN_TYPE_STAYS, examples, LB_COUNT(examples));
}

SUITE(judge_tables, TEST(each_rule_fires_and_lets_its_safe_form_pass), TEST(no_rule_is_without_an_example))
