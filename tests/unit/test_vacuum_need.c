/* When autovacuum comes, how far that is, and what a table's churn asks for. */
#include "unit/suite.h"
#include "vacuum_due.h"
#include "vacuum_pace.h"
#include "vacuum_parent.h"
#include "vacuum_room.h"
#include "vacuum_tune.h"

static const vacuum_settings_row server = {
    .enabled = true,
    .vacuum_threshold = 50,
    .vacuum_scale = 0.2,
    .vacuum_max_threshold_is_null = true,
    .insert_threshold = 1000,
    .insert_scale = 0.2,
    .analyze_threshold = 50,
    .analyze_scale = 0.1,
    .freeze_max_age = 200e6,
    .mxid_freeze_max_age = 400e6,
};

static const vacuum_relations_row plain = {
    .kind = "r",
    .persistence = "p",
    .rows_known = 10000,
    .live = 10000,
    .last_vacuum_is_null = true,
    .last_autovacuum_is_null = true,
    .last_analyze_is_null = true,
    .last_autoanalyze_is_null = true,
    .enabled_is_null = true,
    .frozen_pages_is_null = true,
    .vacuum_threshold_is_null = true,
    .vacuum_scale_is_null = true,
    .vacuum_max_threshold_is_null = true,
    .insert_threshold_is_null = true,
    .insert_scale_is_null = true,
    .analyze_threshold_is_null = true,
    .analyze_scale_is_null = true,
    .freeze_max_age_is_null = true,
    .mxid_freeze_max_age_is_null = true,
};

static vacuum_need need_of(vacuum_relations_row row)
{
    vacuum_need need;
    vacuum_need_of(&server, &row, &need);
    return need;
}

static void triggers_are_those_of_the_server(void)
{
    vacuum_need need = need_of(plain);
    CU_ASSERT_DOUBLE_EQUAL(need.vacuum_trigger, 2050, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(need.insert_trigger, 3000, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(need.analyze_trigger, 1050, 1e-9);
    CU_ASSERT_TRUE(need.enabled);
    CU_ASSERT_EQUAL(need.last_vacuum, LB_TIME_NONE);
}

static void a_tables_own_settings_come_first(void)
{
    vacuum_relations_row row = plain;
    row.vacuum_scale_is_null = row.insert_threshold_is_null = row.freeze_max_age_is_null = row.enabled_is_null = false;
    row.vacuum_scale = 0;
    row.insert_threshold = -1;
    row.freeze_max_age = 900e6;
    row.enabled = false;
    vacuum_need need = need_of(row);
    CU_ASSERT_DOUBLE_EQUAL(need.vacuum_trigger, 50, 1e-9);
    CU_ASSERT_TRUE(need.insert_trigger < 0);
    CU_ASSERT_DOUBLE_EQUAL(need.freeze_max_age, 200e6, 1e-3); /* never later than the server says */
    CU_ASSERT_FALSE(need.enabled);
}

static void nobody_has_counted(void)
{
    vacuum_relations_row row = plain;
    row.rows_known = -1;
    row.live = 0;
    vacuum_need need = need_of(row);
    CU_ASSERT_DOUBLE_EQUAL(need.vacuum_trigger, 50, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(need.dead_ratio, 0, 1e-9);
}

static void version_18_has_a_cap_and_counts_what_is_not_frozen(void)
{
    vacuum_settings_row newer = server;
    vacuum_relations_row row = plain;
    vacuum_need need;
    newer.vacuum_max_threshold_is_null = false;
    newer.vacuum_max_threshold = 1500;
    row.frozen_pages_is_null = false;
    row.pages = 100;
    row.frozen_pages = 75;
    vacuum_need_of(&newer, &row, &need);
    CU_ASSERT_DOUBLE_EQUAL(need.vacuum_trigger, 1500, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(need.insert_trigger, 1500, 1e-9);
    newer.vacuum_max_threshold = -1; /* no cap */
    vacuum_need_of(&newer, &row, &need);
    CU_ASSERT_DOUBLE_EQUAL(need.vacuum_trigger, 2050, 1e-9);
}

static unsigned due_of(vacuum_relations_row row, int64_t now)
{
    static const vacuum_limits limits = {.dead_ratio = 0.1, .min_rows = 1000, .min_changed = 0.01, .stale_hours = 24};
    const vacuum_relation v = {.row = row, .need = need_of(row)};
    return vacuum_due(&v, &limits, now);
}

static void floors_keep_small_things_out(void)
{
    const int64_t hour = INT64_C(3600000000);
    vacuum_relations_row row = plain;
    row.last_vacuum_is_null = false;
    row.last_vacuum = 0;
    CU_ASSERT_EQUAL(due_of(row, 1000 * hour), 0); /* unchanged, however old its vacuum */
    row.dead = 999;
    CU_ASSERT_EQUAL(due_of(row, 1000 * hour), 0);
    row.dead = 1500; /* below the trigger, above the ratio */
    CU_ASSERT_EQUAL(due_of(row, hour), VACUUM_DEAD);
    row.dead = 1000;
    row.live = 1000000;
    row.rows_known = 1e6;
    CU_ASSERT_EQUAL(due_of(row, hour), 0);
    row.dead = 10000;
    CU_ASSERT_EQUAL(due_of(row, 25 * hour), VACUUM_STALE);
    CU_ASSERT_EQUAL(due_of(row, 23 * hour), 0);
}

static void a_window_may_span_midnight(void)
{
    const int64_t minute = 60000000;
    lb_error err;
    CU_ASSERT_TRUE(vacuum_in_window("22:00-05:30", 23 * 60 * minute));
    CU_ASSERT_TRUE(vacuum_in_window("22:00-05:30", (5 * 60 + 29) * minute));
    CU_ASSERT_FALSE(vacuum_in_window("22:00-05:30", (5 * 60 + 30) * minute));
    CU_ASSERT_FALSE(vacuum_in_window("01:00-02:00", 3 * 60 * minute));
    CU_ASSERT_TRUE(vacuum_in_window(NULL, 0));
    CU_ASSERT_EQUAL(vacuum_check_window("24:00-01:00", &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(vacuum_check_window("1:00-02:00", &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(vacuum_check_window("01:00-01:00", &err), LB_ERR_INVALID);
}

static void an_opening_has_one_pass(void)
{
    const int64_t minute = 60000000, midnight = 20000 * 1440 * minute;
    vacuum_window w = {.hours = "22:00-05:30", .passed_at = midnight - 90 * minute};
    CU_ASSERT_TRUE(vacuum_window_passed(&w, midnight - 30 * minute));
    CU_ASSERT_TRUE(vacuum_window_passed(&w, midnight + 5 * 60 * minute));
    CU_ASSERT_FALSE(vacuum_window_passed(&w, midnight + 22 * 60 * minute)); /* the next night */
    w.passed_at = midnight - 121 * minute;
    CU_ASSERT_FALSE(vacuum_window_passed(&w, midnight)); /* before it opened */
    w.passed_at = midnight + minute;
    CU_ASSERT_FALSE(vacuum_window_passed(&w, midnight)); /* a clock that was put back */
    w = (vacuum_window){.passed_at = midnight};
    CU_ASSERT_FALSE(vacuum_window_passed(&w, midnight)); /* at any time */
}

static void the_quiet_hours_are_among_those_that_are_known(void)
{
    double calls[24];
    for (int i = 0; i < 24; i++)
        calls[i] = 100;
    calls[3] = calls[4] = calls[5] = 0; /* seen, and nothing ran */
    CU_ASSERT_EQUAL(vacuum_quiet_hour(calls), 3);
    calls[4] = -1; /* a compute that sleeps */
    CU_ASSERT_EQUAL(vacuum_quiet_hour(calls), 1);
    calls[22] = calls[23] = calls[0] = 1; /* midnight lies between */
    CU_ASSERT_EQUAL(vacuum_quiet_hour(calls), 22);
    for (int i = 0; i < 24; i += 3)
        calls[i] = -1;
    CU_ASSERT_EQUAL(vacuum_quiet_hour(calls), -1);
}

static vacuum_tuning tuned(double rows, double changed, double hours)
{
    vacuum_tuning t;
    vacuum_relations_row row = plain;
    row.rows_known = rows;
    const vacuum_relation v = {.row = row, .need = need_of(row)};
    vacuum_tune(&v, &(vacuum_observed){.changed = changed, .hours = hours}, &t);
    return t;
}

/* What a tuning says of analyzing a large table that has this scale in force, by the server or by itself. */
static double analyze_scale(double of_server, double own)
{
    vacuum_tuning t;
    vacuum_settings_row other = server;
    vacuum_relation v = {.row = plain};
    other.analyze_scale = of_server;
    v.row.rows_known = 1e7;
    v.row.analyze_scale_is_null = own < 0;
    v.row.analyze_scale = own;
    vacuum_need_of(&other, &v.row, &v.need);
    vacuum_tune(&v, &(vacuum_observed){.changed = 24e4, .hours = 24}, &t);
    return t.analyze_scale;
}

static void analyzing_is_never_put_off(void)
{
    CU_ASSERT_DOUBLE_EQUAL(analyze_scale(0.1, -1), 0.02, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(analyze_scale(0.021, -1), 0.02, 1e-9);
    CU_ASSERT_TRUE(analyze_scale(0.02, -1) < 0);
    CU_ASSERT_TRUE(analyze_scale(0.01, -1) < 0);
    CU_ASSERT_TRUE(analyze_scale(0, -1) < 0); /* a threshold alone */
    CU_ASSERT_TRUE(analyze_scale(0.1, 0.005) < 0);
    CU_ASSERT_DOUBLE_EQUAL(analyze_scale(0.01, 0.2), 0.02, 1e-9);
}

static void a_large_table_is_analyzed_in_time_by_itself(void)
{
    vacuum_tuning t = tuned(1e7, 24e2, 24);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_analyze_off(&t), 1000050.0 / 200050, 1e-9);
    t = tuned(1e7, 900, 24);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_analyze_off(&t), 0, 1e-9); /* too little changes to matter */
    t = tuned(9e5, 24e4, 24);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_analyze_off(&t), 0, 1e-9); /* it is not large */
}

static vacuum_tuning filled(double rows, double a_day, double changed_a_day)
{
    vacuum_tuning t;
    vacuum_relations_row row = plain;
    row.rows_known = rows;
    const vacuum_relation v = {.row = row, .need = need_of(row)};
    vacuum_tune(&v, &(vacuum_observed){.inserted = a_day, .changed = changed_a_day, .hours = 24}, &t);
    return t;
}

static void where_rows_are_only_added_the_trigger_of_inserts_counts(void)
{
    vacuum_tuning t = filled(5e5, 24e3, 0);
    CU_ASSERT_DOUBLE_EQUAL(t.insert_scale, 0.05, 1e-9);
    CU_ASSERT_EQUAL(t.insert_threshold, 1000);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_inserts_off(&t), 101000.0 / 26000, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_off(&t), 0, 1e-9);
    t = filled(1e8, 24e5, 0); /* a day's rows at a time, not twenty million */
    CU_ASSERT_DOUBLE_EQUAL(t.insert_scale, 0, 1e-9);
    CU_ASSERT_EQUAL(t.insert_threshold, 2000000);
    CU_ASSERT_EQUAL(filled(1e8, 8e7, 0).insert_threshold, 5000000); /* at most a twentieth of it */
    CU_ASSERT_EQUAL(filled(2e6, 2400, 0).insert_threshold, 50000);  /* and not each time that a few came */
    t = filled(5e5, 24e3, 1e3);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_inserts_off(&t), 0, 1e-9); /* rows are changed, too */
    t = filled(5e5, 5e5, 0);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_inserts_off(&t), 0, 1e-9); /* loaded, perhaps once */
    t = filled(5e5, 500, 0);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_inserts_off(&t), 0, 1e-9); /* too few */
}

static void a_leafs_own_analyze_hides_what_had_changed(void)
{
    const int64_t hour = INT64_C(3600000000);
    vacuum_relation leaf = {.row = plain, .need = need_of(plain)};
    leaf.row.modified_since_analyze = 70;
    CU_ASSERT_DOUBLE_EQUAL(vacuum_leaf_changed(&leaf, 10 * hour), 70, 1e-9);
    leaf.need.last_analyze = leaf.row.last_analyze = 12 * hour; /* a person's, of all that there is */
    leaf.row.last_autoanalyze = 9 * hour;
    leaf.row.last_autoanalyze_is_null = false;
    CU_ASSERT_DOUBLE_EQUAL(vacuum_leaf_changed(&leaf, 10 * hour), 70, 1e-9);
    leaf.row.last_autoanalyze = 12 * hour;
    CU_ASSERT_DOUBLE_EQUAL(vacuum_leaf_changed(&leaf, 10 * hour), 1120, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_leaf_changed(&leaf, LB_TIME_NONE), 1120, 1e-9);
}

static void a_tuning_is_judged_by_what_came_since(void)
{
    CU_ASSERT_TRUE(vacuum_tuning_is_ripe(3, 3, 4, 3, 168));
    CU_ASSERT_FALSE(vacuum_tuning_is_ripe(2, 3, 100, 3, 168));  /* autovacuum came too seldom yet */
    CU_ASSERT_FALSE(vacuum_tuning_is_ripe(50, 3, 2, 3, 168));   /* too early */
    CU_ASSERT_TRUE(vacuum_tuning_is_ripe(0, 3, 168, 3, 168));   /* it has had long enough */
    CU_ASSERT_FALSE(vacuum_tuning_is_ripe(-1, 3, 168, 3, 168)); /* nobody knows */
}

static void counters_that_began_anew_are_counted_on(void)
{
    vacuum_churn_row rows[] = {
        {.object_name = "s.t",
         .metric_name = "table_rows_changed",
         .first_at = 0,
         .first_value = 50,
         .last_value = 30,
         .grown = 400},
        {.object_name = "s.t", .metric_name = "table_rows_inserted", .first_at = 0, .last_value = 7, .grown = 10},
        {.object_name = "s.t",
         .metric_name = "table_autovacuums",
         .first_at = 0,
         .first_value = 2,
         .last_value = 4,
         .grown = 6},
    };
    const vacuum_counts counts = {rows, 3};
    const int64_t hour = INT64_C(3600000000);
    vacuum_scan scan = {.now = 30 * hour, .server = {.counts_since = 20 * hour}};
    vacuum_relation v = {.row = plain, .label = "s.t"};
    v.row.updated = 20;
    v.row.deleted = 5; /* 25: fewer than were noted last */
    v.row.inserted = 9;
    v.row.autovacuums = 5;
    vacuum_observed seen = vacuum_counts_of(&scan, &counts, &v, 48);
    CU_ASSERT_TRUE(seen.is_history);
    CU_ASSERT_DOUBLE_EQUAL(seen.hours, 30, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.changed, 425, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.inserted, 12, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.autovacuums, 7, 1e-9);
    CU_ASSERT_TRUE(seen.is_least);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_counts_visits(&counts, &v, 1), 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_counts_visits(&counts, &v, 90), 9, 1e-9);
    scan.server.counts_since = -10 * hour; /* the server knows more */
    seen = vacuum_counts_of(&scan, &counts, &v, 48);
    CU_ASSERT_FALSE(seen.is_history);
    CU_ASSERT_DOUBLE_EQUAL(seen.changed, 25, 1e-9);
    CU_ASSERT_TRUE(vacuum_counts_of(&scan, &counts, &v, 24)
                       .is_history); /* what grew lately is worth more than what there ever was */
    rows[0].last_at = rows[1].last_at = 29 * hour;
    rows[0].last_value = 20;
    CU_ASSERT_FALSE(vacuum_counts_of(&scan, &counts, &v, 24).is_least);
    rows[1].restarts = 1;
    CU_ASSERT_TRUE(vacuum_counts_of(&scan, &counts, &v, 24).is_least);
    v.label = "s.other";
    CU_ASSERT_TRUE(vacuum_counts_visits(&counts, &v, 1) < 0);
}

static bool wants_room(double updated, double hot, double hours)
{
    return vacuum_room_is_asked(&(vacuum_observed){.updated = updated, .hot = hot, .updated_hours = hours}, 24);
}

static void room_is_for_many_updates_that_are_not_hot(void)
{
    CU_ASSERT_TRUE(wants_room(1.2e6, 5e5, 1000));
    CU_ASSERT_FALSE(wants_room(1.2e6, 6e5, 1000));
    CU_ASSERT_FALSE(wants_room(9e5, 0, 100));                                       /* too few to tell */
    CU_ASSERT_FALSE(wants_room(1.2e6, 0, 1200));                                    /* too seldom to matter */
    CU_ASSERT_FALSE(wants_room(1.2e6, 0, 23));                                      /* a load, perhaps */
    CU_ASSERT_FALSE(wants_room(0, 0, 100));                                         /* rows are only added */
    CU_ASSERT_FALSE(vacuum_room_is_asked(&(vacuum_observed){.updated = 1.2e6}, 0)); /* nobody knows when */
}

static void updates_are_counted_by_whoever_has_noted_them(void)
{
    const int64_t hour = INT64_C(3600000000);
    vacuum_churn_row rows[] = {
        {.object_name = "s.t", .metric_name = "table_rows_changed", .first_at = 0, .last_value = 30, .grown = 400},
        {.object_name = "s.t", .metric_name = "table_rows_inserted", .first_at = 0, .last_value = 7, .grown = 10},
        {.object_name = "s.t", .metric_name = "table_autovacuums", .first_at = 0, .last_value = 4, .grown = 6},
        {.object_name = "s.t",
         .metric_name = "table_rows_updated",
         .first_at = 5 * hour,
         .last_value = 30,
         .grown = 300},
        {.object_name = "s.t",
         .metric_name = "table_rows_hot_updated",
         .first_at = 5 * hour,
         .last_value = 9,
         .grown = 90},
    };
    vacuum_counts counts = {rows, 5};
    const vacuum_scan scan = {.now = 30 * hour, .server = {.counts_since = 20 * hour}};
    vacuum_relation v = {.row = plain, .label = "s.t"};
    v.row.updated = 40;
    v.row.hot_updated = 5;
    vacuum_observed seen = vacuum_counts_of(&scan, &counts, &v, 24);
    CU_ASSERT_DOUBLE_EQUAL(seen.updated, 310, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.hot, 95, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.updated_hours, 25, 1e-9);
    counts.count = 3;
    seen = vacuum_counts_of(&scan, &counts, &v, 24);
    CU_ASSERT_TRUE(seen.is_history);
    CU_ASSERT_DOUBLE_EQUAL(seen.updated_hours, 0, 1e-9);
    counts.count = 0;
    seen = vacuum_counts_of(&scan, &counts, &v, 24);
    CU_ASSERT_DOUBLE_EQUAL(seen.updated, 40, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(seen.updated_hours, 10, 1e-9);
}

static void tuning_follows_size_and_churn(void)
{
    vacuum_tuning t = tuned(1e7, 24e4, 24); /* 10,000 rows an hour of ten million: once a day, 240,000 */
    CU_ASSERT_DOUBLE_EQUAL(t.scale, 0, 1e-9);
    CU_ASSERT_EQUAL(t.threshold, 200000);
    CU_ASSERT_DOUBLE_EQUAL(t.analyze_scale, 0.02, 1e-9);
    CU_ASSERT_TRUE(vacuum_tuning_off(&t) > 9);
    t = tuned(1e5, 24e3, 24); /* 1,000 an hour of a hundred thousand: every six hours, 6,000 */
    CU_ASSERT_DOUBLE_EQUAL(t.scale, 0.05, 1e-9);
    CU_ASSERT_EQUAL(t.threshold, 50);
    t = tuned(1e5, 100, 24);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_tuning_off(&t), 0, 1e-9); /* too little changes to matter */
    t = tuned(1e5, 1e7, 24);
    CU_ASSERT_DOUBLE_EQUAL(t.scale, 0.2, 1e-9); /* never later than the default */
    CU_ASSERT_TRUE(vacuum_tuning_failed(25, 24, -1));
    CU_ASSERT_TRUE(vacuum_tuning_failed(1, 24, 0.3));
    CU_ASSERT_FALSE(vacuum_tuning_failed(20, 24, 0.1));
    CU_ASSERT_FALSE(vacuum_tuning_failed(25, 30, -1));
    CU_ASSERT_FALSE(vacuum_tuning_failed(-1, 24, -1)); /* nobody knows */
}

static void a_budget_says_how_long_it_takes(void)
{
    CU_ASSERT_DOUBLE_EQUAL(vacuum_eta_s(10000, 0, 2, 200), 0.2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_eta_s(10000, 1, 2, 200), 2.2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_eta_s(10000, 1, 0, 200), 0, 1e-9);
}

SUITE(vacuum_need, TEST(triggers_are_those_of_the_server), TEST(a_tables_own_settings_come_first),
      TEST(nobody_has_counted), TEST(version_18_has_a_cap_and_counts_what_is_not_frozen),
      TEST(floors_keep_small_things_out), TEST(a_window_may_span_midnight), TEST(an_opening_has_one_pass),
      TEST(the_quiet_hours_are_among_those_that_are_known), TEST(tuning_follows_size_and_churn),
      TEST(analyzing_is_never_put_off), TEST(room_is_for_many_updates_that_are_not_hot),
      TEST(updates_are_counted_by_whoever_has_noted_them), TEST(a_large_table_is_analyzed_in_time_by_itself),
      TEST(where_rows_are_only_added_the_trigger_of_inserts_counts), TEST(a_leafs_own_analyze_hides_what_had_changed),
      TEST(a_tuning_is_judged_by_what_came_since), TEST(counters_that_began_anew_are_counted_on),
      TEST(a_budget_says_how_long_it_takes))
