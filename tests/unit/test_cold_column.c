/* How much of a column lies before a moment, by its statistics. */
#include "unit/suite.h"

#include "cold_column.h"

#include <math.h>

static bool close_to(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void bounds_are_equally_filled_buckets(void)
{
    const double bounds[] = {0, 10, 20, 100};
    const cold_spread s = {.bounds = bounds, .bound_count = 4};
    CU_ASSERT(close_to(cold_share_before(&s, -1), 0));
    CU_ASSERT(close_to(cold_share_before(&s, 0), 0));
    CU_ASSERT(close_to(cold_share_before(&s, 5), 0.5 / 3));
    CU_ASSERT(close_to(cold_share_before(&s, 10), 1.0 / 3));
    CU_ASSERT(close_to(cold_share_before(&s, 60), 2.5 / 3));
    CU_ASSERT(close_to(cold_share_before(&s, 101), 1));
    CU_ASSERT(close_to(cold_share_error(&s), 1.0 / 3));
    CU_ASSERT(close_to(cold_newest(&s), 100));
}

static void nulls_have_no_age_and_common_values_their_own_share(void)
{
    const double bounds[] = {0, 100}, values[] = {50, 300}, shares[] = {0.2, 0.1};
    const cold_spread s = {.null_share = 0.3,
                           .bounds = bounds,
                           .bound_count = 2,
                           .common_values = values,
                           .common_shares = shares,
                           .common_count = 2};
    CU_ASSERT(close_to(cold_share_before(&s, 50), 0.2));   /* half of the rest; 50 itself is not before 50 */
    CU_ASSERT(close_to(cold_share_before(&s, 51), 0.404)); /* and now it is */
    CU_ASSERT(close_to(cold_share_before(&s, 1000), 0.7));
    CU_ASSERT(close_to(cold_newest(&s), 300));
}

static void few_values_need_no_buckets(void)
{
    const double values[] = {7, 9}, shares[] = {0.6, 0.4};
    const cold_spread s = {.common_values = values, .common_shares = shares, .common_count = 2};
    CU_ASSERT(close_to(cold_share_before(&s, 8), 0.6));
    CU_ASSERT(close_to(cold_share_error(&s), 0));
}

static void nothing_known_is_said_so(void)
{
    const double one[] = {5};
    const cold_spread none = {.null_share = 1}, single = {.bounds = one, .bound_count = 1};
    CU_ASSERT(cold_share_before(&none, 10) < 0);
    CU_ASSERT(cold_share_before(&single, 10) < 0);
    CU_ASSERT(isinf(cold_newest(&none)));
}

static void infinite_moments_have_no_width(void)
{
    const double bounds[] = {-INFINITY, 10, 20, INFINITY};
    const cold_spread s = {.bounds = bounds, .bound_count = 4};
    CU_ASSERT(close_to(cold_share_before(&s, 5), 0));
    CU_ASSERT(close_to(cold_share_before(&s, 15), 0.5));
    CU_ASSERT(close_to(cold_share_before(&s, 1e12), 2.0 / 3));
    CU_ASSERT(isinf(cold_newest(&s)));
}

SUITE(cold_column, TEST(bounds_are_equally_filled_buckets), TEST(nulls_have_no_age_and_common_values_their_own_share),
      TEST(few_values_need_no_buckets), TEST(nothing_known_is_said_so), TEST(infinite_moments_have_no_width))
