/* What a table of the local history becomes with time, and the quick way of small commits. */
#include "delta_place.h"

static const char counted[] = "SELECT count(*), CAST(sum(metric_value) AS BIGINT) FROM lakebase_metrics";

/* ---- few rows ---- */

static void put_broken(const place *p)
{
    LB_AUTO_FREE char *path = base_printf("%s/lakebase_metrics/01%024d.ndjson", p->outbox, 0);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT(fputs("{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"run_id\":\"r\",\"rows\":2}\n{}\n", f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

/* One date goes into one file by a statement that stays prepared; the next commit may be of another kind. */
static void dates_and_damage_take_their_own_way(void)
{
    PLACE p = place_new();
    OPEN(&p);
    put_metrics(&p, NOON, 1, 3);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 10, 1);
    put_metrics(&p, NOON + DAY, 20, 1);
    put_metrics(&p, NOON - 30 * 365 * DAY, 30, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 40, 1);
    put_broken(&p);
    put_metrics(&p, NOON + DAY, 50, 1);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.rows, 2);
    CU_ASSERT_EQUAL(r.damaged, 1);
    put_broken(&p);
    put_metrics(&p, NOON, 60, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    put_metrics(&p, NOON, 70, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    ASSERT_ANSWER(&p, counted, "10|286;");
    ASSERT_ANSWER(&p, "SELECT date, count(*) FROM lakebase_metrics GROUP BY date ORDER BY date",
                  "1996-01-09|1;2026-01-01|7;2026-01-02|2;");
}

static void a_table_without_dates_goes_the_quick_way(void)
{
    lb_error err = {0};
    PLACE p = place_new();
    OPEN(&p);
    for (int i = 0; i < 3; i++) {
        outbox_batch *batch = outbox_batch_new(p.outbox, "01TESTRUN00000000000000000", 1 << 20);
        CU_ASSERT_EQUAL(outbox_add(batch, "query_texts",
                                   LB_ARGS(lb_i64("queryid", i), lb_i64("dbid", 5),
                                           lb_time("first_seen_at", NOON + i * DAY), lb_text("query", "SELECT 'a''b'")),
                                   &shop, &err),
                        0);
        CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
        (void)outbox_batch_free(batch);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
    }
    ASSERT_ANSWER(&p, "SELECT count(*), sum(queryid), max(query) FROM query_texts", "3|3|SELECT 'a''b';");
}

/* ---- compaction ---- */

static lb_delta_upkeep compact(place *p, int64_t now)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    CU_ASSERT_EQUAL(
        delta_driver_maintain(p->driver, "lakebase_metrics", now, clock_monotonic() + 60 * CLOCK_SECOND, &upkeep, &err),
        0);
    return upkeep;
}

static void a_day_that_goes_on_keeps_its_large_files(void)
{
    PLACE p = place_new();
    OPEN_WITH(&p, "compact_mb", "1", "compact_files", "2");
    for (int i = 0; i < 10; i++)
        put_metrics(&p, NOON, 0.1 + 1e6 * i, 10000);
    CU_ASSERT_EQUAL(flush(&p).rows, 100000);
    for (int i = 0; i < 3; i++) {
        put_metrics(&p, NOON, i, 1);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
    }
    lb_delta_upkeep u = compact(&p, NOON + HOUR);
    CU_ASSERT_EQUAL(u.compacted, 3);
    CU_ASSERT_EQUAL(u.compacted_into, 1);
    u = compact(&p, NOON + DAY);
    CU_ASSERT_EQUAL(u.compacted, 2);
    CU_ASSERT_EQUAL(compact(&p, NOON + DAY).compacted, 0);
    ASSERT_ANSWER(&p, "SELECT count(*) FROM lakebase_metrics", "100003;");
}

/* ---- roll-ups ---- */

static void put_statement(place *p, const char *run_id, int64_t at, int64_t calls, int64_t delta)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, run_id, 1 << 20);
    CU_ASSERT_EQUAL(outbox_add(batch, "pg_stat_history",
                               LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("granularity", "snapshot"),
                                       lb_f64("interval_seconds", 300), lb_i64("system_identifier", 7),
                                       lb_time("postmaster_start", NOON - DAY), lb_i64("userid", 10), lb_i64("dbid", 5),
                                       lb_bool("toplevel", true), lb_i64("queryid", 42), lb_i64("calls", calls),
                                       lb_f64("total_exec_time", (double)calls), lb_i64("calls_delta", delta)),
                               &shop, &err),
                    0);
    CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
    (void)outbox_batch_free(batch);
}

static lb_delta_upkeep roll_up(place *p)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    int r = delta_driver_maintain(p->driver, "pg_stat_history", NOON + 10 * DAY, clock_monotonic() + 60 * CLOCK_SECOND,
                                  &upkeep, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(r, 0);
    return upkeep;
}

#define RUN(n) "01KDX000000000000000000" n /* in the order of time, as ids of runs are */
#define MINUTE (60 * CLOCK_SECOND)
#define ASK_HOURS                                                                                                      \
    "SELECT snapshot_timestamp, granularity, run_id[24:], calls, calls_delta, interval_seconds FROM "                  \
    "pg_stat_history ORDER BY 1"
#define HOUR_OF(at) "2026-01-01T" at ":00:00.000000Z|hour|"

/* An hour is one row, whenever its snapshots come: before what it was made of, after that, or between. */
static void snapshots_that_come_late_join_their_hour(void)
{
    PLACE p = place_new();
    OPEN(&p);
    put_statement(&p, RUN("110"), NOON + 10 * MINUTE, 110, 10);
    put_statement(&p, RUN("130"), NOON + 30 * MINUTE, 130, 20);
    put_statement(&p, RUN("200"), NOON + 60 * MINUTE, 200, 70);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up, 3);
    ASSERT_ANSWER(&p, ASK_HOURS, HOUR_OF("12") "130|130|30|600.0;" HOUR_OF("13") "200|200|70|300.0;");
    put_statement(&p, RUN("120"), NOON + 20 * MINUTE, 120, 5);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 2);
    ASSERT_ANSWER(&p, ASK_HOURS, HOUR_OF("12") "130|130|35|900.0;" HOUR_OF("13") "200|200|70|300.0;");
    put_statement(&p, RUN("150"), NOON + 50 * MINUTE, 150, 15);
    put_statement(&p, RUN("080"), NOON - 20 * MINUTE, 80, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 2);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 3);
    ASSERT_ANSWER(&p, ASK_HOURS,
                  HOUR_OF("11") "080|80|1|300.0;" HOUR_OF("12") "150|150|50|1200.0;" HOUR_OF("13") "200|200|70|300.0;");
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up, 0); /* and nothing is left to do */
}

SUITE(delta_rollup, TEST(dates_and_damage_take_their_own_way), TEST(a_table_without_dates_goes_the_quick_way),
      TEST(a_day_that_goes_on_keeps_its_large_files), TEST(snapshots_that_come_late_join_their_hour))
