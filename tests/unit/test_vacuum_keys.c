/* How far keys have come on their way, and how long the rest lasts. */
#include "suite.h"

#include "vacuum_keys.h"

#define INT 2147483647.0

static vacuum_key_range upward(double value)
{
    return (vacuum_key_range){.value = value, .start = 1, .step = 1, .lowest = 1, .bottom = 1, .top = INT};
}

static void shares_are_of_the_range(void)
{
    vacuum_key_range r = upward(1 + 0.8 * (INT - 1));
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_share(&r), 0.8, 1e-9);
    r = upward(1);
    CU_ASSERT(vacuum_key_share(&r) == 0);
    r = upward(INT);
    CU_ASSERT(vacuum_key_share(&r) == 1);
    r = upward(-5);
    CU_ASSERT(vacuum_key_share(&r) == 0);
    r = upward(4e9); /* a wide sequence whose narrow column has been passed */
    CU_ASSERT(vacuum_key_share(&r) == 1);
    r = upward(2e9);
    r.start = 1.9e9; /* what lies before it is gone all the same */
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_share(&r), (2e9 - 1) / (INT - 1), 1e-9);
}

static void ranges_may_begin_elsewhere(void)
{
    vacuum_key_range r = {.value = 1500, .start = 1000, .step = 1, .lowest = 1000, .bottom = 1000, .top = 2000};
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_share(&r), 0.5, 1e-9);
    r = (vacuum_key_range){.value = 0, .start = -100, .step = 5, .lowest = -100, .bottom = -100, .top = 100};
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_share(&r), 0.5, 1e-9);
    r = (vacuum_key_range){.value = -75, .start = -1, .step = -1, .lowest = -1, .bottom = -101, .top = -1};
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_share(&r), 0.74, 1e-9);
    r = (vacuum_key_range){.value = 5, .start = 5, .step = 1, .lowest = 5, .bottom = 5, .top = 5};
    CU_ASSERT(vacuum_key_share(&r) == 1);
}

static void days_are_of_what_it_moved(void)
{
    vacuum_key_range r = upward(INT - 1000);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_days(&r, INT - 1100, 86400), 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_days(&r, INT - 1100, 43200), 5, 1e-9);
    CU_ASSERT(vacuum_key_days(&r, INT - 1000, 86400) == -1);
    CU_ASSERT(vacuum_key_days(&r, INT - 900, 86400) == -1); /* set back */
    CU_ASSERT(vacuum_key_days(&r, INT - 1100, 0.5) == -1);
    r = (vacuum_key_range){.value = -80, .start = -1, .step = -1, .lowest = -1, .bottom = -100, .top = -1};
    CU_ASSERT_DOUBLE_EQUAL(vacuum_key_days(&r, -70, 86400), 2, 1e-9);
    CU_ASSERT(vacuum_key_days(&r, -90, 86400) == -1);
}

static void levels_are_of_the_share_and_of_the_days(void)
{
    const vacuum_keys_limits limits = {
        .warning = 0.5, .high = 0.75, .critical = 0.9, .warning_days = 30, .critical_days = 7, .rate_hours = 24};
    CU_ASSERT_EQUAL(vacuum_key_level_of_share(0.5, &limits), VACUUM_KEY_SAFE);
    CU_ASSERT_EQUAL(vacuum_key_level_of_share(0.51, &limits), VACUUM_KEY_WARNING);
    CU_ASSERT_EQUAL(vacuum_key_level_of_share(0.76, &limits), VACUUM_KEY_HIGH);
    CU_ASSERT_EQUAL(vacuum_key_level_of_share(0.91, &limits), VACUUM_KEY_CRITICAL);
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(31, 6 * 3600, &limits), VACUUM_KEY_SAFE);
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(29, 6 * 3600, &limits), VACUUM_KEY_WARNING);
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(6, 6 * 3600, &limits), VACUUM_KEY_CRITICAL);
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(0, 86400, &limits), VACUUM_KEY_CRITICAL);
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(6, 5 * 3600, &limits), VACUUM_KEY_SAFE); /* a load of an hour is no rate */
    CU_ASSERT_EQUAL(vacuum_key_level_of_days(-1, 86400, &limits), VACUUM_KEY_SAFE);
}

SUITE(vacuum_keys, TEST(shares_are_of_the_range), TEST(ranges_may_begin_elsewhere), TEST(days_are_of_what_it_moved),
      TEST(levels_are_of_the_share_and_of_the_days))
