/* What other limits would have told of the same readings. */
#include "unit/suite.h"

#include "health_replay.h"

#include <math.h>

#define MINUTE INT64_C(60000000)

enum { MOST = 64 };

static health_moment moments[MOST];
static health_episode episodes[2][MOST];

static health_side side(double warning, double critical, int64_t fire_after, int which)
{
    return (health_side){.limits = {warning, critical, false},
                         .habits = {fire_after, 1, 0, 0},
                         .at_once = NAN,
                         .episodes = episodes[which],
                         .capacity = MOST};
}

/* Five minutes apart. */
static size_t given(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        moments[i] = (health_moment){(int64_t)i * 5 * MINUTE, values[i], NULL};
    return count;
}

static int64_t interval(size_t count)
{
    int64_t room[MOST];
    return health_replay_interval(moments, count, room);
}

static void replay(size_t count, int64_t until, health_side *now, health_side *then)
{
    health_replay(moments, count, &(health_span){interval(count), until}, now, then);
}

static int64_t last_of(size_t count)
{
    return moments[count - 1].at;
}

static void a_higher_limit_tells_less_and_says_what_it_misses(void)
{
    double values[60]; /* far apart: what comes and goes is told once as that */
    for (size_t i = 0; i < 60; i++)
        values[i] = i == 1 || i == 2 ? 6 : i == 25 || i == 26 ? 12 : i == 50 ? 7 : 1;
    size_t count = given(values, 60);
    health_side now = side(5, 10, 1, 0), then = side(8, 10, 1, 1);
    replay(count, last_of(count), &now, &then);
    CU_ASSERT_EQUAL(now.told, 3);
    CU_ASSERT_EQUAL(then.told, 1);
    CU_ASSERT_EQUAL(now.count, 3);
    CU_ASSERT(!now.episodes[0].is_shared && now.episodes[1].is_shared && !now.episodes[2].is_shared);
    CU_ASSERT(then.episodes[0].is_shared && then.episodes[0].worst == 12);
    CU_ASSERT_EQUAL(now.episodes[0].from, 5 * MINUTE);
    CU_ASSERT_EQUAL(now.episodes[0].until, 15 * MINUTE);
    CU_ASSERT(fabs(now.open_s - (600 + 600 + 300)) < 1e-9);
}

static void patience_passes_over_what_is_short(void)
{
    static const double values[] = {1, 6, 1, 6, 6, 6};
    size_t count = given(values, sizeof values / sizeof *values);
    health_side now = side(5, 10, 1, 0), then = side(5, 10, 2, 1);
    replay(count, last_of(count), &now, &then);
    CU_ASSERT_EQUAL(now.count, 2);
    CU_ASSERT_EQUAL(then.count, 1);
    CU_ASSERT_EQUAL(then.episodes[0].until, 0); /* still open */
    CU_ASSERT(!now.episodes[0].is_shared && now.episodes[1].is_shared);
    CU_ASSERT(fabs(then.open_s - 300) < 1e-9);
}

/* A table that is read only while it has dead rows to speak of. */
static void what_has_gone_is_over(void)
{
    static const int64_t days[] = {0, 10, 18};
    size_t count = 0;
    for (size_t day = 0; day < 3; day++)
        for (int64_t i = 0; i < 3; i++)
            moments[count++] = (health_moment){(days[day] * 1440 + i * 5) * MINUTE, 6, "public.a"};
    int64_t until = 20 * 1440 * MINUTE;
    health_side now = side(5, 10, 1, 0), then = side(5, 10, 1, 1);
    then.habits.clear_after = 4;
    CU_ASSERT_EQUAL(interval(count), 5 * MINUTE);
    replay(count, until, &now, &then);
    CU_ASSERT_EQUAL(now.count, 3);
    CU_ASSERT_EQUAL(now.told, 3);
    CU_ASSERT_EQUAL(now.episodes[2].until - now.episodes[2].from, 15 * MINUTE);
    CU_ASSERT(fabs(now.open_s - 3 * 15 * 60) < 1e-9);
    CU_ASSERT_EQUAL(then.count, 3);
    CU_ASSERT(fabs(then.open_s - 3 * 30 * 60) < 1e-9); /* it takes four clear sights */
}

static void a_reading_left_out_is_no_end(void)
{
    static const double values[] = {6, 6, 6, 6, 6, 6};
    size_t count = given(values, sizeof values / sizeof *values);
    for (size_t i = 3; i < count; i++)
        moments[i].at += 10 * MINUTE;
    health_side now = side(5, 10, 1, 0), then = side(5, 10, 1, 1);
    replay(count, last_of(count), &now, &then);
    CU_ASSERT(now.count == 1 && now.told == 1 && now.episodes[0].until == 0);
}

static void what_is_read_rarely_has_not_gone(void)
{
    static const double values[] = {6, 6, 6, 1};
    size_t count = given(values, sizeof values / sizeof *values);
    for (size_t i = 0; i < count; i++)
        moments[i].at *= 12; /* each hour */
    health_side now = side(5, 10, 1, 0), then = side(5, 10, 1, 1);
    CU_ASSERT_EQUAL(interval(count), 60 * MINUTE);
    replay(count, last_of(count), &now, &then);
    CU_ASSERT(now.count == 1 && now.episodes[0].until == 180 * MINUTE);
}

/* An age comes down while one table after the other is frozen; past where it had been it is told. */
static void what_falls_opens_nothing_where_it_may(void)
{
    static const double values[] = {9, 8, 7, 7.5, 8, 9.6};
    size_t count = given(values, sizeof values / sizeof *values);
    health_side now = side(5, 20, 2, 0), then = side(5, 20, 2, 1);
    then.may_fall = true;
    replay(count, last_of(count), &now, &then);
    CU_ASSERT(now.count == 1 && now.told == 1 && now.episodes[0].from == 5 * MINUTE);
    CU_ASSERT(then.count == 1 && then.told == 1 && then.episodes[0].from == 25 * MINUTE);
    moments[3].object = moments[4].object = moments[5].object = "another"; /* has a past of its own */
    now.count = then.count = 0;
    replay(count, last_of(count), &now, &then);
    CU_ASSERT(then.count == 1 && then.episodes[0].from == 20 * MINUTE);
}

static void objects_are_judged_apart(void)
{
    static const double values[] = {6, 6, 6};
    size_t count = given(values, 3);
    moments[1].object = "public.a";
    moments[2].object = "public.b";
    health_side now = side(5, 10, 1, 0), then = side(7, 10, 1, 1);
    replay(count, last_of(count), &now, &then);
    CU_ASSERT_EQUAL(now.count, 3);
    CU_ASSERT_EQUAL(then.count, 0);
    CU_ASSERT_STRING_EQUAL(now.episodes[1].object, "public.a");
}

static void nothing_tells_nothing(void)
{
    health_side now = side(5, 10, 1, 0), then = side(7, 10, 1, 1);
    replay(0, 0, &now, &then);
    CU_ASSERT_EQUAL(interval(0), 5 * MINUTE);
    CU_ASSERT(now.told == 0 && then.told == 0 && now.open_s == 0);
}

SUITE(health_replay, TEST(a_higher_limit_tells_less_and_says_what_it_misses), TEST(patience_passes_over_what_is_short),
      TEST(what_has_gone_is_over), TEST(a_reading_left_out_is_no_end), TEST(what_is_read_rarely_has_not_gone),
      TEST(what_falls_opens_nothing_where_it_may), TEST(objects_are_judged_apart), TEST(nothing_tells_nothing))
