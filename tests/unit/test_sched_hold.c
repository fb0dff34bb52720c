/* The scheduler: what holds starts back: failures, targets that are down, windows, leases. */
#include "unit/sched_fleet.h"

/* ---- back-off ---- */

static void backs_off_doubling_and_shows_it(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "*/5 * * * *", 0);
    static const int64_t gaps[] = {10, 20, 40, 60, 60, 60}; /* minutes */
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_as = SCHED_FAILED;
    fake_load(&f, &all->plan);
    fake_run_for(&f, 5 * HOUR);
    CU_ASSERT_TRUE_FATAL(f.count > LB_COUNT(gaps));
    for (size_t i = 0; i < LB_COUNT(gaps); i++)
        CU_ASSERT_EQUAL(f.starts[i + 1].wall - f.starts[i].wall, gaps[i] * MINUTE);
    sched_status status = fake_status(&f, "t0");
    CU_ASSERT_EQUAL(status.reason, SCHED_BACKING_OFF);
    CU_ASSERT_EQUAL(status.failures, f.count);
    CU_ASSERT_EQUAL(status.last_outcome, SCHED_FAILED);
    CU_ASSERT_EQUAL(status.next_at, f.starts[f.count - 1].wall + HOUR);
    ASSERT_TEXT(status.why, "told so");
    sched_totals totals;
    sched_count(f.s, &totals);
    CU_ASSERT_EQUAL(totals.backing_off, 1);
    f.ends_as = SCHED_OK; /* a success resets it */
    fake_run_for(&f, 61 * MINUTE);
    fake_forget(&f);
    fake_run_for(&f, 30 * MINUTE);
    CU_ASSERT_EQUAL(f.count, 6);
    status = fake_status(&f, "t0");
    CU_ASSERT_EQUAL(status.failures, 0);
    CU_ASSERT_PTR_NULL(status.why);
    CU_ASSERT_EQUAL(status.reason, SCHED_IN_TIME);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void does_not_back_off_for_what_is_no_failure(void)
{
    static const sched_outcome outcomes[] = {SCHED_SKIPPED, SCHED_PENDING, SCHED_CANCELLED, SCHED_ELSEWHERE};
    for (size_t i = 0; i < LB_COUNT(outcomes); i++) {
        fake f;
        fleet *all = make_fleet(1, 1, "*/5 * * * *", 0);
        fake_open(&f, "2026-01-01T00:00:00Z");
        f.ends_as = outcomes[i];
        fake_load(&f, &all->plan);
        fake_run_for(&f, HOUR);
        CU_ASSERT_EQUAL(f.count, 12);
        CU_ASSERT_EQUAL(fake_status(&f, "t0").failures, 0);
        fake_close(&f);
        (void)free_fleet(all); /* gives NULL */
    }
}

static void a_daily_run_that_failed_comes_the_next_day(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "0 2 * * *", 0);
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_as = SCHED_FAILED;
    fake_load(&f, &all->plan);
    fake_run_for(&f, 10 * DAY);
    CU_ASSERT_EQUAL(f.count, 10);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_failure_across_a_clock_put_back_does_not_wait_for_the_old_time(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "*/5 * * * *", 0);
    fake_open(&f, "2026-01-01T12:00:01Z");
    f.ends_at_once = false;
    fake_load(&f, &all->plan);
    fake_run_until(&f, "2026-01-01T12:05:30Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    fake_jump(&f, -3 * HOUR);
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[0].key, SCHED_FAILED, "broke", f.now));
    fake_run_for(&f, 15 * MINUTE);
    CU_ASSERT_EQUAL(f.count, 2);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void remembers_failures_over_a_restart(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "*/5 * * * *", 0);
    fake_open(&f, "2026-01-01T00:06:00Z");
    fake_load(&f, &all->plan);
    const sched_memory memory = {.slot = at("2026-01-01T00:05:00Z"),
                                 .started_at = at("2026-01-01T00:05:00Z"),
                                 .ended_at = at("2026-01-01T00:05:01Z"),
                                 .outcome = SCHED_FAILED,
                                 .failures = 3};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/t0@p0/production", &memory, f.now));
    fake_run_until(&f, "2026-01-01T00:44:59Z");
    CU_ASSERT_EQUAL(f.count, 0);
    fake_run_until(&f, "2026-01-01T00:45:00Z");
    CU_ASSERT_EQUAL(f.count, 1);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

/* ---- targets that cannot be reached ---- */

/* Runs on p0 end unreachable while it is down, all others are well. */
typedef struct outage {
    fake f;
    bool down;
    size_t tries;
} outage;

static bool outage_hook(void *state, const sched_start *start)
{
    outage *o = state;
    bool hit = strcmp(start->project, "p0") == 0;
    o->tries += hit;
    o->f.ends_as = hit && o->down ? SCHED_UNREACHABLE : SCHED_OK;
    return fake_start_hook(&o->f, start);
}

static void one_probe_instead_of_all_tools_of_a_broken_target(void)
{
    outage o = {.down = true};
    fleet *all = make_fleet(3, TOOLS, "* * * * *", 60);
    fake_open(&o.f, "2026-01-01T00:00:00Z");
    (void)sched_free(o.f.s); /* gives NULL */
    const sched_hooks hooks = {.state = &o, .start = outage_hook};
    o.f.s = sched_new(&hooks);
    fake_load(&o.f, &all->plan);
    fake_run_for(&o.f, 2 * HOUR);
    /* after 0, 1, 3, 7, 15, 31, 63 minutes and then each hour */
    CU_ASSERT_TRUE(o.tries >= 7 && o.tries <= 9);
    CU_ASSERT_TRUE(o.f.count - o.tries >= 2 * TOOLS * 119); /* the healthy ones: each minute */
    sched_status status = fake_status(&o.f, "@p0/");
    CU_ASSERT_EQUAL(status.reason, SCHED_TARGET_DOWN);
    CU_ASSERT_TRUE(status.failures >= 7);
    ASSERT_TEXT(status.why, "told so");
    CU_ASSERT_TRUE(status.next_at > o.f.now.wall && status.next_at <= o.f.now.wall + HOUR);
    sched_totals totals;
    sched_count(o.f.s, &totals);
    CU_ASSERT_EQUAL(totals.targets_down, 1);
    o.down = false;
    o.tries = 0;
    fake_run_until(&o.f, "2026-01-01T03:10:00Z");
    CU_ASSERT_EQUAL(fake_status(&o.f, "@p0/").failures, 0);
    CU_ASSERT_TRUE(o.tries > TOOLS);
    fake_forget(&o.f);
    fake_run_for(&o.f, 10 * MINUTE);
    CU_ASSERT_EQUAL(o.f.count, 10 * 3 * TOOLS); /* all is as before */
    fake_close(&o.f);
    (void)free_fleet(all); /* gives NULL */
}

static void all_that_waited_for_a_target_run_once_when_it_is_back(void)
{
    outage o = {.down = true};
    fleet *all = make_fleet(1, TOOLS, "@hourly", 300);
    fake_open(&o.f, "2026-01-01T00:59:00Z");
    (void)sched_free(o.f.s); /* gives NULL */
    const sched_hooks hooks = {.state = &o, .start = outage_hook};
    o.f.s = sched_new(&hooks);
    fake_load(&o.f, &all->plan);
    fake_run_until(&o.f, "2026-01-01T01:06:00Z");
    CU_ASSERT_TRUE(o.tries < 6); /* of fifteen */
    o.down = false;
    o.tries = 0;
    fake_run_until(&o.f, "2026-01-01T01:30:00Z");
    CU_ASSERT_TRUE(o.tries >= TOOLS - 6 && o.tries <= TOOLS);
    fake_close(&o.f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_probe_that_says_nothing_lets_the_next_one_try(void)
{
    fake f;
    fleet *all = make_fleet(1, 3, "* * * * *", 0);
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    fake_load(&f, &all->plan);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 3);
    for (size_t i = 0; i < 3; i++) /* on their way at the same time: one failure */
        CU_ASSERT_TRUE(sched_ended(f.s, f.starts[i].key, SCHED_UNREACHABLE, "no answer", f.now));
    CU_ASSERT_EQUAL(fake_status(&f, "t0").failures, 1);
    fake_run_for(&f, MINUTE + SECOND);
    CU_ASSERT_EQUAL_FATAL(f.count, 4); /* one tries, two wait */
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[3].key, SCHED_SKIPPED, NULL, f.now));
    fake_run_for(&f, SECOND);
    CU_ASSERT_EQUAL_FATAL(f.count, 5);
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[4].key, SCHED_OK, NULL, f.now));
    fake_run_for(&f, SECOND);
    CU_ASSERT_EQUAL_FATAL(f.count, 6);
    CU_ASSERT_EQUAL(fake_status(&f, "t0").failures, 0);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_probe_whose_entry_a_reload_took_does_not_hold_the_target(void)
{
    fake f;
    fleet *all = make_fleet(1, 3, "* * * * *", 0);
    fake_open(&f, "2026-01-01T00:00:00Z");
    f.ends_at_once = false;
    fake_load(&f, &all->plan);
    fake_run_for(&f, MINUTE);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_TRUE(sched_ended(f.s, f.starts[i].key, SCHED_UNREACHABLE, "no answer", f.now));
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 4);
    sched_plan rest = all->plan;
    sched_pair pairs[2];
    size_t kept = 0;
    for (uint32_t i = 0; i < 3; i++) /* all but the one that tries */
        if (!strstr(f.starts[3].key, all->tools[i]))
            pairs[kept++] = (sched_pair){i, 0};
    CU_ASSERT_EQUAL_FATAL(kept, 2);
    rest.pairs = pairs;
    rest.pair_count = 2;
    fake_load(&f, &rest);
    fake_run_for(&f, SECOND);
    CU_ASSERT_EQUAL_FATAL(f.count, 5);                                        /* another one tries */
    CU_ASSERT_TRUE(sched_ended(f.s, f.starts[3].key, SCHED_OK, NULL, f.now)); /* the old one answers first */
    fake_run_for(&f, SECOND);
    CU_ASSERT_EQUAL(f.count, 6);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

/* ---- windows ---- */

static void load_windows(fake *f, fleet *all, const sched_window *windows, size_t count, const char *named)
{
    all->jobs[0].window = named;
    all->plan.windows = windows;
    all->plan.window_count = count;
    fake_load(f, &all->plan);
}

static void what_was_due_outside_waits_for_its_window_once(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "@hourly", 0);
    const sched_window night = {.name = "night", .opens = "0 22 * * *", .timezone = "Europe/Berlin", .lasts_min = 180};
    fake_open(&f, "2026-01-01T09:30:00Z");
    load_windows(&f, all, &night, 1, "night");
    fake_run_until(&f, "2026-01-01T20:59:59Z");
    CU_ASSERT_EQUAL(f.count, 0);
    sched_status status = fake_status(&f, "t0");
    CU_ASSERT_EQUAL(status.reason, SCHED_WINDOW_CLOSED);
    CU_ASSERT_TRUE(status.waits);
    CU_ASSERT_EQUAL(status.next_at, at("2026-01-01T21:00:00Z"));
    ASSERT_TEXT(status.window, "night");
    fake_run_until(&f, "2026-01-01T21:00:01Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 1); /* for all of them, the one of this hour too */
    CU_ASSERT_EQUAL(f.starts[0].slot, at("2026-01-01T21:00:00Z"));
    CU_ASSERT_EQUAL(f.starts[0].missed, 11);
    fake_run_until(&f, "2026-01-02T20:59:59Z"); /* 22, 23; at midnight UTC (one in Berlin) it has closed */
    CU_ASSERT_EQUAL(f.count, 3);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_pause_holds_all_schedules_of_its_targets(void)
{
    fake f;
    fleet *all = make_fleet(2, 1, "*/10 * * * *", 0);
    const sched_window release = {
        .name = "release", .opens = "0 12 * * *", .project = "p0", .lasts_min = 60, .pause = true};
    fake_open(&f, "2026-01-01T11:55:00Z");
    load_windows(&f, all, &release, 1, NULL);
    fake_run_until(&f, "2026-01-01T12:59:59Z");
    CU_ASSERT_EQUAL(f.count, 6); /* of p1 */
    CU_ASSERT_EQUAL(fake_status(&f, "@p0").reason, SCHED_PAUSED);
    CU_ASSERT_EQUAL(fake_status(&f, "@p0").next_at, at("2026-01-01T13:00:00Z"));
    fake_run_until(&f, "2026-01-01T13:09:59Z");
    CU_ASSERT_EQUAL(f.count, 8); /* p0 once, in place of seven */
    fake_run_until(&f, "2026-01-01T13:30:00Z");
    CU_ASSERT_EQUAL(f.count, 14);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void windows_wait_even_when_nothing_else_is_caught_up(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "0 10 * * *", 0);
    const sched_window night = {.name = "night", .opens = "0 22 * * *", .lasts_min = 60};
    all->plan.catch_up = false;
    fake_open(&f, "2026-01-01T09:30:00Z");
    load_windows(&f, all, &night, 1, "night");
    fake_run_until(&f, "2026-01-03T09:30:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    CU_ASSERT_EQUAL(f.starts[0].wall, at("2026-01-01T22:00:00Z"));
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_window_of_several_rows_opens_for_each_target_by_its_own(void)
{
    fake f;
    fleet *all = make_fleet(3, 1, "@hourly", 0);
    const sched_window rows[] = {
        {.name = "night", .opens = "0 2 * * *", .project = "p0", .timezone = "Asia/Tokyo", .lasts_min = 30},
        {.name = "night", .opens = "0 2 * * *", .project = "p1", .timezone = "America/New_York", .lasts_min = 30}};
    fake_open(&f, "2026-01-01T00:30:00Z");
    load_windows(&f, all, rows, 2, "night");
    fake_run_until(&f, "2026-01-02T00:30:00Z");
    CU_ASSERT_EQUAL_FATAL(f.count, 2);
    CU_ASSERT_EQUAL(f.starts[0].wall, at("2026-01-01T07:00:00Z"));
    CU_ASSERT_EQUAL(f.starts[1].wall, at("2026-01-01T17:00:00Z"));
    sched_status status = fake_status(&f, "@p2");
    CU_ASSERT_EQUAL(status.reason, SCHED_NO_WINDOW);
    CU_ASSERT_EQUAL(status.next_at, SCHED_NONE);
    load_windows(&f, all, NULL, 0, NULL); /* the window is taken away: nothing holds it any more */
    fake_run_for(&f, SECOND);
    CU_ASSERT_EQUAL(f.count, 5);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void many_that_waited_for_a_window_do_not_start_at_once(void)
{
    fake f;
    fleet *all = make_fleet(TARGETS, 1, "@hourly", 300);
    const sched_window night = {.name = "night", .opens = "0 22 * * *", .lasts_min = 60};
    fake_open(&f, "2026-01-01T10:30:00Z");
    load_windows(&f, all, &night, 1, "night");
    fake_run_until(&f, "2026-01-01T22:00:01Z");
    CU_ASSERT_TRUE(f.count < 20);
    fake_run_until(&f, "2026-01-01T22:05:00Z");
    CU_ASSERT_EQUAL(f.count, TARGETS);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_window_that_is_shorter_than_the_spread_is_not_missed(void)
{
    fake f;
    fleet *all = make_fleet(200, 1, "0 22 * * *", 3600);
    const sched_window night = {.name = "night", .opens = "0 22 * * *", .lasts_min = 2};
    fake_open(&f, "2026-01-01T10:30:00Z");
    load_windows(&f, all, &night, 1, "night");
    fake_run_until(&f, "2026-01-01T22:01:00Z");
    CU_ASSERT_EQUAL(f.count, 200);
    for (size_t i = 0; i < f.count; i++)
        CU_ASSERT_EQUAL(f.starts[i].slot, at("2026-01-01T22:00:00Z"));
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_clock_put_back_closes_a_window_again(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "*/10 * * * *", 0);
    const sched_window night = {.name = "night", .opens = "0 22 * * *", .lasts_min = 60};
    fake_open(&f, "2026-01-01T21:55:00Z");
    load_windows(&f, all, &night, 1, "night");
    fake_run_until(&f, "2026-01-01T22:15:00Z");
    CU_ASSERT_EQUAL(f.count, 2);
    fake_jump(&f, -HOUR);
    fake_run_until(&f, "2026-01-01T21:59:00Z");
    CU_ASSERT_EQUAL(f.count, 2);
    fake_run_until(&f, "2026-01-01T22:05:00Z");
    CU_ASSERT_EQUAL(f.count, 3);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

/* ---- leases ---- */

static void starts_nothing_on_a_target_that_another_host_has(void)
{
    fake f;
    fleet *all = make_fleet(2, 1, "*/10 * * * *", 0);
    all->plan.leased = true;
    fake_open(&f, "2026-01-01T00:05:00Z");
    fake_load(&f, &all->plan);
    CU_ASSERT_TRUE(sched_lease(f.s, "p1", "production", true, f.now));
    CU_ASSERT_FALSE(sched_lease(f.s, "p7", "production", true, f.now));
    fake_run_until(&f, "2026-01-01T01:05:00Z");
    CU_ASSERT_EQUAL(f.count, 6);
    CU_ASSERT_EQUAL(fake_status(&f, "@p0").reason, SCHED_NOT_OURS);
    /* the other host was well until a quarter to one */
    const sched_memory memory = {.slot = at("2026-01-01T00:40:00Z"),
                                 .started_at = at("2026-01-01T00:40:00Z"),
                                 .ended_at = at("2026-01-01T00:40:02Z"),
                                 .outcome = SCHED_OK};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/t0@p0/production", &memory, f.now));
    CU_ASSERT_TRUE(sched_lease(f.s, "p0", "production", true, f.now));
    fake_forget(&f);
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    CU_ASSERT_EQUAL(f.starts[0].slot, at("2026-01-01T01:00:00Z"));
    CU_ASSERT_EQUAL(f.starts[0].missed, 1);
    CU_ASSERT_TRUE(sched_lease(f.s, "p0", "production", false, f.now)); /* and lost again */
    fake_forget(&f);
    fake_run_for(&f, HOUR);
    CU_ASSERT_EQUAL(f.count, 6);
    fake_load(&f, &all->plan);
    fake_forget(&f);
    fake_run_for(&f, HOUR);
    CU_ASSERT_EQUAL(f.count, 6); /* a reload keeps whose it is */
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void a_lease_that_comes_when_nothing_was_missed_repeats_nothing(void)
{
    fake f;
    fleet *all = make_fleet(1, 1, "*/10 * * * *", 0);
    all->plan.leased = true;
    fake_open(&f, "2026-01-01T00:05:00Z");
    fake_load(&f, &all->plan);
    fake_run_until(&f, "2026-01-01T00:32:00Z");
    const sched_memory memory = {.slot = at("2026-01-01T00:30:00Z"),
                                 .started_at = at("2026-01-01T00:30:00Z"),
                                 .ended_at = SCHED_NONE,
                                 .outcome = SCHED_OK};
    CU_ASSERT_TRUE(sched_remember(f.s, "a/t0@p0/production", &memory, f.now));
    CU_ASSERT_TRUE(sched_lease(f.s, "p0", "production", true, f.now));
    fake_run_until(&f, "2026-01-01T00:39:00Z");
    CU_ASSERT_EQUAL(f.count, 0);
    fake_run_until(&f, "2026-01-01T00:40:00Z");
    CU_ASSERT_EQUAL(f.count, 1);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void names_what_it_shows(void)
{
    ASSERT_TEXT(sched_reason_name(SCHED_WINDOW_CLOSED), "window_closed");
    ASSERT_TEXT(sched_reason_name(SCHED_REFUSED), "refused");
    ASSERT_TEXT(sched_outcome_name(SCHED_PENDING), "pending_approval");
    ASSERT_TEXT(sched_outcome_name(SCHED_ELSEWHERE), "elsewhere");
    ASSERT_TEXT(sched_outcome_name((sched_outcome)99), "unknown");
}

SUITE(sched_hold, TEST(backs_off_doubling_and_shows_it), TEST(does_not_back_off_for_what_is_no_failure),
      TEST(a_daily_run_that_failed_comes_the_next_day),
      TEST(a_failure_across_a_clock_put_back_does_not_wait_for_the_old_time), TEST(remembers_failures_over_a_restart),
      TEST(one_probe_instead_of_all_tools_of_a_broken_target),
      TEST(all_that_waited_for_a_target_run_once_when_it_is_back),
      TEST(a_probe_that_says_nothing_lets_the_next_one_try),
      TEST(a_probe_whose_entry_a_reload_took_does_not_hold_the_target),
      TEST(what_was_due_outside_waits_for_its_window_once), TEST(a_pause_holds_all_schedules_of_its_targets),
      TEST(windows_wait_even_when_nothing_else_is_caught_up),
      TEST(a_window_of_several_rows_opens_for_each_target_by_its_own),
      TEST(many_that_waited_for_a_window_do_not_start_at_once),
      TEST(a_window_that_is_shorter_than_the_spread_is_not_missed), TEST(a_clock_put_back_closes_a_window_again),
      TEST(starts_nothing_on_a_target_that_another_host_has),
      TEST(a_lease_that_comes_when_nothing_was_missed_repeats_nothing), TEST(names_what_it_shows))
