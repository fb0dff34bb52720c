#include "delta_place.h"

static void commits_and_answers(void)
{
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 10);
    put_metrics(&p, NOON + DAY, 100, 5);
    OPEN(&p);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.commits, 1);
    CU_ASSERT_EQUAL(r.files, 2);
    CU_ASSERT_EQUAL(r.rows, 15);
    CU_ASSERT_EQUAL(r.waiting_files, 0);
    ASSERT_ANSWER(&p, "SELECT count(*), sum(metric_value), min(date), max(date) FROM lakebase_metrics",
                  "15|565.0|2026-01-01|2026-01-02;");
    ASSERT_ANSWER(&p, "SELECT count(*) FROM ops_catalog.lakebase_ops.lakebase_metrics WHERE date = '2026-01-02'", "5;");
    ASSERT_ANSWER(&p, "SELECT count(*) FROM audit_log", "0;");
    ASSERT_ANSWER(&p, "SELECT snapshot_timestamp FROM lakebase_metrics LIMIT 1", "2026-01-01T12:00:00.000000Z;");
}

SUITE(delta_local, TEST(commits_and_answers))
