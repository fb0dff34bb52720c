/* Gaps between activity, and the choice of a timeout from them. */
#include "unit/suite.h"

#include "idle_gaps.h"

#include <math.h>

#define MINUTE  INT64_C(60000000)
#define SILENCE (20 * MINUTE)
#define MOST    2000

/* One sight every five minutes: a is active, q quiet, z asleep, and a blank is a time without a reading. */
static size_t sights_of(const char *text, idle_sight *sights)
{
    size_t n = 0;
    for (size_t i = 0; text[i]; i++)
        if (text[i] != ' ')
            sights[n++] = (idle_sight){(int64_t)i * 5 * MINUTE, text[i] == 'a'   ? IDLE_ACTIVE
                                                                : text[i] == 'q' ? IDLE_QUIET
                                                                                 : IDLE_ASLEEP};
    return n;
}

static idle_gaps gaps_of(const char *text)
{
    static double room[MOST];
    static idle_sight sights[MOST];
    idle_gaps gaps;
    idle_gaps_find(sights, sights_of(text, sights), SILENCE, room, &gaps);
    return gaps;
}

static void gaps_lie_between_activity(void)
{
    idle_gaps g = gaps_of("aqqaaqqqqa");
    CU_ASSERT_EQUAL_FATAL(g.count, 2);
    CU_ASSERT_DOUBLE_EQUAL(g.seconds[0], 600, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.seconds[1], 1200, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.active, 900, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.observed, 2700, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.spacing, 300, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.open, 0, 1e-9);
}

static void one_that_goes_on_is_kept_apart(void)
{
    idle_gaps g = gaps_of("aqaqqq");
    CU_ASSERT_EQUAL(g.count, 1);
    CU_ASSERT_DOUBLE_EQUAL(g.open, 900, 1e-9);
}

static void who_wakes_it_works(void)
{
    idle_gaps g = gaps_of("aqzzzzqqa"); /* the sixth reading finds it awake, and we wake nobody */
    CU_ASSERT_EQUAL(g.wakes, 1);
    CU_ASSERT_EQUAL_FATAL(g.count, 2);
    CU_ASSERT_DOUBLE_EQUAL(g.seconds[0], 300, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.seconds[1], 1800, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.spacing, 300, 1e-9);
}

static void silence_is_no_idleness(void)
{
    idle_gaps g = gaps_of("aqq      qqa");
    CU_ASSERT_EQUAL_FATAL(g.count, 1);
    CU_ASSERT_DOUBLE_EQUAL(g.seconds[0], 300, 1e-9); /* what came before the silence is not guessed at */
    CU_ASSERT_DOUBLE_EQUAL(g.unseen, 2100, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(g.observed, 1200, 1e-9);
}

static void nothing_is_nothing(void)
{
    idle_gaps g = gaps_of("");
    CU_ASSERT_TRUE(g.count == 0 && g.observed == 0 && g.spacing == 0);
    g = gaps_of("a");
    CU_ASSERT_TRUE(g.count == 0 && g.observed == 0);
    g = gaps_of("aaaa");
    CU_ASSERT_TRUE(g.count == 0 && g.active == 900);
}

static void a_timeout_is_paid_in_each_gap(void)
{
    const idle_gaps g = {.seconds = (double[]){100, 600, 5000}, .count = 3, .active = 1000, .open = 900};
    idle_choice c;
    idle_choice_of(&g, 300, 2, &c);
    CU_ASSERT_EQUAL(c.cold_starts, 2);
    CU_ASSERT_DOUBLE_EQUAL(c.awake, 1000 + 100 + 300 + 300 + 300, 1e-9);
    idle_choice_of(&g, INFINITY, 2, &c);
    CU_ASSERT_EQUAL(c.cold_starts, 0);
    CU_ASSERT_DOUBLE_EQUAL(c.awake, 1000 + 100 + 600 + 5000 + 900, 1e-9);
}

static size_t choose_within(const idle_gaps *g, double worth, const idle_bounds *bounds)
{
    static const double timeouts[] = {60, 300, 1800, INFINITY};
    idle_choice choices[4];
    for (size_t i = 0; i < 4; i++)
        idle_choice_of(g, timeouts[i], 2, &choices[i]);
    return idle_choose(g, choices, 4, bounds, worth);
}

static size_t choose(const idle_gaps *g, double least, double worth, double most)
{
    const idle_bounds bounds = {least, most, INFINITY};
    return choose_within(g, worth, &bounds);
}

static void the_choice_weighs_money_against_waiting(void)
{
    double lengths[40];
    for (size_t i = 0; i < 40; i++)
        lengths[i] = i < 36 ? 400 : 40000; /* coffee breaks and nights */
    const idle_gaps g = {.seconds = lengths, .count = 40, .active = 50000, .observed = 250000, .spacing = 60};
    CU_ASSERT_EQUAL(choose(&g, 0, 0, 1000), 0);   /* waiting costs nothing: the shortest */
    CU_ASSERT_EQUAL(choose(&g, 0, 600, 1000), 2); /* sleeps at night, and through no break */
    CU_ASSERT_EQUAL(choose(&g, 0, 1e6, 1000), 3); /* nobody may wait */
    CU_ASSERT_EQUAL(choose(&g, 0, 0, 2), 2);      /* two starts a day */
    CU_ASSERT_EQUAL(choose(&g, 300, 0, 1000), 1); /* finer than the readings: not to be chosen */
    CU_ASSERT_EQUAL(choose(&g, INFINITY, 0, 0), 3);
}

static void waits_have_a_limit(void)
{
    double lengths[40];
    for (size_t i = 0; i < 40; i++)
        lengths[i] = i < 36 ? 400 : i < 38 ? 1000 : 40000; /* two nights of forty gaps: just one in twenty */
    const idle_gaps g = {.seconds = lengths, .count = 40, .active = 50000, .observed = 250000, .spacing = 60};
    const idle_bounds strict = {0, 1000, 1.9}, loose = {0, 1000, 2}, none = {0, 1000, 0};
    idle_choice c;
    idle_choice_of(&g, 900, 2, &c);
    CU_ASSERT_DOUBLE_EQUAL(c.p95_wake, 2, 1e-9); /* four */
    idle_choice_of(&g, 1000, 2, &c);
    CU_ASSERT_DOUBLE_EQUAL(c.p95_wake, 0, 1e-9);
    CU_ASSERT_EQUAL(choose_within(&g, 0, &loose), 0);
    CU_ASSERT_EQUAL(choose_within(&g, 0, &strict), 2); /* half an hour: only the nights are slept through */
    CU_ASSERT_EQUAL(choose_within(&g, 0, &none), 2);
    const idle_bounds impossible = {INFINITY, 0, -1};
    CU_ASSERT_EQUAL(choose_within(&g, 0, &impossible), 4);
}

SUITE(idle_gaps, TEST(waits_have_a_limit), TEST(gaps_lie_between_activity), TEST(one_that_goes_on_is_kept_apart),
      TEST(who_wakes_it_works), TEST(silence_is_no_idleness), TEST(nothing_is_nothing),
      TEST(a_timeout_is_paid_in_each_gap), TEST(the_choice_weighs_money_against_waiting))
