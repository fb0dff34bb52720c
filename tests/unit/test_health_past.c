/* What a figure of now is measured against. */
#include "unit/suite.h"

#include "health_past.h"

#include <math.h>

#define MINUTE INT64_C(60000000)
#define NOW    INT64_C(1767268800000000)

static health_point ago(int64_t minutes, int64_t value)
{
    return (health_point){NOW - minutes * MINUTE, value};
}

/* The value of the first point of the hour; -1: it is not known. */
static int64_t first_of(const health_point *points, size_t count)
{
    health_point first;
    return health_past_hour(points, count, NOW, &first) ? first.value : -1;
}

static void an_hour_is_an_hour(void)
{
    const health_point steady[] = {ago(130, 1), ago(70, 2), ago(65, 3), ago(60, 4), ago(30, 5), ago(5, 6)};
    CU_ASSERT_EQUAL(first_of(steady, 6), 4);
    CU_ASSERT_EQUAL(first_of(steady, 3), 3);
    CU_ASSERT_EQUAL(first_of(steady, 1), -1);
    CU_ASSERT_EQUAL(first_of(steady, 0), -1);
    CU_ASSERT_EQUAL(first_of(&steady[4], 2), 5); /* it is watched for half an hour */
}

static void a_gap_is_no_hour(void)
{
    const health_point days[] = {ago(2880, 1), ago(2875, 2)}, since[] = {ago(2880, 1), ago(20, 7), ago(5, 8)};
    const health_point edge[] = {ago(75, 1)}, past[] = {ago(76, 1)}, ahead[] = {ago(-5, 1)};
    CU_ASSERT_EQUAL(first_of(days, 2), -1);
    CU_ASSERT_EQUAL(first_of(since, 3), 7);
    CU_ASSERT_EQUAL(first_of(edge, 1), 1);
    CU_ASSERT_EQUAL(first_of(past, 1), -1);
    CU_ASSERT_EQUAL(first_of(ahead, 1), -1);
}

static void a_moment_and_a_day_give_no_rate_of_an_hour(void)
{
    CU_ASSERT(!health_past_tells_rate(0) && !health_past_tells_rate(3) && !health_past_tells_rate(899));
    CU_ASSERT(health_past_tells_rate(900) && health_past_tells_rate(3600) && health_past_tells_rate(4500));
    CU_ASSERT(!health_past_tells_rate(4501) && !health_past_tells_rate(86400) && !health_past_tells_rate((double)NAN));
}

static double behind(const health_point *points, size_t count, int64_t value)
{
    const health_point now = ago(0, 1000);
    return health_past_above(points, count, &now, value);
}

static void what_stays_behind_is_late_since_it_was_passed(void)
{
    const health_point points[] = {ago(30, 100), ago(20, 200), ago(10, 900)};
    CU_ASSERT_EQUAL(behind(points, 3, 1000), 0);
    CU_ASSERT_EQUAL(behind(points, 3, 900), 0); /* it may have been passed a moment ago */
    CU_ASSERT_EQUAL(behind(points, 3, 899), 600);
    CU_ASSERT_EQUAL(behind(points, 3, 150), 1200);
    CU_ASSERT_EQUAL(behind(points, 3, 5), 1800);
    CU_ASSERT_EQUAL(behind(points, 0, 5), 0);
    const health_point other[] = {ago(30, 100), ago(20, 5000), ago(10, 900)};
    CU_ASSERT_EQUAL(behind(other, 3, 5), 600); /* the server was set back: what was before says nothing */
}

static void what_is_kept(void)
{
    health_point kept[HEALTH_MOST_PAST];
    const health_point points[] = {ago(90, 1), ago(40, 2), ago(10, 3)}, now = ago(0, 4), fallen = ago(0, 2);
    CU_ASSERT_EQUAL(health_past_keep(points, 3, &now, INT64_MIN, kept), 4);
    CU_ASSERT(kept[0].value == 1 && kept[3].value == 4);
    CU_ASSERT_EQUAL(health_past_keep(points, 3, &now, NOW - HEALTH_HOUR_MOST_US, kept), 3);
    CU_ASSERT_EQUAL(kept[0].value, 2);
    CU_ASSERT_EQUAL(health_past_keep(points, 3, &fallen, INT64_MIN, kept), 1);
    CU_ASSERT_EQUAL(kept[0].value, 2);
}

/* As many readings as that, so many seconds apart. */
static size_t keep_all(int64_t count, int64_t apart_s, int64_t reach, health_point kept[HEALTH_MOST_PAST])
{
    health_point next[HEALTH_MOST_PAST];
    size_t length = 0;
    for (int64_t i = 0; i < count; i++) {
        const health_point now = {NOW + i * apart_s * 1000000, i};
        length = health_past_keep(kept, length, &now, now.at - reach, next);
        memcpy(kept, next, length * sizeof *kept);
    }
    return length;
}

/* Two weeks at five minutes: the oldest stays, and what is longer ago is known less exactly. */
static void what_is_kept_has_room(void)
{
    health_point kept[HEALTH_MOST_PAST];
    size_t count = keep_all(4032, 300, NOW, kept);
    CU_ASSERT_EQUAL(count, HEALTH_MOST_PAST);
    CU_ASSERT_EQUAL(kept[0].value, 0);
    for (size_t i = 1; i < count; i++) {
        int64_t gap = kept[i].value - kept[i - 1].value, age = 4031 - kept[i].value;
        CU_ASSERT(gap > 0 && gap <= 1 + age / 4);
    }
}

/* Also where it is read each second. */
static void an_hour_stays_an_hour(void)
{
    health_point kept[HEALTH_MOST_PAST], first;
    size_t count = keep_all(10000, 1, HEALTH_HOUR_MOST_US, kept);
    CU_ASSERT(health_past_hour(kept, count, NOW + INT64_C(10000) * 1000000, &first));
    CU_ASSERT(first.value <= 10000 - 3600 && first.value >= 10000 - 4500);
}

static health_fall then(health_fall fall, double value, int64_t minutes)
{
    return health_fall_after(&fall, value, NOW + minutes * MINUTE);
}

static bool falls(health_fall fall, int64_t minutes)
{
    return health_falls(&fall, NOW + minutes * MINUTE);
}

static void a_number_falls_until_it_is_up_again_or_an_hour_is_over(void)
{
    health_fall fall = then((health_fall){0}, 700, 0);
    CU_ASSERT(!falls(fall, 0));
    fall = then(fall, 710, 5);
    CU_ASSERT(!falls(fall, 5));
    fall = then(fall, 600, 10);
    CU_ASSERT(falls(fall, 10));
    fall = then(fall, 605, 15); /* the next table is not done yet */
    CU_ASSERT(falls(fall, 15));
    fall = then(fall, 500, 20);
    CU_ASSERT(falls(fall, 20) && falls(fall, 80) && !falls(fall, 81));
    CU_ASSERT(falls(then(fall, 709, 25), 25));
    CU_ASSERT(!falls(then(fall, 710, 25), 25));
    CU_ASSERT(!falls(then(fall, 510, 90), 90));
    fall = then(then(fall, 510, 90), 505, 95);
    CU_ASSERT(falls(fall, 95) && fall.top == 510);
}

SUITE(health_past, TEST(an_hour_is_an_hour), TEST(a_gap_is_no_hour), TEST(a_moment_and_a_day_give_no_rate_of_an_hour),
      TEST(what_stays_behind_is_late_since_it_was_passed), TEST(what_is_kept), TEST(what_is_kept_has_room),
      TEST(an_hour_stays_an_hour), TEST(a_number_falls_until_it_is_up_again_or_an_hour_is_over))
