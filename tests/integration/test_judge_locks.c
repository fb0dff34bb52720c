/* What the judge says of locks, scans and rewrites, against real servers (LBOPS_TEST_PG15 and LBOPS_TEST_PG17, as
 * superuser; without any skipped with exit code 77). Measured is the strongest lock that our own transaction holds on
 * the table, whether its file is another one afterwards, and what the server itself says that it does (at debug1). */
#include "judge.h"
#include "unit/suite.h"

#include <libpq-fe.h>

static PGconn *conn;
static int major;
static bool said_verifies, said_rewrites;
static char watched[80]; /* ` table "t"`: what the server says of other tables is not ours */

static const char setup[] =
    "SET client_min_messages = warning; DROP SCHEMA IF EXISTS lbops_judge CASCADE; CREATE SCHEMA lbops_judge;"
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
    "CREATE TABLE lbops_judge.p (k int) PARTITION BY LIST (k);"
    "CREATE TABLE lbops_judge.p_1 PARTITION OF lbops_judge.p FOR VALUES IN (1);"
    "CREATE TABLE lbops_judge.p_2 (k int);"
    "CREATE MATERIALIZED VIEW lbops_judge.m AS SELECT id FROM lbops_judge.u; CREATE UNIQUE INDEX ON lbops_judge.m (id);"
    "SET client_min_messages = debug1";

static const char strongest[] =
    "SELECT coalesce(max(s.rank), 0) FROM pg_locks l JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', "
    "'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
    "'AccessExclusiveLock']) WITH ORDINALITY AS s (mode, rank) ON s.mode = l.mode "
    "WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation = $1::text::regclass";

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

static measured measure(const char *sql, const char *table)
{
    static const char file[] = "SELECT pg_relation_filenode($1::text::regclass)";
    LB_AUTO_FREE char *before = ask(file, table);
    const char *dot = strrchr(table, '.');
    (void)snprintf(watched, sizeof watched, "table \"%s\"", dot ? dot + 1 : table); /* names are short */
    said_verifies = said_rewrites = false;
    run("BEGIN");
    run(sql);
    LB_AUTO_FREE char *after = ask(file, table), *lock = ask(strongest, table);
    run("ROLLBACK");
    return (measured){(judge_lock)strtol(lock, NULL, 10), strcmp(before, after) != 0};
}

static void check(const char *sql)
{
    arena memory;
    lb_error err;
    judgement done = {0};
    arena_init(&memory, 0);
    CU_ASSERT_EQUAL_FATAL(judge_file(sql, major, &memory, &done, &err), 0);
    CU_ASSERT_EQUAL_FATAL(done.count, 1);
    const judged *s = &done.items[0];
    measured m = measure(sql, s->lock_on);
    bool is_right = s->lock == m.lock && s->rewrites == (m.has_new_file || said_rewrites) &&
                    (s->scans || !(said_verifies || said_rewrites));
    if (!is_right)
        printf(
            "\n    %s\n    we say %s on %s, scans %d, rewrites %d\n    the server %s, verifies %d, another file %d\n",
            sql, judge_lock_name(s->lock), s->lock_on, s->scans, s->rewrites, judge_lock_name(m.lock), said_verifies,
            m.has_new_file);
    CU_ASSERT(is_right);
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
    check("ALTER TABLE lbops_judge.p ATTACH PARTITION lbops_judge.p_2 FOR VALUES IN (2)");
    check("ALTER TABLE lbops_judge.p DETACH PARTITION lbops_judge.p_1");
    check("CREATE TABLE lbops_judge.p_3 PARTITION OF lbops_judge.p FOR VALUES IN (3)");
    check("CREATE TABLE lbops_judge.w (id int PRIMARY KEY REFERENCES lbops_judge.u)");
}

static void others(void)
{
    check("CREATE INDEX x ON " T " (b)");
    check("REINDEX TABLE " T);
    check("CREATE TRIGGER h BEFORE INSERT ON " T " EXECUTE FUNCTION lbops_judge.f()");
    check("CREATE POLICY r ON " T " USING (id = 2)");
    check("ALTER POLICY q ON " T " USING (id = 2)");
    check("CREATE RULE r AS ON INSERT TO " T " DO NOTHING");
    check("REFRESH MATERIALIZED VIEW CONCURRENTLY lbops_judge.m");
    check("CLUSTER " T " USING t_id");
    check("INSERT INTO " T " (id, a, n) VALUES (90, 90, 90)");
    check("UPDATE " T " SET b = 3 WHERE id = 1");
    check("DELETE FROM " T " WHERE id = 1");
    check("LOCK TABLE " T " IN SHARE MODE");
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
    return true;
}

static void on_each(void (*measures)(void))
{
    static const char *const names[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG16", "LBOPS_TEST_PG17", "LBOPS_TEST_PG18"};
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        if (!connect_to(names[i]))
            continue;
        measures();
        PQclear(PQexec(conn, "SET client_min_messages = warning; DROP SCHEMA lbops_judge CASCADE"));
        PQfinish(conn);
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
      TEST(locks_of_others))
