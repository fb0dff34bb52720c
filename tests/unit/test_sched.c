/* The scheduler: slots, no overlap, catching up, reload. */
#include "unit/sched_one.h"

/* ---- slots ---- */

static void starts_each_slot_once_in_time(void)
{
    fake f;
    int marker;
    fake_open(&f, "2026-01-01T00:00:30Z");
    const sched_job job = {.agent = "a", .tool = "scan", .cron = "*/5 * * * *", .params = &marker};
    sched_plan plan = plan_of(&job, 1, &shop, 1);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_load(&f, &plan);
    fake_run_until(&f, "2026-01-01T01:00:30Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 12);
    for (size_t i = 0; i < f.count; i++) {
        CU_ASSERT_EQUAL(f.starts[i].slot, at("2026-01-01T00:05:00Z") + (int64_t)i * 5 * MINUTE);
        CU_ASSERT_EQUAL(f.starts[i].wall, f.starts[i].slot);
        CU_ASSERT_EQUAL(f.starts[i].previous_slot, i ? f.starts[i - 1].slot : SCHED_NONE);
        CU_ASSERT_EQUAL(f.starts[i].missed, 0);
        CU_ASSERT_PTR_EQUAL(f.starts[i].params, &marker);
        ASSERT_TEXT(f.starts[i].key, "a/scan@shop/production");
    }
    fake_close(&f);
}

static void keeps_local_time_over_the_change_to_summer(void)
{
    fake f;
    fake_open(&f, "2026-03-27T12:00:00Z");
    load_one(&f, "30 2 * * *", "Europe/Berlin");
    fake_run_until(&f, "2026-03-31T12:00:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 4);
    check_start(&f, 0, "2026-03-28T01:30:00Z", 0);
    check_start(&f, 1, "2026-03-29T01:00:00Z", 0); /* half past two did not come */
    check_start(&f, 2, "2026-03-30T00:30:00Z", 0);
    fake_close(&f);
}

static void runs_once_in_the_hour_that_comes_twice(void)
{
    fake f;
    fake_open(&f, "2026-10-24T20:00:00Z");
    load_one(&f, "30 2 * * *", "Europe/Berlin");
    fake_run_until(&f, "2026-10-25T12:00:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    check_start(&f, 0, "2026-10-25T00:30:00Z", 0);
    fake_close(&f);
}

static void goes_on_every_so_many_minutes_in_the_hour_that_comes_twice(void)
{
    fake f;
    fake_open(&f, "2026-10-24T20:00:00Z");
    load_one(&f, "*/10 * * * *", "Europe/Berlin");
    fake_run_until(&f, "2026-10-25T04:00:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 48);
    for (size_t i = 1; i < f.count; i++)
        CU_ASSERT_EQUAL(f.starts[i].wall - f.starts[i - 1].wall, 10 * MINUTE);
    fake_close(&f);
}

static void writes_keys_that_cannot_be_mistaken(void)
{
    fake f;
    const sched_job jobs[] = {{.agent = "a", .tool = "scan", .variant = "v.1", .cron = "* * * * *"}};
    const sched_target targets[] = {{"p", "x/y"}, {"p/x", "y"}, {NULL, NULL}, {"a@b", "c:%\n"}};
    sched_plan plan = plan_of(jobs, 1, targets, 4);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, &plan);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 4);
    static const char *const expected[] = {"a/scan:v.1@p/x%2Fy", "a/scan:v.1@p%2Fx/y", "a/scan:v.1",
                                           "a/scan:v.1@a%40b/c%3A%25%0A"};
    for (size_t i = 0; i < LB_COUNT(expected); i++)
        ASSERT_CONTAINS(fake_status(&f, expected[i]).key, expected[i]);
    fake_close(&f);
}

static void takes_the_first_of_a_key(void)
{
    fake f;
    const sched_job jobs[] = {{.agent = "a", .tool = "scan", .cron = "*/5 * * * *"},
                              {.agent = "a", .tool = "scan", .cron = "* * * * *"}};
    sched_plan plan = plan_of(jobs, 2, &shop, 1);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, &plan);
    fake_run_for(&f, 10 * MINUTE);
    CU_ASSERT_EQUAL(f.count, 2);
    fake_close(&f);
}

static void refuses_a_bad_plan_and_keeps_the_old(void)
{
    fake f;
    lb_error err = {0};
    fake_open(&f, "2026-01-01T00:00:00Z");
    load_one(&f, "* * * * *", "UTC");
    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const sched_job bad_cron = {.agent = "a", .tool = "scan", .cron = "bad"},
                    good = {.agent = "a", .tool = "scan", .cron = "@daily"};
    const sched_target too_long = {"p", longest};
    const sched_window bad_window = {.name = "w", .opens = "@daily", .timezone = "Mars", .lasts_min = 1};
    sched_plan plans[4] = {plan_of(&bad_cron, 1, &shop, 1), plan_of(&good, 1, &too_long, 1),
                           plan_of(&good, 1, &shop, 1), plan_of(&good, 1, &shop, 1)};
    const sched_pair pair = {0, 0};
    static const char *const said[] = {"not a value from 0 to 59", "is longer than 511 bytes", "Mars", "Venus"};
    plans[2].windows = &bad_window;
    plans[2].window_count = 1;
    plans[3].timezone = "Venus";
    for (size_t i = 0; i < LB_COUNT(plans); i++) {
        plans[i].pairs = &pair;
        plans[i].pair_count = 1;
        CU_ASSERT_TRUE(sched_load(f.s, &plans[i], f.now, &err) < 0);
        ASSERT_CONTAINS(err.message, said[i]);
    }
    fake_run_for(&f, 3 * MINUTE);
    CU_ASSERT_EQUAL(f.count, 3);
    fake_close(&f);
}

/* ---- no overlap ---- */

static void never_overlaps_with_itself(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    load_one(&f, "* * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T00:10:30Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    sched_status status = fake_status(&f, "scan");
    CU_ASSERT_TRUE(status.running && status.waits);
    CU_ASSERT_EQUAL(status.reason, SCHED_RUNNING);
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[0].key, SCHED_OK, NULL, f.now));
    fake_tick(&f); /* the one run for what came meanwhile starts right after */
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T00:10:00Z", 8);
    CU_ASSERT_EQUAL(fake_status(&f, "scan").missed, 8);
    CU_ASSERT_FALSE(sched_ended(f.s, "a/scan@shop/nothing", SCHED_OK, NULL, f.now));
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[0].key, SCHED_OK, NULL, f.now));
    CU_ASSERT_FALSE(sched_ended(f.s, f.starts[0].key, SCHED_OK, NULL, f.now)); /* it has ended */
    fake_run_until(&f, "2026-01-01T00:11:00Z");
    CU_ASSERT_EQUAL(f.count, 3);
    fake_close(&f);
}

static void passes_over_what_came_while_it_ran_when_told_so(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    const sched_job job = {.agent = "a", .tool = "scan", .cron = "* * * * *"};
    sched_plan plan = plan_of(&job, 1, &shop, 1);
    plan.catch_up = false;
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_load(&f, &plan);
    fake_run_until(&f, "2026-01-01T00:10:30Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[0].key, SCHED_OK, NULL, f.now));
    fake_run_until(&f, "2026-01-01T00:10:59Z");
    CU_ASSERT_EQUAL(f.count, 1);
    fake_run_until(&f, "2026-01-01T00:11:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T00:11:00Z", 0);
    CU_ASSERT_EQUAL(fake_status(&f, "scan").missed, 9);
    fake_close(&f);
}

static void asks_again_when_a_start_is_refused(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    load_one(&f, "@hourly", "UTC");
    f.refuses = true;
    fake_run_until(&f, "2026-01-01T01:00:05Z");
    CU_ASSERT_EQUAL(f.count, 0);
    CU_ASSERT_EQUAL(fake_status(&f, "scan").reason, SCHED_REFUSED);
    f.refuses = false;
    fake_run_until(&f, "2026-01-01T01:00:06Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    check_start(&f, 0, "2026-01-01T01:00:00Z", 0);
    fake_close(&f);
}

/* ---- catching up ---- */

static void catches_up_once_after_a_stall(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    load_one(&f, "*/5 * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T00:05:00Z");
    fake_stall(&f, 58 * MINUTE);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T01:00:00Z", 10);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 3);
    check_start(&f, 2, "2026-01-01T01:05:00Z", 0);
    fake_close(&f);
}

static void passes_over_what_a_stall_missed_when_told_so(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    const sched_job job = {.agent = "a", .tool = "scan", .cron = "*/5 * * * *"};
    sched_plan plan = plan_of(&job, 1, &shop, 1);
    plan.catch_up = false;
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_load(&f, &plan);
    fake_run_until(&f, "2026-01-01T00:05:00Z");
    fake_stall(&f, 58 * MINUTE);
    fake_run_until(&f, "2026-01-01T01:05:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T01:05:00Z", 0);
    CU_ASSERT_EQUAL(fake_status(&f, "scan").missed, 11);
    fake_close(&f);
}

static void catches_up_once_after_the_daemon_was_down(void)
{
    fake f;
    fake_open(&f, "2026-01-02T10:20:00Z");
    load_one(&f, "@hourly", "UTC");
    const sched_memory memory = {.slot = at("2026-01-02T05:00:00Z"),
                                 .started_at = at("2026-01-02T05:00:01Z"),
                                 .ended_at = at("2026-01-02T05:00:09Z"),
                                 .outcome = SCHED_OK};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/scan@shop/production", &memory, f.now));
    CU_ASSERT_FALSE(sched_remember(f.s, "a/scan@shop/other", &memory, f.now));
    sched_status status = fake_status(&f, "scan");
    CU_ASSERT_EQUAL(status.last_slot, memory.slot);
    CU_ASSERT_EQUAL(status.last_ended_at, memory.ended_at);
    CU_ASSERT_EQUAL(status.last_outcome, SCHED_OK);
    fake_run_until(&f, "2026-01-02T10:59:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    check_start(&f, 0, "2026-01-02T10:00:00Z", 4);
    CU_ASSERT_EQUAL(f.starts[0].previous_slot, memory.slot);
    sched_memory recalled;
    CU_ASSERT_TRUE(sched_recall(f.s, "a/scan@shop/production", &recalled));
    CU_ASSERT_EQUAL(recalled.slot, at("2026-01-02T10:00:00Z"));
    fake_close(&f);
}

static void does_not_repeat_what_is_remembered(void)
{
    fake f;
    fake_open(&f, "2026-01-02T10:00:10Z"); /* restarted ten seconds after */
    load_one(&f, "@hourly", "UTC");
    const sched_memory memory = {
        .slot = at("2026-01-02T10:00:00Z"), .started_at = at("2026-01-02T10:00:00Z"), .ended_at = SCHED_NONE};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/scan@shop/production", &memory, f.now));
    fake_run_until(&f, "2026-01-02T10:59:00Z");
    CU_ASSERT_EQUAL(f.count, 0);
    fake_close(&f);
}

static void does_not_start_all_at_once_after_a_long_sleep(void)
{
    enum { TARGETS = 400, TOOLS = 10 };
    static sched_target targets[TARGETS];
    static char names[TARGETS][24], tools[TOOLS][24];
    sched_job jobs[TOOLS];
    fake f;
    make_many(targets, TARGETS, names);
    for (size_t i = 0; i < TOOLS; i++) {
        (void)snprintf(tools[i], sizeof tools[i], "t%zu", i); /* fits */
        jobs[i] = (sched_job){.agent = "a", .tool = tools[i], .cron = "@hourly"};
    }
    sched_plan plan = plan_of(jobs, TOOLS, targets, TARGETS);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_open(&f, "2026-01-01T00:30:00Z");
    fake_load(&f, &plan);
    fake_tick(&f);
    fake_stall(&f, 8 * HOUR);
    CU_ASSERT_EQUAL(fake_tick(&f), 1);
    int64_t woke = f.now.monotonic;
    fake_run_for(&f, (TARGETS * TOOLS / SCHED_CATCH_UP_PER_S + 1) * SECOND);
    CU_ASSERT_EQUAL_FATAL(f.count, TARGETS * TOOLS); /* each of them once */
    size_t most = 0;
    for (size_t i = 0, from = 0; i < f.count; i++) {
        while (f.starts[i].monotonic - f.starts[from].monotonic >= SECOND)
            from++;
        most = i - from + 1 > most ? i - from + 1 : most;
        CU_ASSERT_EQUAL(f.starts[i].missed, 7);
    }
    CU_ASSERT_TRUE(most <= SCHED_CATCH_UP_PER_S);
    CU_ASSERT_TRUE(f.starts[f.count - 1].monotonic - woke <= TARGETS * TOOLS * SECOND / SCHED_CATCH_UP_PER_S);
    fake_close(&f);
}

/* ---- reload ---- */

static void keeps_what_it_knows_over_a_reload(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    const sched_job jobs[] = {{.agent = "a", .tool = "scan", .cron = "*/5 * * * *"},
                              {.agent = "a", .tool = "gone", .cron = "*/5 * * * *"},
                              {.agent = "a", .tool = "late", .cron = "*/5 * * * *"}};
    sched_plan before = plan_of(jobs, 2, &shop, 1), after = plan_of(jobs, 3, &shop, 1);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&before);
    const sched_pair fewer[] = {{2, 0}, {0, 0}};
    after.pairs = fewer;
    after.pair_count = 2;
    fake_load(&f, &before);
    fake_run_until(&f, "2026-01-01T00:05:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2); /* both run */
    fake_load(&f, &after);
    CU_ASSERT_TRUE(fake_status(&f, "scan").running);
    fake_run_until(&f, "2026-01-01T00:10:01Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 3); /* scan runs still, gone is gone, late is new */
    ASSERT_TEXT(f.starts[2].key, "a/late@shop/production");
    CU_ASSERT_TRUE(sched_ended(f.s, "a/gone@shop/production", SCHED_OK, NULL, f.now)); /* is heard of */
    CU_ASSERT_FALSE(sched_ended(f.s, "a/gone@shop/production", SCHED_OK, NULL, f.now));
    CU_ASSERT_TRUE(sched_ended(f.s, "a/scan@shop/production", SCHED_FAILED, "broke", f.now));
    fake_load(&f, &before);
    sched_status status = fake_status(&f, "scan");
    CU_ASSERT_EQUAL(status.failures, 1);
    ASSERT_TEXT(status.why, "broke");
    CU_ASSERT_EQUAL(status.starts, 1);
    fake_close(&f);
}

static void an_entry_that_comes_back_does_not_overlap_with_its_old_run(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    const sched_job job = {.agent = "a", .tool = "scan", .cron = "* * * * *"};
    sched_plan plan = plan_of(&job, 1, &shop, 1), empty = plan_of(&job, 1, &shop, 1);
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_load(&f, &plan);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL(f.count, 1);
    fake_load(&f, &empty);
    fake_load(&f, &empty);
    fake_load(&f, &plan);
    fake_run_for(&f, 3 * MINUTE);
    CU_ASSERT_EQUAL(f.count, 1);
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[0].key, SCHED_OK, NULL, f.now));
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL(f.count, 2);
    fake_close(&f);
}

static void a_changed_cron_goes_on_from_now(void)
{
    fake f;
    fake_open(&f, "2026-01-01T00:00:30Z");
    load_one(&f, "@hourly", "UTC");
    fake_run_until(&f, "2026-01-01T01:20:00Z");
    CU_ASSERT_EQUAL(f.count, 1);
    load_one(&f, "*/15 * * * *", "UTC");
    fake_run_until(&f, "2026-01-01T01:31:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    check_start(&f, 1, "2026-01-01T01:30:00Z", 0);
    fake_close(&f);
}

SUITE(sched, TEST(starts_each_slot_once_in_time), TEST(keeps_local_time_over_the_change_to_summer),
      TEST(runs_once_in_the_hour_that_comes_twice), TEST(goes_on_every_so_many_minutes_in_the_hour_that_comes_twice),
      TEST(writes_keys_that_cannot_be_mistaken), TEST(takes_the_first_of_a_key),
      TEST(refuses_a_bad_plan_and_keeps_the_old), TEST(never_overlaps_with_itself),
      TEST(passes_over_what_came_while_it_ran_when_told_so), TEST(asks_again_when_a_start_is_refused),
      TEST(catches_up_once_after_a_stall), TEST(passes_over_what_a_stall_missed_when_told_so),
      TEST(catches_up_once_after_the_daemon_was_down), TEST(does_not_repeat_what_is_remembered),
      TEST(does_not_start_all_at_once_after_a_long_sleep), TEST(keeps_what_it_knows_over_a_reload),
      TEST(an_entry_that_comes_back_does_not_overlap_with_its_old_run), TEST(a_changed_cron_goes_on_from_now))
