/* When a breach is told, and when it is over. */
#include "unit/suite.h"

#include "health_alert.h"

#include <math.h>

#define SECOND INT64_C(1000000)

static const health_habits at_once = {1, 1, 3600, 86400};
static const health_habits patient = {2, 3, 3600, 86400};
static int64_t clock_s;

static health_change see(health_alert *a, const health_habits *h, health_grade grade)
{
    clock_s += 300;
    const health_sight s = {.known = true, .grade = grade, .is_clear = grade == HEALTH_NORMAL, .at = clock_s * SECOND};
    return health_judge(a, &s, h);
}

static health_change see_between(health_alert *a, const health_habits *h)
{
    const health_sight s = {.known = true, .grade = HEALTH_NORMAL, .at = (clock_s += 300) * SECOND};
    return health_judge(a, &s, h);
}

static void one_breach_is_told_once(void)
{
    health_alert a = {0};
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_WARNING), HEALTH_OPENED);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_WARNING), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_CRITICAL), HEALTH_ESCALATED);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_WARNING), HEALTH_NOTHING); /* better, and not over */
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_CRITICAL), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_RESOLVED);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(a.since, 0);
}

static void between_the_levels_nothing_changes(void)
{
    health_alert a = {0};
    CU_ASSERT_EQUAL(see_between(&a, &at_once), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_CRITICAL), HEALTH_OPENED);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(see_between(&a, &at_once), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(a.told, HEALTH_CRITICAL);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_RESOLVED);
}

static void patience_counts_sights_in_a_row(void)
{
    health_alert a = {0};
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_WARNING), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see_between(&a, &patient), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_WARNING), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_CRITICAL), HEALTH_OPENED);
    CU_ASSERT_EQUAL(a.told, HEALTH_WARNING); /* critical was seen but once */
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_CRITICAL), HEALTH_ESCALATED);
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_NORMAL), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_NORMAL), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &patient, HEALTH_NORMAL), HEALTH_RESOLVED);
    const health_sight worst = {.known = true, .grade = HEALTH_CRITICAL, .at_once = true, .at = clock_s * SECOND};
    CU_ASSERT_EQUAL(health_judge(&a, &worst, &patient), HEALTH_OPENED);
}

static void no_data_is_neither_good_nor_bad(void)
{
    health_alert a = {0};
    const health_sight unknown = {.known = false};
    CU_ASSERT_EQUAL(health_judge(&a, &unknown, &at_once), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_WARNING), HEALTH_OPENED);
    CU_ASSERT_EQUAL(health_judge(&a, &unknown, &at_once), HEALTH_NOTHING);
    CU_ASSERT(a.told == HEALTH_WARNING && a.unknowns == 1);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_RESOLVED);
}

static void what_swings_is_told_as_such_and_comes_to_rest(void)
{
    health_alert a = {0};
    int opened = 0, resolved = 0;
    for (int i = 0; i < 40; i++) {
        health_change change = see(&a, &at_once, i % 2 ? HEALTH_NORMAL : HEALTH_WARNING);
        opened += change == HEALTH_OPENED;
        resolved += change == HEALTH_RESOLVED;
    }
    CU_ASSERT(a.is_flapping && a.told == HEALTH_WARNING);
    CU_ASSERT(opened == 2 && resolved == 1);
    int rest = 0;
    while (rest < 60 && see(&a, &at_once, HEALTH_NORMAL) != HEALTH_RESOLVED)
        rest++;
    CU_ASSERT(rest < 21);
    CU_ASSERT_EQUAL(a.told, HEALTH_NORMAL);
}

static void a_pause_keeps_quiet(void)
{
    health_alert a = {0};
    const health_sight paused = {.known = true, .grade = HEALTH_CRITICAL, .paused = true, .at = 5};
    CU_ASSERT_EQUAL(health_judge(&a, &paused, &at_once), HEALTH_NOTHING);
    CU_ASSERT(a.is_silenced && a.since == 5);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_CRITICAL), HEALTH_OPENED);
    CU_ASSERT(!a.is_silenced && a.since == 5);
}

static void reminders_come_in_their_time(void)
{
    health_alert a = {0};
    int reminders = 0;
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_CRITICAL), HEALTH_OPENED);
    for (int i = 0; i < 24; i++) /* two hours */
        reminders += see(&a, &at_once, HEALTH_CRITICAL) == HEALTH_REMINDED;
    CU_ASSERT_EQUAL(reminders, 2);
}

/* As the age of transaction IDs does while tables are frozen. */
static void what_gets_better_opens_nothing(void)
{
    health_alert a = {0};
    health_sight falling = {.known = true, .grade = HEALTH_CRITICAL, .at_once = true, .falls = true, .at = 5};
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(health_judge(&a, &falling, &at_once), HEALTH_NOTHING);
    CU_ASSERT(a.told == HEALTH_NORMAL && a.since == 5);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_WARNING), HEALTH_OPENED); /* it does no longer */
    CU_ASSERT_EQUAL(health_judge(&a, &falling, &at_once), HEALTH_NOTHING);
    CU_ASSERT_EQUAL(a.told, HEALTH_WARNING);
    CU_ASSERT_EQUAL(see(&a, &at_once, HEALTH_NORMAL), HEALTH_RESOLVED);
}

static void each_metric_has_its_own_patience(void)
{
    const health_habits nothing = {0, 0, 3600, 86400}, said = {5, 6, 3600, 86400};
    health_habits of_locks = health_habits_for(&nothing, HEALTH_LOCK_WAIT);
    health_habits of_deadlocks = health_habits_for(&nothing, HEALTH_DEADLOCKS);
    CU_ASSERT(of_locks.fire_after == 2 && of_locks.clear_after == 3 && of_locks.remind_warning_s == 86400);
    CU_ASSERT(of_deadlocks.fire_after == 1 && of_deadlocks.clear_after == 1);
    for (health_alert_id id = 0; id < HEALTH_ALERTS; id++) {
        health_habits habits = health_habits_for(&said, id), own = health_habits_for(&nothing, id);
        CU_ASSERT(habits.fire_after == 5 && habits.clear_after == 6);
        CU_ASSERT(own.fire_after >= 1 && own.clear_after >= 1);
    }
}

static void clear_levels(void)
{
    const health_limits above = {0.7, 0.85, false}, below = {0.99, 0.95, true}, one = {NAN, 10, false};
    CU_ASSERT(fabs(health_clear_level(&above) - 0.63) < 1e-12);
    CU_ASSERT(fabs(health_clear_level(&below) - 0.991) < 1e-12);
    CU_ASSERT_EQUAL(health_clear_level(&one), 9);
    CU_ASSERT(health_is_clear(&above, 0.63) && !health_is_clear(&above, 0.64));
    CU_ASSERT(health_is_clear(&below, 0.991) && !health_is_clear(&below, 0.9905));
}

SUITE(health_alert, TEST(one_breach_is_told_once), TEST(between_the_levels_nothing_changes),
      TEST(patience_counts_sights_in_a_row), TEST(no_data_is_neither_good_nor_bad),
      TEST(what_swings_is_told_as_such_and_comes_to_rest), TEST(a_pause_keeps_quiet),
      TEST(reminders_come_in_their_time), TEST(what_gets_better_opens_nothing), TEST(each_metric_has_its_own_patience),
      TEST(clear_levels))
