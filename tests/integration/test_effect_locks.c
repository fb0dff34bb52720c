/* The classifier's claim against a real server (LBOPS_TEST_PG17, as superuser; without it skipped with exit code 77): a
 * statement counts as disruptive where it reads or rewrites a table while its own lock keeps writers out, and as
 * additive where it does not. What is measured: the lock that our transaction holds, its scans of the table, and
 * whether the table has another file. */
#include "effect.h"
#include "unit/suite.h"

#include <libpq-fe.h>

static PGconn *conn;

static const char setup[] =
    "SET client_min_messages = warning; DROP SCHEMA IF EXISTS lbops_effect CASCADE; CREATE SCHEMA lbops_effect; SET "
    "search_path = lbops_effect;"
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
    "CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u SELECT generate_series(1, 50);"
    "CREATE TABLE t (id int, a int NOT NULL, b int, n int NOT NULL);"
    "INSERT INTO t SELECT i, i, i, i FROM generate_series(1, 50) i;"
    "ALTER TABLE t ADD CONSTRAINT waits CHECK (b > 0) NOT VALID;"
    "CREATE UNIQUE INDEX t_n ON t (n); CREATE UNIQUE INDEX t_id ON t (id);"
    "CREATE TABLE p (k int) PARTITION BY LIST (k); CREATE TABLE p_default PARTITION OF p DEFAULT; ANALYZE";

/* What our own session has done to the table so far; the counters also hold what earlier transactions have not yet
 * reported. */
static const char state[] =
    "SELECT concat_ws(' ', pg_stat_get_xact_numscans($1::text::regclass), pg_relation_filenode($1::text::regclass))";

static const char keeps_writers_out[] =
    "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND relation = $1::text::regclass AND mode IN"
    " ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))";

/* The first cell; the caller frees. table: NULL for statements without a parameter. */
static char *ask(const char *sql, const char *table)
{
    const char *values[] = {table};
    PGresult *result = PQexecParams(conn, sql, table ? 1 : 0, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        printf("\n    %s\n    %s", sql, PQerrorMessage(conn));
    CU_ASSERT(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    char *cell = base_strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return cell;
}

static void run(const char *sql)
{
    free(ask(sql, NULL));
}

static bool disrupts(const char *sql, const char *table)
{
    run("BEGIN");
    LB_AUTO_FREE char *before = ask(state, table);
    run(sql);
    LB_AUTO_FREE char *after = ask(state, table), *locked = ask(keeps_writers_out, table);
    run("ROLLBACK");
    return strcmp(locked, "t") == 0 && strcmp(before, after) != 0;
}

/* table: the one that is in use. */
static void check(const char *sql, const char *table)
{
    effect_verdict v = {.effect = EFFECT_READ};
    lb_error err = {0};
    CU_ASSERT_EQUAL(effect_of_sql(sql, &v, &err), 0);
    bool claimed = v.effect >= EFFECT_DISRUPTIVE, measured = disrupts(sql, table);
    if (claimed != measured)
        printf("\n    %s\n    we say %s, the server %s\n", sql, effect_name(v.effect),
               measured ? "works under a strong lock" : "does not");
    CU_ASSERT_EQUAL(claimed, measured);
}

static void added_columns(void)
{
    check("ALTER TABLE t ADD COLUMN c int", "t");
    check("ALTER TABLE t ADD COLUMN c text DEFAULT 'x'", "t");
    check("ALTER TABLE t ADD COLUMN c timestamptz NOT NULL DEFAULT now()", "t");
    check("ALTER TABLE t ADD COLUMN c text DEFAULT upper('x')", "t");
    check("ALTER TABLE t ADD COLUMN c int REFERENCES u", "t");
    check("ALTER TABLE t ADD COLUMN c int REFERENCES u DEFAULT 3", "t");
    check("ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()", "t");
    check("ALTER TABLE t ADD COLUMN c timestamptz DEFAULT clock_timestamp()", "t");
    check("ALTER TABLE t ADD COLUMN c bigserial", "t");
    check("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY", "t");
    check("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED", "t");
    check("ALTER TABLE t ADD COLUMN c int CHECK (c > 0)", "t");
    check("ALTER TABLE t ADD COLUMN c int UNIQUE", "t");
    check("ALTER TABLE t ADD COLUMN c positive", "t");
}

static void constraints(void)
{
    check("ALTER TABLE t ADD CHECK (b > 0)", "t");
    check("ALTER TABLE t ADD CHECK (b > 0) NOT VALID", "t");
    check("ALTER TABLE t VALIDATE CONSTRAINT waits", "t");
    check("ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES u", "t");
    check("ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES u NOT VALID", "t");
    check("ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES u NOT VALID", "u");
    check("ALTER TABLE t ADD UNIQUE (b)", "t");
    check("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX t_n", "t");
    check("ALTER TABLE t ADD PRIMARY KEY (a)", "t");
    check("ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX t_id", "t"); /* id is nullable */
    check("ALTER TABLE t ALTER b SET NOT NULL", "t");
}

static void other_alterations(void)
{
    check("ALTER TABLE t ALTER b SET DEFAULT 3", "t");
    check("ALTER TABLE t ALTER b SET STATISTICS 500", "t");
    check("ALTER TABLE t ALTER b SET (n_distinct = 5)", "t");
    check("ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY", "t");
    check("ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80)", "t");
    check("ALTER TABLE t SET UNLOGGED", "t");
    check("ALTER TABLE t ALTER b TYPE bigint", "t");
    check("ALTER TABLE t CLUSTER ON t_id", "t");
    check("CREATE POLICY q ON t USING (true)", "t");
    check("COMMENT ON TABLE t IS 'x'", "t");
    check("CREATE STATISTICS s ON a, b FROM t", "t");
}

static void indexes_and_upkeep(void)
{
    check("CREATE INDEX ON t (b)", "t");
    check("CLUSTER t USING t_id", "t");
    check("ANALYZE t", "t");
    check("REINDEX TABLE t", "t");
    check("CREATE TABLE w (id int REFERENCES u)", "u");
    check("CREATE VIEW v AS SELECT * FROM t", "t");
    check("CREATE TABLE w AS SELECT * FROM t", "t");
    check("CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)", "p_default");
}

static void rows_and_rights(void)
{
    check("INSERT INTO t VALUES (60, 60, 60, 60)", "t");
    check("GRANT SELECT ON t TO pg_monitor", "t");
}

static CU_ErrorCode connect_to(const char *url)
{
    conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK) {
        printf("%s", PQerrorMessage(conn));
        return CUE_NOMEMORY;
    }
    PGresult *result = PQexec(conn, setup);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        printf("%s", PQerrorMessage(conn));
    PQclear(result);
    return ok ? CUE_SUCCESS : CUE_NOMEMORY;
}

static void needs_a_server(void)
{
    const char *url = getenv("LBOPS_TEST_PG17");
    if (!url || !*url) {
        printf("LBOPS_TEST_PG17 names no server: skipped\n");
        exit(77);
    }
    CU_ASSERT_EQUAL_FATAL(connect_to(url), CUE_SUCCESS);
}

static void leaves_nothing(void)
{
    run("DROP SCHEMA lbops_effect CASCADE");
    PQfinish(conn);
}

SUITE(effect_locks, TEST(needs_a_server), TEST(added_columns), TEST(constraints), TEST(other_alterations),
      TEST(indexes_and_upkeep), TEST(rows_and_rights), TEST(leaves_nothing))
