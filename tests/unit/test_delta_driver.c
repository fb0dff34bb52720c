/* The driver between outbox and a delta service: what it commits when, and what it does with a service that fails. The
 * mock holds the other side. */
#define PLACE_PLUGIN delta_mock
#include "delta_place.h"

static int64_t turn(place *p, delta_driver_report *report)
{
    return delta_driver_turn(p->driver, report);
}

static void a_turn_waits_for_the_interval(void)
{
    delta_driver_report r;
    PLACE p = place_new();
    OPEN_WITH(&p, "flush_interval_s", "3600");
    put_metrics(&p, NOON, 1, 3);
    CU_ASSERT(turn(&p, &r) > 0);
    CU_ASSERT_EQUAL(r.files, 0);
    CU_ASSERT_EQUAL(r.waiting_files, 1);
    CU_ASSERT_EQUAL(r.upkept, true); /* the first turn looks after the tables */
    CU_ASSERT_EQUAL(flush(&p).files, 1);
    place_close(&p);
    OPEN_WITH(&p, "flush_interval_s", "0");
    put_metrics(&p, NOON, 1, 3);
    CU_ASSERT(turn(&p, &r) > 0);
    CU_ASSERT_EQUAL(r.files, 1);
    CU_ASSERT_EQUAL(r.rows, 3);
    CU_ASSERT_EQUAL(r.waiting_files, 0);
    ASSERT_ANSWER(&p, "SELECT",
                  "pg_stat_history|0|0;index_recommendations|0|0;vacuum_history|0|0;lakebase_metrics|1|3;"
                  "sync_validation_history|0|0;branch_lifecycle|0|0;data_archival_history|0|0;"
                  "alert_history|0|0;audit_log|0|0;approval_history|0|0;tool_runs|0|0;"
                  "cost_attribution|0|0;capacity_forecasts|0|0;query_texts|0|0;query_review_queue|0|0;"
                  "diagnosis_history|0|0;migration_history|0|0;");
}

static void a_failing_service_loses_nothing(void)
{
    delta_driver_report r;
    lb_error err = {0};
    PLACE p = place_new();
    OPEN_WITH(&p, "flush_interval_s", "0", "failing", "lakebase_metrics");
    put_metrics(&p, NOON, 1, 3);
    (void)turn(&p, &r); /* when to come again does not matter here */
    CU_ASSERT_EQUAL(r.error.code, LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(r.error.message, "lakebase_metrics: commits of");
    CU_ASSERT_EQUAL(r.waiting_files, 1);
    (void)turn(&p, &r); /* it pauses before it tries again */
    CU_ASSERT_EQUAL(r.error.code, 0);
    CU_ASSERT_EQUAL(r.waiting_files, 1);
    CU_ASSERT_EQUAL(delta_driver_flush(p.driver, clock_monotonic() + 60 * CLOCK_SECOND, &r, &err), LB_ERR_UNREACHABLE);
    place_close(&p);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
}

static void damage_is_set_aside_with_its_reason(void)
{
    PLACE p = place_new();
    lb_error err = {0};
    put_metrics(&p, NOON, 1, 1);
    LB_AUTO_FREE char *bad = base_printf("%s/lakebase_metrics/0%025d.ndjson", p.outbox, 7);
    LB_AUTO_FREE char *note = base_printf("%s/damaged/lakebase_metrics.0%025d.reason", p.outbox, 7), *text = NULL;
    size_t length;
    CU_ASSERT_EQUAL(fs_write_durable(bad, "x", 1, 0600, &err), 0);
    OPEN(&p);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.damaged, 1);
    CU_ASSERT_EQUAL(r.files, 1);
    CU_ASSERT_EQUAL_FATAL(fs_read(note, 4096, &text, &length, &err), 0);
    ASSERT_TEXT(text, "its first line is no header of an outbox file\n");
    CU_ASSERT_EQUAL(flush(&p).damaged, 0); /* once */
}

static void listings_know_what_waits(void)
{
    PLACE p = place_new();
    lb_error err = {0};
    outbox_listing l = {0};
    CU_ASSERT_EQUAL_FATAL(outbox_list(p.outbox, &l, &err), 0); /* nothing has been written yet */
    CU_ASSERT_EQUAL(l.files, 0);
    ASSERT_TEXT(l.oldest, "");
    outbox_listing_done(&l);
    put_metrics(&p, NOON, 1, 2);
    put_metrics(&p, NOON, 1, 3);
    LB_AUTO_FREE char *half = base_printf("%s/lakebase_metrics/0%025d.1.tmp", p.outbox, 3);
    LB_AUTO_FREE char *stranger = base_printf("%s/lakebase_metrics/notes.txt", p.outbox);
    CU_ASSERT_EQUAL(fs_write_durable(half, "x", 1, 0600, &err), 0);
    CU_ASSERT_EQUAL(fs_write_durable(stranger, "x", 1, 0600, &err), 0);
    CU_ASSERT_EQUAL_FATAL(outbox_list(p.outbox, &l, &err), 0);
    CU_ASSERT_EQUAL(l.files, 2);
    CU_ASSERT_EQUAL(l.rows, 5);
    CU_ASSERT_EQUAL(l.strangers, 1);
    ASSERT_TEXT(l.oldest, "00000000000000000000000003"); /* half-written ones show later */
    outbox_listing_done(&l);
}

static void incomplete_plugins_are_refused(void)
{
    lb_error err = {0};
    lb_delta table = *(const lb_delta *)place_plugin()->ops;
    lb_plugin plugin = *place_plugin();
    plugin.ops = &table;
    CU_ASSERT_EQUAL(delta_driver_check(&plugin, &err), 0);
    table.query = NULL;
    CU_ASSERT_EQUAL(delta_driver_check(&plugin, &err), LB_ERR_INVALID);
    table = *(const lb_delta *)place_plugin()->ops;
    table.size = offsetof(lb_delta, query);
    CU_ASSERT_EQUAL(delta_driver_check(&plugin, &err), LB_ERR_INVALID);
    plugin.kind = LB_KIND_TRANSPORT;
    CU_ASSERT_EQUAL(delta_driver_check(&plugin, &err), LB_ERR_INVALID);
}

SUITE(delta_driver, TEST(a_turn_waits_for_the_interval), TEST(a_failing_service_loses_nothing),
      TEST(damage_is_set_aside_with_its_reason), TEST(listings_know_what_waits), TEST(incomplete_plugins_are_refused))
