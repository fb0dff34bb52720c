/* What two readings say of the time between them, and when they say nothing. */
#include "unit/suite.h"

#include "health_measure.h"

#include <math.h>

#define NOW INT64_C(1700000000000000)

/* before: what was remembered of a view v that was read interval_s ago. */
static health_reading reading_after(const char *before, double interval_s)
{
    struct json_object *views = before ? json_tokener_parse(before) : NULL, *view = NULL;
    if (isnan(interval_s))
        return (health_reading){.at = NOW};
    if (json_object_object_get_ex(views, "v", &view))
        (void)json_object_object_add(view, "at", json_object_new_int64(NOW - (int64_t)(interval_s * 1e6)));
    struct json_object *all = json_object_new_object();
    (void)json_object_object_add(all, "views", views);
    return (health_reading){.at = NOW, .before = all};
}

static const char *why_not(const char *before, double interval_s, const health_sample *sample)
{
    const char *why = NULL;
    double delta = NAN;
    health_reading r = reading_after(before, interval_s);
    bool known = health_delta(&r, sample, &delta, &why);
    json_object_put(r.before);
    CU_ASSERT(!known);
    return why ? why : "";
}

static double delta_of(const char *before, const health_sample *sample)
{
    const char *why = NULL;
    double delta = NAN;
    health_reading r = reading_after(before, 60);
    CU_ASSERT(health_delta(&r, sample, &delta, &why));
    CU_ASSERT_PTR_NULL(why);
    json_object_put(r.before);
    return delta;
}

static const health_sample wal = {.view = "v", .metric = "wal_bytes", .digits = "1500", .epoch = "e1"};
static const health_sample io = {
    .view = "v", .metric = "io_reads", .digits = "9", .object = "client backend", .epoch = "e1"};

static void a_counter_rises_within_an_epoch(void)
{
    CU_ASSERT_EQUAL(delta_of("{\"v\":{\"counters\":{\"wal_bytes\":[\"1000\",\"e1\"]}}}", &wal), 500);
    CU_ASSERT_EQUAL(delta_of("{\"v\":{\"counters\":{\"wal_bytes\":[\"1500\",\"e1\"]}}}", &wal), 0);
    CU_ASSERT_EQUAL(delta_of("{\"v\":{\"counters\":{\"io_reads client backend\":[\"4\",\"e1\"]}}}", &io), 5);
}

static void large_counters_keep_their_last_digits(void)
{
    const health_sample large = {.view = "v", .metric = "wal_bytes", .digits = "9007199254740995", .epoch = "e1"};
    CU_ASSERT_EQUAL(delta_of("{\"v\":{\"counters\":{\"wal_bytes\":[\"9007199254740992\",\"e1\"]}}}", &large), 3);
}

static void without_two_readings_of_one_epoch_nothing_is_said(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not(NULL, NAN, &wal), "first reading"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not("{\"w\":{\"counters\":{}}}", 60, &wal), "first reading"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not("{\"v\":{}}", 60, &wal), "not in the reading before"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why_not("{\"v\":{\"counters\":{\"wal_bytes\":[\"1000\",\"e0\"]}}}", 60, &wal), "restarted"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why_not("{\"v\":{\"counters\":{\"wal_bytes\":[\"1000\",null]}}}", 60, &wal), "restarted"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why_not("{\"v\":{\"counters\":{\"wal_bytes\":[\"9999\",\"e1\"]}}}", 60, &wal), "fell"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why_not("{\"v\":{\"counters\":{\"wal_bytes\":[\"1000\",\"e1\"]}}}", 0, &wal), "no time"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why_not("{\"v\":{\"counters\":{\"wal_bytes\":[\"1000\",\"e1\"]}}}", -5, &wal), "no time"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not("{\"v\":{\"counters\":7}}", 60, &wal), "not in the reading before"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not("{\"v\":{}}", 60, NULL), "not read"));
}

static void every_metric_has_a_unit_and_a_kind(void)
{
    for (health_alert_id id = 0; id < HEALTH_ALERTS; id++) {
        const health_alert_rule *rule = &health_alert_rules[id];
        CU_ASSERT_EQUAL(health_alert_named(rule->metric), id);
        CU_ASSERT(health_unit(rule->metric) && health_kind(rule->metric));
        CU_ASSERT(rule->limits.below ? rule->limits.warning > rule->limits.critical
                                     : rule->limits.warning < rule->limits.critical);
    }
    CU_ASSERT_EQUAL(health_alert_named("rain"), HEALTH_ALERTS);
    CU_ASSERT_PTR_NULL(health_kind("rain"));
    CU_ASSERT(health_rate_of("wal_bytes") && health_kind(health_rate_of("wal_bytes")));
}

static void levels(void)
{
    const health_limits above = {10, 60, false}, below = {0.99, 0.95, true}, only = {NAN, 5, false};
    CU_ASSERT(strcmp(health_level(&above, 10), "normal") == 0 && strcmp(health_level(&above, 10.1), "warning") == 0);
    CU_ASSERT(strcmp(health_level(&above, 61), "critical") == 0);
    CU_ASSERT(strcmp(health_level(&below, 0.99), "normal") == 0 && strcmp(health_level(&below, 0.94), "critical") == 0);
    CU_ASSERT(strcmp(health_level(&only, 4), "normal") == 0 && strcmp(health_level(&only, 6), "critical") == 0);
}

SUITE(health_reading, TEST(a_counter_rises_within_an_epoch), TEST(large_counters_keep_their_last_digits),
      TEST(without_two_readings_of_one_epoch_nothing_is_said), TEST(every_metric_has_a_unit_and_a_kind), TEST(levels))
