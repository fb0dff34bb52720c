/* When self_heal may try again, and when it leaves the rest to a person. */
#include "unit/suite.h"

#include "heal_memory.h"

#define HOUR (INT64_C(3600) * 1000000)
#define NOW  (1000 * HOUR)

static heal_try a_try(double hours_ago, const char *key, bool changed, bool helped)
{
    return (heal_try){
        .at = NOW - (int64_t)(hours_ago * (double)HOUR), .key = key, .changed = changed, .helped = helped};
}

static void pauses_double_up_to_a_day(void)
{
    const int64_t hours[] = {1, 2, 4, 8, 16, 24, 24};
    for (int64_t i = 0; i < 7; i++)
        CU_ASSERT_EQUAL(heal_pause(i), hours[i] * HOUR);
}

static void failures_count_in_a_row(void)
{
    const heal_try tries[] = {a_try(9, "a", true, false), a_try(8, "a", true, true),   a_try(7, "a", true, false),
                              a_try(6, "b", true, true),  a_try(5, "a", false, false), a_try(4, "a", true, false)};
    CU_ASSERT_EQUAL(heal_failures(tries, 6, "a"), 2);
    CU_ASSERT_EQUAL(heal_failures(tries, 6, "b"), 0);
    CU_ASSERT_EQUAL(heal_failures(tries, 6, NULL), 1);
    CU_ASSERT_EQUAL(heal_failures(tries, 0, NULL), 0);
}

static void a_cause_is_left_alone_for_its_pause(void)
{
    const heal_try helped[] = {a_try(0.9, "a", true, true)}, failed[] = {a_try(1.5, "a", true, false)};
    CU_ASSERT_EQUAL(heal_judge(helped, 1, "a", NOW), HEAL_TOO_SOON);
    CU_ASSERT_EQUAL(heal_judge(helped, 1, "b", NOW), HEAL_FREE);
    CU_ASSERT_EQUAL(heal_judge(helped, 1, "a", NOW + HOUR), HEAL_FREE);
    CU_ASSERT_EQUAL(heal_judge(failed, 1, "a", NOW), HEAL_TOO_SOON);
    CU_ASSERT_EQUAL(heal_judge(failed, 1, "a", NOW + HOUR), HEAL_FREE);
    const heal_try asked[] = {a_try(0.5, "a", false, false)};
    CU_ASSERT_EQUAL(heal_judge(asked, 1, "a", NOW), HEAL_TOO_SOON);
}

static void three_changes_an_hour_are_enough(void)
{
    const heal_try tries[] = {a_try(0.9, "a", true, true), a_try(0.5, "b", true, true), a_try(0.1, "c", true, true)};
    CU_ASSERT_EQUAL(heal_judge(tries, 3, "d", NOW), HEAL_TOO_MANY);
    CU_ASSERT_EQUAL(heal_judge(tries, 2, "d", NOW), HEAL_FREE);
    CU_ASSERT_EQUAL(heal_judge(tries, 3, "d", NOW + HOUR / 5), HEAL_FREE);
}

static void what_was_approved_is_judged_by_what_is_seen(void)
{
    const heal_after helped = {.went_back = true, .age = 0, .settle = HOUR};
    const heal_after stands = {.stands = true, .went_back = true, .age = HOUR, .settle = HOUR};
    const heal_after high = {.is_told = true, .age = HOUR, .settle = HOUR};
    const heal_after silent = {.age = 90 * HOUR, .settle = HOUR};
    heal_after young = high, altered = helped;
    young.age = HOUR - 1;
    altered.altered = true;
    CU_ASSERT_EQUAL(heal_judge_after(&helped), HEAL_HELPED);
    CU_ASSERT_EQUAL(heal_judge_after(&stands), HEAL_IN_VAIN);
    CU_ASSERT_EQUAL(heal_judge_after(&high), HEAL_IN_VAIN);
    CU_ASSERT_EQUAL(heal_judge_after(&silent), HEAL_WAITS);
    CU_ASSERT_EQUAL(heal_judge_after(&young), HEAL_WAITS);
    CU_ASSERT_EQUAL(heal_judge_after(&altered), HEAL_BY_HAND);
}

static void two_failures_break_the_circuit_for_a_day(void)
{
    const heal_try tries[] = {a_try(8, "a", true, false), a_try(6, "b", true, false)};
    CU_ASSERT_EQUAL(heal_judge(tries, 2, "c", NOW), HEAL_BROKEN);
    CU_ASSERT_EQUAL(heal_judge(tries, 2, "c", NOW + 17 * HOUR), HEAL_BROKEN);
    CU_ASSERT_EQUAL(heal_judge(tries, 2, "c", NOW + 18 * HOUR), HEAL_FREE);
    const heal_try mended[] = {a_try(8, "a", true, false), a_try(6, "b", true, false), a_try(5, "c", true, true)};
    CU_ASSERT_EQUAL(heal_judge(mended, 3, "d", NOW), HEAL_FREE);
}

SUITE(heal_rules, TEST(pauses_double_up_to_a_day), TEST(failures_count_in_a_row),
      TEST(a_cause_is_left_alone_for_its_pause), TEST(three_changes_an_hour_are_enough),
      TEST(what_was_approved_is_judged_by_what_is_seen), TEST(two_failures_break_the_circuit_for_a_day))
