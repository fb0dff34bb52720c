/* Migrations, judged: what a judgement says beside its hazards, which are in test_judge_tables.c and
 * test_judge_others.c. */
#include "judge_case.h"

#include "clock.h"

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
    CU_ASSERT_EQUAL(strncmp(h.object, "syntax error at or near", 23), 0);
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
    const judge_there there = {.names = names, .count = LB_COUNT(names)}, other = {.names = names, .count = 1};
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

/* The name is free then; who used what went goes on using it. */
static void a_table_renamed_away_leaves_its_name_to_a_new_one(void)
{
    static const char *const names[] = {"app.t"};
    const judge_there there = {.names = names, .count = LB_COUNT(names)};
    static const char
        away[] = "ALTER TABLE app.t RENAME TO t_old; CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); "
                 "ALTER TABLE app.t ALTER COLUMN a SET NOT NULL",
        moved[] = "ALTER TABLE app.t SET SCHEMA attic; CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); "
                  "CREATE INDEX IF NOT EXISTS i ON app.t (a)",
        old[] = "ALTER TABLE app.t RENAME TO t_old; CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); "
                "CREATE INDEX IF NOT EXISTS i ON app.t_old (a)",
        attic[] = "ALTER TABLE app.t SET SCHEMA attic; CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); "
                  "CREATE INDEX IF NOT EXISTS i ON attic.t (a)",
        before[] = "ALTER TABLE app.t ALTER COLUMN a SET NOT NULL; ALTER TABLE app.t RENAME TO t_old; CREATE TABLE "
                   "app.t (a int8 PRIMARY KEY)",
        built[] = "CREATE TABLE IF NOT EXISTS app.t_new (a int8 PRIMARY KEY); ALTER TABLE app.t RENAME TO t_old; "
                  "ALTER TABLE app.t_new RENAME TO t; CREATE INDEX IF NOT EXISTS i ON app.t (a)",
        back[] = "CREATE TABLE IF NOT EXISTS app.u (a int8 PRIMARY KEY); DROP TABLE app.u; ALTER TABLE app.t RENAME "
                 "TO u; CREATE INDEX IF NOT EXISTS i ON app.u (a)",
        taken[] = "ALTER TABLE app.t RENAME TO u; CREATE TABLE IF NOT EXISTS app.u (a int8 PRIMARY KEY); CREATE "
                  "INDEX IF NOT EXISTS i ON app.u (a)";
    static const struct {
        const char *text, *id;
        bool fires;
    } all[] = {
        {away, "set-not-null", false},        {moved, "index-not-concurrent", false},
        {old, "index-not-concurrent", true},  {attic, "index-not-concurrent", true},
        {before, "set-not-null", true},       {built, "index-not-concurrent", false},
        {back, "index-not-concurrent", true}, {taken, "index-not-concurrent", true},
        {away, "rename-table", true},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        arena_init(&memory, 0);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(all[i].text, 17, &there, &memory, &done, &err), 0);
        if ((find(&done, all[i].id) != NULL) != all[i].fires)
            printf("\n    %s: %s\n", all[i].id, all[i].text);
        CU_ASSERT_EQUAL(find(&done, all[i].id) != NULL, all[i].fires);
        arena_done(&memory);
    }
}

/* What has been said of it holds for it under its new name, and not for another one under the old name. */
static void a_table_renamed_away_takes_along_what_is_known_of_it(void)
{
#define NO_NULLS                                                                                                       \
    "ALTER TABLE app.t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE app.t VALIDATE CONSTRAINT c; "
#define SWAPS "ALTER TABLE app.t RENAME TO t_old; ALTER TABLE app.u RENAME TO t; "
#define SETS  "ALTER COLUMN a SET NOT NULL"
    static const struct {
        const char *text, *id;
        bool fires;
    } all[] = {
        {NO_NULLS "ALTER TABLE app.t " SETS, "set-not-null", false},
        {NO_NULLS SWAPS "ALTER TABLE app.t " SETS, "set-not-null", true},
        {NO_NULLS SWAPS "ALTER TABLE app.t_old " SETS, "set-not-null", false},
        {NO_NULLS "ALTER TABLE app.t SET SCHEMA attic; ALTER TABLE attic.t " SETS, "set-not-null", false},
        {NO_NULLS "ALTER TABLE app RENAME TO x; ALTER TABLE app.t " SETS, "set-not-null", false},
        {NO_NULLS "CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE app.t "
                  "RENAME TO x; END $$; ALTER TABLE app.t " SETS,
         "set-not-null", false},
        {"ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; " SWAPS
         "ALTER TABLE app.t_old VALIDATE CONSTRAINT c",
         "not-valid-never-validated", false},
        {"ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; " SWAPS "ALTER TABLE app.t VALIDATE CONSTRAINT c",
         "not-valid-never-validated", true},
        {"CREATE TABLE IF NOT EXISTS app.t (a int8 PRIMARY KEY); ALTER TABLE app.t RENAME TO t_old; CREATE TABLE IF "
         "NOT EXISTS app.t (b int8 PRIMARY KEY, a int8 REFERENCES app.w ON DELETE NO ACTION)",
         "foreign-key-without-index", true},
        {"ALTER TABLE app.t DROP CONSTRAINT IF EXISTS c; ALTER TABLE IF EXISTS app.t RENAME TO t_old; ALTER TABLE IF "
         "EXISTS app.u RENAME TO t; ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
         "not-idempotent", true},
        {"ALTER TABLE app.t DROP CONSTRAINT IF EXISTS c; ALTER TABLE IF EXISTS app.t RENAME TO t_old; ALTER TABLE "
         "app.t_old ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
         "not-idempotent", false},
        {"CREATE OR REPLACE VIEW app.v AS SELECT a FROM app.t; " SWAPS "ALTER TABLE app.t_old ALTER COLUMN a TYPE int8",
         "column-type-used", true},
        {"CREATE OR REPLACE VIEW app.v AS SELECT a FROM app.t; " SWAPS "ALTER TABLE app.t ALTER COLUMN a TYPE int8",
         "column-type-used", false},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        arena_init(&memory, 0);
        judgement done = judged_by(&memory, 17, all[i].text);
        if ((find(&done, all[i].id) != NULL) != all[i].fires)
            printf("\n    %s: %s\n", all[i].id, all[i].text);
        CU_ASSERT_EQUAL(find(&done, all[i].id) != NULL, all[i].fires);
        arena_done(&memory);
    }
}

/* What the file makes later under the same name does not make the table new that it met before. */
static void parts_end_where_a_table_in_use_was_locked(void)
{
    static const char text[] =
        "ALTER TABLE app.a ADD COLUMN IF NOT EXISTS b int8; ALTER TABLE app.t ADD COLUMN IF NOT EXISTS b "
        "int8; ALTER TABLE app.t RENAME TO t_old; CREATE TABLE app.t (a int8 PRIMARY KEY)";
    arena memory;
    arena_init(&memory, 0);
    judgement done = judged_by(&memory, 17, text);
    CU_ASSERT(done.items[1].starts_part);
    CU_ASSERT(!done.items[3].starts_part);
    arena_done(&memory);
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

SUITE(judge, TEST(a_rewrite_passes), TEST(places_and_rewrites_are_exact),
      TEST(placeholders_stand_before_what_they_break), TEST(locks_are_told), TEST(a_table_that_is_there_is_in_use),
      TEST(a_table_renamed_away_leaves_its_name_to_a_new_one),
      TEST(a_table_renamed_away_takes_along_what_is_known_of_it), TEST(parts_end_where_a_table_in_use_was_locked),
      TEST(a_body_runs_when_it_is_called), TEST(a_rule_acts_when_a_statement_meets_it),
      TEST(transactions_end_where_they_must), TEST(what_it_means_is_what_counts), TEST(a_thousand_files_are_quick))
