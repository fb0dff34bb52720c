/* The scheduler: clocks that jump. */
#include "unit/sched_one.h"

static void an_hour_forward_is_caught_up_once(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    load_one(&f, "*/5 * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T00:12:00Z");
    fake_forget(&f);
    fake_jump(&f, HOUR);
    fake_run_for(&f, 2 * MINUTE);
    CU_ASSERT_EQUAL(f.jump_count, 1);
    CU_ASSERT_EQUAL(f.jumped, HOUR);
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    check_start(&f, 0, "2026-01-01T01:10:00Z", 11);
    fake_run_for(&f, 2 * MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T01:15:00Z", 0);
    fake_close(&f);
}

static void an_hour_back_neither_silences_nor_repeats(void)
{
    fake f;
    fake_open(&f, "2026-01-01T11:00:00Z");
    load_one(&f, "*/5 * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T12:30:10Z");
    fake_jump(&f, -HOUR);
    fake_run_for(&f, 2 * HOUR);
    CU_ASSERT_EQUAL(f.jumped, -HOUR);
    CU_ASSERT_EQUAL(f.count, 18 + 24);
    for (size_t i = 1; i < f.count; i++) /* by real time nothing is seen of it */
        CU_ASSERT_EQUAL(f.starts[i].monotonic - f.starts[i - 1].monotonic, 5 * MINUTE);
    check_start(&f, 18, "2026-01-01T11:35:00Z", 0);
    fake_close(&f);
}

static void an_hour_back_and_forward_again_repeats_nothing(void)
{
    fake f;
    fake_open(&f, "2026-01-01T11:00:00Z");
    load_one(&f, "0,30 * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T12:31:00Z");
    CU_ASSERT_EQUAL(f.count, 3);
    fake_jump(&f, -HOUR);
    fake_run_for(&f, MINUTE);
    fake_jump(&f, HOUR);
    fake_run_until(&f, "2026-01-01T12:59:00Z");
    CU_ASSERT_EQUAL(f.count, 3);
    fake_run_until(&f, "2026-01-01T13:00:00Z");
    CU_ASSERT_EQUAL(f.count, 4);
    fake_close(&f);
}

static void an_hour_back_before_the_daily_run_of_today_does_not_repeat_it(void)
{
    fake f;
    fake_open(&f, "2026-01-01T11:00:00Z");
    load_one(&f, "0 12 * * *", "UTC");
    fake_run_until(&f, "2026-01-01T12:30:00Z");
    CU_ASSERT_EQUAL(f.count, 1);
    fake_jump(&f, -HOUR);
    fake_run_until(&f, "2026-01-02T11:00:00Z"); /* twelve came once more */
    CU_ASSERT_EQUAL(f.count, 1);
    fake_run_until(&f, "2026-01-02T12:30:00Z");
    CU_ASSERT_EQUAL(f.count, 2);
    fake_close(&f);
}

static void what_is_caught_up_keeps_its_turn_when_the_clock_is_put_back(void)
{
    enum { TARGETS = 500 };
    static sched_target targets[TARGETS];
    static char names[TARGETS][24];
    const sched_job jobs[] = {{.agent = "a", .tool = "noon", .cron = "0 12 * * *"},
                              {.agent = "a", .tool = "later", .cron = "5 13 * * *"}};
    fake f;
    make_many(targets, TARGETS, names);
    sched_plan plan = plan_of(jobs, 2, targets, TARGETS);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_open(&f, "2026-01-01T11:59:00Z");
    fake_load(&f, &plan);
    fake_tick(&f);
    fake_stall(&f, 61 * MINUTE + 2 * HOUR);
    fake_run_for(&f, 2 * SECOND);
    CU_ASSERT_EQUAL(f.count, 2 * SCHED_CATCH_UP_PER_S + 1);
    fake_jump(&f, -2 * HOUR);
    fake_run_for(&f, TARGETS / SCHED_CATCH_UP_PER_S * 2 * SECOND);
    CU_ASSERT_EQUAL(f.count, TARGETS); /* those of noon; five past one has not come yet by the new clock */
    fake_stall(&f, 10 * MINUTE);
    fake_run_for(&f, (TARGETS / SCHED_CATCH_UP_PER_S + 1) * SECOND);
    CU_ASSERT_EQUAL(f.count, 2 * TARGETS);
    fake_close(&f);
}

static void small_steps_of_the_clock_change_nothing(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    load_one(&f, "* * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T00:05:00Z");
    CU_ASSERT_EQUAL(f.count, 5);
    fake_jump(&f, -SECOND);
    fake_run_until(&f, "2026-01-01T00:05:30Z");
    CU_ASSERT_EQUAL(f.count, 5); /* not the fifth once more */
    fake_jump(&f, SECOND);
    fake_run_until(&f, "2026-01-01T00:10:00Z");
    CU_ASSERT_EQUAL(f.count, 10);
    CU_ASSERT_EQUAL(f.jump_count, 0);
    fake_close(&f);
}

static void a_year_ahead_and_back_is_survived(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:30:00Z");
    load_one(&f, "@hourly", "UTC");
    fake_run_until(&f, "2026-01-01T02:30:00Z");
    fake_jump(&f, 365 * DAY);
    fake_run_for(&f, 2 * HOUR);
    CU_ASSERT_EQUAL(f.count, 2 + 1 + 2);
    fake_jump(&f, -365 * DAY);
    fake_forget(&f);
    fake_run_for(&f, 6 * HOUR);
    CU_ASSERT_EQUAL(f.count, 6);
    fake_close(&f);
}

/* A daemon that starts with a clock behind what its store remembers. */
static void a_memory_of_the_future_does_not_silence(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:30Z");
    load_one(&f, "*/5 * * * *", "UTC");
    const sched_memory memory = {
        .slot = at("2027-01-01T00:00:00Z"), .started_at = at("2027-01-01T00:00:00Z"), .ended_at = SCHED_NONE};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/scan@shop/production", &memory, f.now));
    fake_run_for(&f, HOUR);
    CU_ASSERT_EQUAL(f.count, 12);
    fake_close(&f);
}

SUITE(sched_clock, TEST(an_hour_forward_is_caught_up_once), TEST(an_hour_back_neither_silences_nor_repeats),
      TEST(an_hour_back_and_forward_again_repeats_nothing),
      TEST(an_hour_back_before_the_daily_run_of_today_does_not_repeat_it),
      TEST(what_is_caught_up_keeps_its_turn_when_the_clock_is_put_back), TEST(small_steps_of_the_clock_change_nothing),
      TEST(a_year_ahead_and_back_is_survived), TEST(a_memory_of_the_future_does_not_silence))
