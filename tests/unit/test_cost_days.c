/* Days that do not fit the weeks before them. */
#include "unit/suite.h"

#include "cost_days.h"

#include <math.h>

static const cost_rule rule = {.sigmas = 3, .share = 0.3, .least_money = 5};

/* Five busy days and a weekend, with a little of everything. */
static void fill(double *days, size_t count)
{
    for (size_t i = 0; i < count; i++)
        days[i] = (i % 7 < 5 ? 100 : 20) + (double)(i * 7 % 5) - 2;
}

static cost_judgement judge(const double *days, size_t at)
{
    cost_judgement j;
    cost_judge(days, at, &rule, &j);
    return j;
}

static void a_usual_day_is_none(void)
{
    double days[60];
    fill(days, 60);
    for (size_t i = 28; i < 60; i++) {
        cost_judgement j = judge(days, i);
        CU_ASSERT_TRUE(j.is_known && !j.is_anomaly);
        CU_ASSERT_TRUE(fabs(j.expected - (i % 7 < 5 ? 100 : 20)) <= 2);
    }
}

static void one_that_costs_more_is_found(void)
{
    double days[60];
    fill(days, 60);
    days[50] = 140; /* a Tuesday */
    cost_judgement j = judge(days, 50);
    CU_ASSERT_TRUE(j.is_anomaly && j.score > 3);
    CU_ASSERT_EQUAL(j.same_days, 7);
    days[54] = 60; /* a weekend that is like a quiet weekday */
    CU_ASSERT_TRUE(judge(days, 54).is_anomaly);
    days[57] = 40; /* less is no trouble */
    CU_ASSERT_FALSE(judge(days, 57).is_anomaly);
}

static void the_one_before_does_not_hide_the_next(void)
{
    double days[60];
    fill(days, 60);
    days[43] = days[50] = 500;
    CU_ASSERT_TRUE(judge(days, 50).is_anomaly);
    CU_ASSERT_FALSE(judge(days, 57).is_anomaly);
}

static void small_money_is_no_anomaly(void)
{
    double days[60];
    fill(days, 60);
    for (size_t i = 0; i < 60; i++)
        days[i] /= 100;
    days[50] = 4;
    cost_judgement j = judge(days, 50);
    CU_ASSERT_TRUE(j.score > 3 && !j.is_anomaly);
}

static void what_never_changed_is_judged_by_its_share(void)
{
    double days[40];
    for (size_t i = 0; i < 40; i++)
        days[i] = 50;
    days[35] = 60;
    CU_ASSERT_FALSE(judge(days, 35).is_anomaly); /* a fifth more */
    days[36] = 80;
    CU_ASSERT_TRUE(judge(days, 36).is_anomaly);
    CU_ASSERT_DOUBLE_EQUAL(judge(days, 36).score, 0, 1e-9);
}

static void a_new_branch_has_no_weeks(void)
{
    double days[30];
    fill(days, 30);
    CU_ASSERT_FALSE(judge(days, 0).is_known);
    CU_ASSERT_FALSE(judge(days, 20).is_known);
    CU_ASSERT_TRUE(judge(days, 21).is_known);
}

SUITE(cost_days, TEST(a_usual_day_is_none), TEST(one_that_costs_more_is_found),
      TEST(the_one_before_does_not_hide_the_next), TEST(small_money_is_no_anomaly),
      TEST(what_never_changed_is_judged_by_its_share), TEST(a_new_branch_has_no_weeks))
