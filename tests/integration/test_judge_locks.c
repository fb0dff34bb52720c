/* What the judge says of locks, scans and rewrites, against real servers (LBOPS_TEST_PG15 and LBOPS_TEST_PG17, as
 * superuser; without any skipped with exit code 77). Measured is the strongest lock that our own transaction holds on
 * the table, whether its file is another one afterwards, and what the server itself says that it does (at debug1). */
#include "judge.h"
#include "unit/suite.h"

#include <libpq-fe.h>

static PGconn *conn, *other; /* the other one stands in the way of what is outside of transactions */
static int major;
static bool said_verifies, said_rewrites;
static char watched[80]; /* ` table "t"`: what the server says of other tables is not ours */

static const char setup[] =
    "SET client_min_messages = warning; DROP SCHEMA IF EXISTS lbops_judge CASCADE; CREATE SCHEMA lbops_judge;"
    "DROP PUBLICATION IF EXISTS lbops_judge_p;"
    "CREATE DOMAIN lbops_judge.positive AS int CHECK (VALUE > 0);"
    "CREATE TYPE lbops_judge.mood AS ENUM ('a', 'b');"
    "CREATE TABLE lbops_judge.u (id int PRIMARY KEY); INSERT INTO lbops_judge.u SELECT generate_series(1, 50);"
    "CREATE TABLE lbops_judge.t (id int, a int NOT NULL, b int, n int NOT NULL, g int GENERATED ALWAYS AS (a * 2) "
    "STORED);"
    "INSERT INTO lbops_judge.t SELECT i, i, i, i FROM generate_series(1, 50) i;"
    "ALTER TABLE lbops_judge.t ADD CONSTRAINT waits CHECK (b > 0) NOT VALID;"
    "CREATE UNIQUE INDEX t_n ON lbops_judge.t (n); CREATE UNIQUE INDEX t_id ON lbops_judge.t (id);"
    "CREATE FUNCTION lbops_judge.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER g BEFORE INSERT ON lbops_judge.t FOR EACH ROW EXECUTE FUNCTION lbops_judge.f();"
    "CREATE POLICY q ON lbops_judge.t USING (id = 1);"
    "CREATE TABLE lbops_judge.p (k int, v text, n int NOT NULL) PARTITION BY LIST (k);"
    "CREATE TABLE lbops_judge.p_1 PARTITION OF lbops_judge.p FOR VALUES IN (1);"
    "CREATE TABLE lbops_judge.p_2 (k int, v text, n int NOT NULL);"
    "ALTER TABLE lbops_judge.t ADD CONSTRAINT refers FOREIGN KEY (b) REFERENCES lbops_judge.u NOT VALID;"
    "ALTER TABLE lbops_judge.t ADD COLUMN s text, ADD COLUMN v varchar(10);"
    "CREATE TABLE lbops_judge.child (LIKE lbops_judge.t INCLUDING GENERATED INCLUDING CONSTRAINTS);"
    "CREATE MATERIALIZED VIEW lbops_judge.m AS SELECT id FROM lbops_judge.u; CREATE UNIQUE INDEX ON lbops_judge.m (id);"
    "CREATE VIEW lbops_judge.shown AS SELECT id FROM lbops_judge.u; CREATE SEQUENCE lbops_judge.sq;"
    "CREATE TABLE lbops_judge.r (id int GENERATED ALWAYS AS IDENTITY, x int, note text) WITH (fillfactor = 90);"
    "CREATE RULE nothing AS ON INSERT TO lbops_judge.r DO ALSO NOTHING; ALTER TABLE lbops_judge.r ENABLE ROW LEVEL "
    "SECURITY; CREATE STATISTICS lbops_judge.st ON id, x FROM lbops_judge.r; CREATE INDEX r_x ON lbops_judge.r (x);"
    "ALTER TABLE lbops_judge.r ADD CONSTRAINT later FOREIGN KEY (x) REFERENCES lbops_judge.u;"
    "CREATE INDEX p_k ON ONLY lbops_judge.p (k); CREATE INDEX p_1_k ON lbops_judge.p_1 (k);"
    "CREATE TYPE lbops_judge.pair AS (a int); CREATE PUBLICATION lbops_judge_p FOR TABLE lbops_judge.u;"
    "SET client_min_messages = debug1";

static const char strongest[] =
    "SELECT coalesce(max(s.rank), 0) FROM pg_locks l JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', "
    "'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
    "'AccessExclusiveLock']) WITH ORDINALITY AS s (mode, rank) ON s.mode = l.mode "
    "WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation = $1::oid";

static void hear(void *state, const char *message)
{
    (void)state;
    bool is_ours = strstr(message, watched) != NULL;
    said_verifies |= strstr(message, "validating foreign key") ||
                     (is_ours && (strstr(message, "verifying") || strstr(message, "building index")));
    said_rewrites |= is_ours && strstr(message, "rewriting") != NULL;
}

/* The first cell; the caller frees. table: NULL for statements without a parameter. */
static char *ask(const char *sql, const char *table)
{
    const char *values[] = {table};
    PGresult *result = PQexecParams(conn, sql, table ? 1 : 0, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    bool is_good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!is_good)
        printf("\n    %s\n    %s", sql, PQerrorMessage(conn));
    CU_ASSERT(is_good);
    char *cell = base_strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return cell;
}

static void run(const char *sql)
{
    free(ask(sql, NULL));
}

typedef struct measured {
    judge_lock lock;
    bool has_new_file;
} measured;

/* By its number, as the statement may take the name away. */
static measured measure(const char *sql, const char *table)
{
    static const char file[] = "SELECT pg_relation_filenode($1::oid)";
    LB_AUTO_FREE char *id = ask("SELECT $1::text::regclass::oid", table), *before = ask(file, id);
    const char *dot = strrchr(table, '.');
    (void)snprintf(watched, sizeof watched, "table \"%s\"", dot ? dot + 1 : table); /* names are short */
    said_verifies = said_rewrites = false;
    run("BEGIN");
    run(sql);
    LB_AUTO_FREE char *after = ask(file, id), *lock = ask(strongest, id);
    run("ROLLBACK");
    return (measured){(judge_lock)strtol(lock, NULL, 10), *after && strcmp(before, after) != 0};
}

/* The caller frees memory. */
static const judged *judge(arena *memory, const char *sql)
{
    lb_error err;
    judgement done = {0};
    arena_init(memory, 0);
    CU_ASSERT_EQUAL_FATAL(judge_file(sql, major, memory, &done, &err), 0);
    CU_ASSERT_EQUAL_FATAL(done.count, 1);
    return &done.items[0];
}

/* differs: why it is known that it is not so; NULL: it is. */
static void check_known(const char *sql, const char *differs)
{
    arena memory;
    const judged *s = judge(&memory, sql);
    measured m = measure(sql, s->lock_on);
    bool is_right = s->lock == m.lock && s->rewrites == (m.has_new_file || said_rewrites) &&
                    (s->scans || !(said_verifies || said_rewrites));
    if (is_right != !differs)
        printf("\n    %d: %s\n    we say %s on %s, scans %d, rewrites %d\n    the server %s, verifies %d, another file "
               "%d%s%s\n",
               major, sql, judge_lock_name(s->lock), s->lock_on, s->scans, s->rewrites, judge_lock_name(m.lock),
               said_verifies, m.has_new_file, differs ? "; known to differ: " : "", differs ? differs : "");
    CU_ASSERT(is_right == !differs);
    arena_done(&memory);
}

static void check(const char *sql)
{
    check_known(sql, NULL);
}

/* What locks a partitioned table for everybody locks its partition too, where that is foretold, and else it does not.
 */
static void check_partition(const char *sql, bool is_foretold)
{
    arena memory;
    const judged *s = judge(&memory, sql);
    bool is_locked = measure(sql, "lbops_judge.p_1").lock == LOCK_ACCESS_EXCLUSIVE;
    if (s->with_partitions != is_foretold || is_locked != is_foretold)
        printf("\n    %d: %s: foretold %d, locked %d\n", major, sql, s->with_partitions, is_locked);
    CU_ASSERT(s->with_partitions == is_foretold && is_locked == is_foretold);
    arena_done(&memory);
}

/* No table's lock is foretold: then none that stops even other changes of it is held on this one. */
static void check_none(const char *sql, const char *table)
{
    arena memory;
    const judged *s = judge(&memory, sql);
    CU_ASSERT(s->lock == LOCK_NONE);
    CU_ASSERT(measure(sql, table).lock < LOCK_SHARE_UPDATE_EXCLUSIVE);
    arena_done(&memory);
}

/* A statement that stands alone is looked at from outside, while it waits for somebody. */
static void check_alone(const char *sql, const char *blocker)
{
    static const char from_outside[] =
        "SELECT coalesce(max(s.rank) FILTER (WHERE l.relation = $2::text::regclass), 0), "
        "bool_or(NOT l.granted) FROM pg_locks l LEFT JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', "
        "'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
        "'AccessExclusiveLock']) WITH ORDINALITY AS s (mode, rank) ON s.mode = l.mode WHERE l.pid = $1::int";
    arena memory;
    const judged *s = judge(&memory, sql);
    char pid[16];
    const char *values[] = {pid, s->lock_on};
    long seen = 0;
    CU_ASSERT(!s->verdict.in_transaction);
    (void)snprintf(pid, sizeof pid, "%d", PQbackendPID(conn)); /* it fits */
    PQclear(PQexec(other, "BEGIN"));
    PQclear(PQexec(other, blocker));
    CU_ASSERT_EQUAL_FATAL(PQsendQuery(conn, sql), 1);
    bool waits = false;
    /* What it has before that is not its last: VACUUM looks at the table under a weaker one first. */
    while (!waits && PQconsumeInput(conn) && PQisBusy(conn)) {
        PGresult *result = PQexecParams(other, from_outside, 2, NULL, values, NULL, NULL, 0);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            printf("\n    %s\n    %s", sql, PQerrorMessage(other));
        waits = !PQntuples(result) || *PQgetvalue(result, 0, 1) == 't';
        seen = PQntuples(result) ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;
        PQclear(result);
    }
    PQclear(PQexec(other, "ROLLBACK"));
    for (PGresult *result; (result = PQgetResult(conn)); PQclear(result))
        CU_ASSERT_EQUAL(PQresultStatus(result), PGRES_COMMAND_OK);
    if ((long)s->lock != seen)
        printf("\n    %d: %s\n    we say %s, the server %s\n", major, sql, judge_lock_name(s->lock),
               judge_lock_name((judge_lock)seen));
    CU_ASSERT_EQUAL((long)s->lock, seen);
    arena_done(&memory);
}

#define T "lbops_judge.t"

static void columns(void)
{
    check("ALTER TABLE " T " ADD COLUMN c int");
    check("ALTER TABLE " T " ADD COLUMN c timestamptz NOT NULL DEFAULT now()");
    check("ALTER TABLE " T " ADD COLUMN c uuid DEFAULT gen_random_uuid()");
    check("ALTER TABLE " T " ADD COLUMN c bigserial");
    check("ALTER TABLE " T " ADD COLUMN c int GENERATED ALWAYS AS IDENTITY");
    check("ALTER TABLE " T " ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED");
    check("ALTER TABLE " T " ADD COLUMN c int CHECK (c > 0)");
    check("ALTER TABLE " T " ADD COLUMN c int UNIQUE");
    check("ALTER TABLE " T " ADD COLUMN c int REFERENCES lbops_judge.u");
    check("ALTER TABLE " T " DROP COLUMN g");
    check("ALTER TABLE " T " ALTER COLUMN b SET DEFAULT 3");
    check("ALTER TABLE " T " ALTER COLUMN b DROP DEFAULT");
    check("ALTER TABLE " T " ALTER COLUMN b SET NOT NULL");
    check("ALTER TABLE " T " ALTER COLUMN a DROP NOT NULL");
    check("ALTER TABLE " T " ALTER COLUMN b TYPE bigint");
    check("ALTER TABLE " T " ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY");
    check("ALTER TABLE " T " ALTER COLUMN g DROP EXPRESSION");
    check("ALTER TABLE " T " ALTER COLUMN b SET STATISTICS 500");
    check("ALTER TABLE " T " ALTER COLUMN b SET (n_distinct = 5)");
    check("ALTER TABLE " T " ALTER COLUMN b SET STORAGE PLAIN");
    if (major >= 17)
        check("ALTER TABLE " T " ALTER COLUMN g SET EXPRESSION AS (a * 3)");
}

static void constraints(void)
{
    check("ALTER TABLE " T " ADD CONSTRAINT c CHECK (b > 0)");
    check("ALTER TABLE " T " ADD CONSTRAINT c CHECK (b > 0) NOT VALID");
    check("ALTER TABLE " T " VALIDATE CONSTRAINT waits");
    check("ALTER TABLE " T " DROP CONSTRAINT waits");
    check("ALTER TABLE " T " ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES lbops_judge.u");
    check("ALTER TABLE " T " ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES lbops_judge.u NOT VALID");
    check("ALTER TABLE " T " VALIDATE CONSTRAINT refers");
    check("ALTER TABLE " T " DROP CONSTRAINT refers");
    check("ALTER TABLE " T " RENAME CONSTRAINT waits TO waited");
    check("ALTER TABLE " T " ADD CONSTRAINT c UNIQUE (b)");
    check("ALTER TABLE " T " ADD CONSTRAINT c UNIQUE USING INDEX t_n");
    check("ALTER TABLE " T " ADD CONSTRAINT c PRIMARY KEY (a)");
    check("ALTER TABLE " T " ADD CONSTRAINT c PRIMARY KEY USING INDEX t_n");
    check("ALTER TABLE " T " ADD CONSTRAINT c EXCLUDE (b WITH =)");
}

static void tables(void)
{
    check("ALTER TABLE " T " SET (fillfactor = 80)");
    check("ALTER TABLE " T " SET (autovacuum_vacuum_scale_factor = 0.02)");
    check("ALTER TABLE " T " SET UNLOGGED");
    check("ALTER TABLE " T " REPLICA IDENTITY FULL");
    check("ALTER TABLE " T " CLUSTER ON t_id");
    check("ALTER TABLE " T " DISABLE TRIGGER g");
    check("ALTER TABLE " T " ENABLE TRIGGER ALL");
    check("ALTER TABLE " T " ENABLE ROW LEVEL SECURITY");
    check("ALTER TABLE " T " FORCE ROW LEVEL SECURITY");
    check("ALTER TABLE " T " OWNER TO CURRENT_USER");
    check("ALTER TABLE " T " RENAME COLUMN b TO c");
    check("ALTER TABLE " T " RENAME TO renamed");
    check("ALTER TABLE " T " SET SCHEMA public");
    check("ALTER TABLE lbops_judge.child INHERIT " T);
    check("DROP TABLE " T);
    check("LOCK TABLE " T);
    check_none("GRANT SELECT ON " T " TO PUBLIC", T);
    check("ALTER TABLE lbops_judge.p ATTACH PARTITION lbops_judge.p_2 FOR VALUES IN (2)");
    check("ALTER TABLE lbops_judge.p DETACH PARTITION lbops_judge.p_1");
    check("CREATE TABLE lbops_judge.p_3 PARTITION OF lbops_judge.p FOR VALUES IN (3)");
    check("CREATE TABLE lbops_judge.w (id int PRIMARY KEY REFERENCES lbops_judge.u)");
}

static void others(void)
{
    check("CREATE INDEX x ON " T " (b)");
    check("CREATE UNIQUE INDEX x ON " T " (a)");
    check("REINDEX TABLE " T);
    check("ALTER TABLE " T " ALTER COLUMN s SET COMPRESSION pglz");
    check("CREATE OR REPLACE TRIGGER g BEFORE INSERT ON " T " EXECUTE FUNCTION lbops_judge.f()");
    check("DROP TRIGGER g ON " T);
    check("DROP POLICY q ON " T);
    check("REFRESH MATERIALIZED VIEW lbops_judge.m");
    check_none("ALTER TYPE lbops_judge.mood RENAME VALUE 'a' TO 'c'", T);
    check("CREATE TRIGGER h BEFORE INSERT ON " T " EXECUTE FUNCTION lbops_judge.f()");
    check("CREATE POLICY r ON " T " USING (id = 2)");
    check("ALTER POLICY q ON " T " USING (id = 2)");
    check("CREATE RULE r AS ON INSERT TO " T " DO NOTHING");
    check("CREATE RULE r AS ON INSERT TO " T " DO ALSO DELETE FROM lbops_judge.u");
    check("REFRESH MATERIALIZED VIEW CONCURRENTLY lbops_judge.m");
    check("CLUSTER " T " USING t_id");
    check("INSERT INTO " T " (id, a, n) VALUES (90, 90, 90)");
    check("UPDATE " T " SET b = 3 WHERE id = 1");
    check("DELETE FROM " T " WHERE id = 1");
    check("LOCK TABLE " T " IN SHARE MODE");
}

#define R "lbops_judge.r"
#define P "lbops_judge.p"

/* v: a column of p that is its own */
static void partitions(void)
{
    check_partition("ALTER TABLE " P " ADD COLUMN z int", true);
    check_partition("ALTER TABLE " P " DROP COLUMN v", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN v SET DEFAULT 'a'", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN v SET NOT NULL", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN v DROP NOT NULL", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN v TYPE varchar(9)", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN v SET STORAGE EXTERNAL", true);
    check_partition("ALTER TABLE " P " ADD CONSTRAINT x CHECK (k > 0)", true);
    check_partition("ALTER TABLE " P " DROP CONSTRAINT IF EXISTS x", true);
    check_partition("ALTER TABLE " P " ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY", major >= 17);
    check_partition("ALTER TABLE " P " ADD CONSTRAINT x UNIQUE (k)", false);
    check_partition("ALTER TABLE " P " ALTER COLUMN v SET COMPRESSION pglz", false);
    check_partition("ALTER TABLE " P " ENABLE ROW LEVEL SECURITY", false);
    check_partition("ALTER TABLE " P " OWNER TO CURRENT_USER", false);
    check_partition("ALTER TABLE " P " ALTER COLUMN v SET STATISTICS 20", false);
    check_partition("ALTER TABLE ONLY " P " ALTER COLUMN v SET DEFAULT 'a'", false);
    check("DROP TABLE " P "_1");
}

/* What people write beside ALTER TABLE. */
static void definitions(void)
{
    check("COMMENT ON TABLE " T " IS 'a'");
    check("COMMENT ON COLUMN " T ".b IS 'a'");
    check("COMMENT ON INDEX lbops_judge.t_n IS 'a'");
    check("COMMENT ON VIEW lbops_judge.shown IS 'a'");
    check("COMMENT ON MATERIALIZED VIEW lbops_judge.m IS 'a'");
    check("COMMENT ON SEQUENCE lbops_judge.sq IS 'a'");
    check_none("COMMENT ON CONSTRAINT waits ON " T " IS 'a'", T);
    check_none("COMMENT ON TRIGGER g ON " T " IS 'a'", T);
    check_none("COMMENT ON POLICY q ON " T " IS 'a'", T);
    check_none("COMMENT ON FUNCTION lbops_judge.f() IS 'a'", T);
    check("CREATE STATISTICS lbops_judge.ab ON a, b FROM " T);
    check_none("ALTER STATISTICS lbops_judge.st SET STATISTICS 100", R);
    check("ANALYZE " T);
    check("CREATE OR REPLACE VIEW lbops_judge.shown AS SELECT id, id + 1 AS next FROM lbops_judge.u");
    check_none("CREATE VIEW lbops_judge.w2 AS SELECT id FROM lbops_judge.u", "lbops_judge.u");
    check_none("CREATE MATERIALIZED VIEW lbops_judge.m2 AS SELECT id FROM lbops_judge.u", "lbops_judge.u");
    check_none("CREATE TABLE lbops_judge.t2 AS SELECT id FROM lbops_judge.u", "lbops_judge.u");
    check_none("CREATE TABLE lbops_judge.t2 (LIKE lbops_judge.u INCLUDING ALL)", "lbops_judge.u");
    check("CREATE TABLE lbops_judge.heir (note text) INHERITS (" T ")");
    check("ALTER VIEW lbops_judge.shown SET (security_barrier)");
    check("ALTER VIEW lbops_judge.shown RENAME TO w2");
    check("ALTER VIEW lbops_judge.shown ALTER COLUMN id SET DEFAULT 1");
    check("ALTER VIEW lbops_judge.shown OWNER TO CURRENT_USER");
    check("ALTER MATERIALIZED VIEW lbops_judge.m RENAME TO m2");
    check("ALTER MATERIALIZED VIEW lbops_judge.m SET (fillfactor = 80)");
    check("DROP VIEW lbops_judge.shown");
    check("DROP MATERIALIZED VIEW lbops_judge.m");
    check("ALTER SEQUENCE lbops_judge.sq OWNED BY " T ".b");
    check("ALTER SEQUENCE lbops_judge.sq RENAME TO sq2");
    check("DROP SEQUENCE lbops_judge.sq");
    check_none("CREATE SEQUENCE lbops_judge.sq2 OWNED BY " T ".b", T);
    check("CREATE PUBLICATION lbops_judge_p2 FOR TABLE " T);
    check("ALTER PUBLICATION lbops_judge_p ADD TABLE " T);
    check("ALTER PUBLICATION lbops_judge_p DROP TABLE lbops_judge.u");
}

static void indexes(void)
{
    check("ALTER INDEX lbops_judge.t_n RENAME TO t_m");
    check("ALTER INDEX lbops_judge.t_n SET (fillfactor = 80)");
    check("ALTER INDEX lbops_judge.t_n RESET (fillfactor)");
    check("ALTER INDEX lbops_judge.p_k ATTACH PARTITION lbops_judge.p_1_k");
    check("DROP INDEX lbops_judge.t_n");
    check("CREATE INDEX x ON ONLY lbops_judge.p (k)");
}

/* What a table has beside its rows, and who may do what with it. */
static void belongings(void)
{
    check("ALTER TRIGGER g ON " T " RENAME TO h");
    check("ALTER POLICY q ON " T " RENAME TO r");
    check("ALTER RULE nothing ON " R " RENAME TO something");
    check("DROP RULE nothing ON " R);
    check("ALTER TABLE " R " DISABLE RULE nothing");
    check("ALTER TABLE " R " ENABLE ALWAYS RULE nothing");
    check("ALTER TABLE " R " DISABLE ROW LEVEL SECURITY");
    check("ALTER TABLE " R " NO FORCE ROW LEVEL SECURITY");
    check("ALTER TABLE " R " ALTER CONSTRAINT later DEFERRABLE");
    check("ALTER TABLE " R " ALTER COLUMN id DROP IDENTITY");
    check("ALTER TABLE " R " ALTER COLUMN id SET GENERATED BY DEFAULT");
    check("ALTER TABLE " R " RESET (fillfactor)");
    check("ALTER TABLE " R " SET WITHOUT CLUSTER");
    check_none("GRANT SELECT (x) ON " R " TO PUBLIC", R);
    check_none("REVOKE ALL ON " R " FROM PUBLIC", R);
    check_none("ALTER DEFAULT PRIVILEGES IN SCHEMA lbops_judge GRANT SELECT ON TABLES TO PUBLIC", R);
    check_none("ALTER FUNCTION lbops_judge.f() COST 5", R);
    check_none("ALTER TYPE lbops_judge.mood ADD VALUE 'c'", R);
    check("ALTER TYPE lbops_judge.pair ADD ATTRIBUTE b int");
    check("COPY " R " (x) FROM '/dev/null'");
    check("MERGE INTO " T " AS x USING lbops_judge.u ON x.id = u.id WHEN MATCHED THEN DO NOTHING");
    check("LOCK TABLE " R " IN ROW SHARE MODE");
    check("LOCK TABLE " R " IN EXCLUSIVE MODE");
}

/* What a text cannot show: a type by its name, the rows, or what a domain holds. */
static void known(void)
{
    check_known("ALTER TABLE " T " ALTER COLUMN v TYPE text", "no rewrite: any length of varchar is a text");
    check_known("ALTER TABLE " T " ALTER COLUMN v TYPE varchar(20)", "no rewrite: the file does not say what it was");
    check_known("ALTER SEQUENCE lbops_judge.sq INCREMENT 5", "no rewrite: its one row is written anew");
    check_known("REINDEX INDEX lbops_judge.t_n", "no rewrite: it is the index that has another file");
    check_known("TRUNCATE " T, "no rewrite: the new file is empty");
    check_known("ALTER TABLE " T " ADD COLUMN c lbops_judge.positive", "a domain with a constraint rewrites");
}

static void alone(void)
{
    static const char write[] = "INSERT INTO " T " (id, a, n) VALUES (90, 90, 90)";
    check_alone("CREATE INDEX CONCURRENTLY x ON " T " (b)", write);
    check_alone("REINDEX TABLE CONCURRENTLY " T, write);
    check_alone("DROP INDEX CONCURRENTLY lbops_judge.x", write);
    check_alone("ALTER TABLE lbops_judge.p DETACH PARTITION lbops_judge.p_1 CONCURRENTLY",
                "LOCK TABLE lbops_judge.p IN SHARE UPDATE EXCLUSIVE MODE");
    check_alone("VACUUM " T, "LOCK TABLE " T " IN SHARE UPDATE EXCLUSIVE MODE");
    check_alone("VACUUM (FULL) " T, write);
    check_alone("REINDEX INDEX CONCURRENTLY lbops_judge.t_n", write);
}

static bool connect_to(const char *name)
{
    const char *url = getenv(name);
    if (!url)
        return false;
    conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK) {
        printf("%s: %s", name, PQerrorMessage(conn));
        return false;
    }
    major = PQserverVersion(conn) / 10000;
    (void)PQsetNoticeProcessor(conn, hear, NULL); /* the one before is of no use here */
    PQclear(PQexec(conn, setup));
    other = PQconnectdb(url);
    return PQstatus(other) == CONNECTION_OK;
}

static void on_each(void (*measures)(void))
{
    static const char *const names[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG16", "LBOPS_TEST_PG17", "LBOPS_TEST_PG18"};
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        if (!connect_to(names[i]))
            continue;
        measures();
        PQclear(PQexec(
            conn,
            "SET client_min_messages = warning; DROP PUBLICATION lbops_judge_p; DROP SCHEMA lbops_judge CASCADE"));
        PQfinish(conn);
        PQfinish(other);
    }
}

static void locks_of_columns(void)
{
    on_each(columns);
}

static void locks_of_constraints(void)
{
    on_each(constraints);
}

static void locks_of_tables(void)
{
    on_each(tables);
}

static void locks_of_others(void)
{
    on_each(others);
}

static void locks_of_partitions(void)
{
    on_each(partitions);
}

static void locks_of_definitions(void)
{
    on_each(definitions);
}

static void locks_of_indexes(void)
{
    on_each(indexes);
}

static void locks_of_belongings(void)
{
    on_each(belongings);
}

static void differences_that_are_known(void)
{
    on_each(known);
}

static void locks_outside_of_transactions(void)
{
    on_each(alone);
}

static bool has_server(void)
{
    return getenv("LBOPS_TEST_PG15") || getenv("LBOPS_TEST_PG16") || getenv("LBOPS_TEST_PG17") ||
           getenv("LBOPS_TEST_PG18");
}

static void servers_are_there(void)
{
    if (!has_server())
        exit(77);
}

SUITE(judge_locks, TEST(servers_are_there), TEST(locks_of_columns), TEST(locks_of_constraints), TEST(locks_of_tables),
      TEST(locks_of_others), TEST(locks_of_partitions), TEST(locks_of_definitions), TEST(locks_of_indexes),
      TEST(locks_of_belongings), TEST(locks_outside_of_transactions), TEST(differences_that_are_known))
