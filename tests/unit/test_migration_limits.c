/* For how long the statements of a migration may go on. */
#include "migration_run.h"
#include "unit/suite.h"

#define MINUTE INT64_C(60000)
#define MIB    (INT64_C(1) << 20)

static void time_grows_with_the_table(void)
{
    static const struct {
        int64_t bytes, reads, writes; /* minutes */
    } all[] = {{-1, 240, 240},
               {0, 1, 1},
               {MIB, 1, 1},
               {500 * MIB, 2, 8},
               {10240 * MIB, 32, 128},
               {102400 * MIB, 240, 240},
               {INT64_MAX, 240, 240}};
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        CU_ASSERT_EQUAL(migration_time_for(all[i].bytes, false), all[i].reads * MINUTE);
        CU_ASSERT_EQUAL(migration_time_for(all[i].bytes, true), all[i].writes * MINUTE);
    }
}

/* A table that grows a little is asked about as before. */
static void it_goes_in_few_steps(void)
{
    int64_t last = 0, steps = 0;
    for (int64_t bytes = 0; bytes < 200000 * MIB; bytes += 16 * MIB) {
        int64_t most = migration_time_for(bytes, true);
        CU_ASSERT_TRUE_FATAL(most >= last);
        steps += most > last;
        last = most;
    }
    CU_ASSERT_EQUAL(steps, 9); /* 1, 2, 4 ... 128 and 240 minutes */
}

/* clang-format off: one line for each text */
static const struct {
    const char *text;
    migration_work work;
} works[] = {
    {"ALTER TABLE app.t VALIDATE CONSTRAINT c", WORK_READS},
    {"ALTER TABLE app.t ALTER COLUMN a SET NOT NULL", WORK_READS},
    {"ANALYZE app.t", WORK_READS},
    {"UPDATE app.t SET a = 1 WHERE a IS NULL", WORK_WRITES},
    {"DELETE FROM app.t WHERE a = 1", WORK_WRITES},
    {"INSERT INTO app.t SELECT * FROM app.u ON CONFLICT DO NOTHING", WORK_WRITES},
    {"MERGE INTO app.t USING app.u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = 1", WORK_WRITES},
    {"CREATE TABLE app.t2 AS SELECT * FROM app.t", WORK_WRITES},
    {"CREATE INDEX i ON app.t (a)", WORK_WRITES},
    {"ALTER TABLE app.t ALTER COLUMN a TYPE bigint", WORK_WRITES},
    {"VACUUM FULL app.t", WORK_WRITES},
    {"CREATE INDEX CONCURRENTLY i ON app.t (a)", WORK_BUILDS},
    {"DROP INDEX CONCURRENTLY app.i", WORK_BUILDS},
    {"REINDEX INDEX CONCURRENTLY app.i", WORK_BUILDS},
    {"ALTER TABLE app.t DETACH PARTITION app.p CONCURRENTLY", WORK_BUILDS},
    {"ALTER TABLE app.t ADD COLUMN b int", WORK_QUICK},
    {"COMMENT ON TABLE app.t IS 'x'", WORK_QUICK},
    {"CREATE TABLE app.t2 (a int)", WORK_QUICK},
    {"TRUNCATE app.t", WORK_QUICK},
    {"SET LOCAL work_mem TO '1MB'", WORK_QUICK},
    {"SELECT app.backfill()", WORK_UNKNOWN},
    {"REFRESH MATERIALIZED VIEW app.v", WORK_UNKNOWN},
    {"CALL app.backfill()", WORK_UNKNOWN},
    {"DO $$ BEGIN UPDATE app.t SET a = 1 WHERE id = 1; END $$", WORK_UNKNOWN},
};
/* clang-format on */

static void statements_are_told_apart_by_their_work(void)
{
    arena memory;
    arena_init(&memory, 0);
    for (size_t i = 0; i < LB_COUNT(works); i++) {
        judgement done = {0};
        lb_error err;
        CU_ASSERT_EQUAL_FATAL(judge_file(works[i].text, 17, &memory, &done, &err), 0);
        CU_ASSERT_EQUAL_FATAL(done.count, 1);
        migration_work work = migration_work_of(&done.items[0]);
        if (work != works[i].work)
            (void)fprintf(stderr, "%s: %d\n", works[i].text, (int)work);
        CU_ASSERT_EQUAL(work, works[i].work);
    }
    arena_done(&memory);
}

SUITE(migration_limits, TEST(time_grows_with_the_table), TEST(it_goes_in_few_steps),
      TEST(statements_are_told_apart_by_their_work))
