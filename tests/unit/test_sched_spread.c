/* The scheduler: how starts are spread. */
#include "unit/sched_fleet.h"

static void spreads_evenly_over_the_period(void)
{
    fake f;
    fleet *all = make_fleet(TARGETS, TOOLS, "*/5 * * * *", 300);
    size_t seconds[300] = {0}, most = 0, least = SIZE_MAX;
    double chi = 0, expected = TARGETS * TOOLS / 300.0;
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, &all->plan);
    fake_run_for(&f, 10 * MINUTE - 1);
    fake_forget(&f);
    fake_run_for(&f, 5 * MINUTE); /* one full turn */
    CU_ASSERT_EQUAL(f.count, TARGETS * TOOLS);
    for (size_t i = 0; i < f.count; i++) {
        int64_t offset = f.starts[i].wall - f.starts[i].slot;
        CU_ASSERT_TRUE_FATAL(offset >= 0 && offset < 300 * SECOND);
        seconds[offset / SECOND]++;
    }
    for (size_t i = 0; i < LB_COUNT(seconds); i++) {
        chi += ((double)seconds[i] - expected) * ((double)seconds[i] - expected) / expected;
        most = seconds[i] > most ? seconds[i] : most;
        least = seconds[i] < least ? seconds[i] : least;
    }
    /* 299 degrees of freedom: 99.9 % of even spreads stay under 379. */
    CU_ASSERT_TRUE(chi < 379);
    CU_ASSERT_TRUE(least >= 20 && most <= 85);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

static void tools_of_one_target_never_share_a_second(void)
{
    static const int spreads[] = {300, 90, 60, 45};
    for (size_t k = 0; k < LB_COUNT(spreads); k++) {
        fake f;
        fleet *all = make_fleet(TARGETS, TOOLS, "*/5 * * * *", spreads[k]);
        size_t shared = 0;
        for (size_t i = 0; i < TOOLS; i += 2)
            all->jobs[i].cron = "7 * * * *"; /* other crons too */
        fake_open(&f, "2026-01-01T00:00:00Z");
        fake_load(&f, &all->plan);
        fake_run_for(&f, 70 * MINUTE);
        for (size_t i = 0; i < f.count; i++) {
            const char *on = strchr(f.starts[i].key, '@');
            int64_t second = f.starts[i].wall / SECOND;
            for (size_t b = i; b-- > 0 && f.starts[b].wall / SECOND == second;)
                shared += strcmp(strchr(f.starts[b].key, '@'), on) == 0;
        }
        CU_ASSERT_EQUAL(shared, 0);
        CU_ASSERT_TRUE(f.count > TARGETS * TOOLS);
        fake_close(&f);
        (void)free_fleet(all); /* gives NULL */
    }
}

static int64_t offset_in(const fake *f, const char *key)
{
    for (size_t i = f->count; i-- > 0;)
        if (strcmp(f->starts[i].key, key) == 0)
            return f->starts[i].wall - f->starts[i].slot;
    CU_FAIL_FATAL("it did not start");
    return -1;
}

static void offsets_stay_when_targets_are_added_and_over_restarts(void)
{
    fleet *all = make_fleet(TARGETS, TOOLS, "*/5 * * * *", 300);
    fake few, many;
    fake_open(&few, "2026-01-01T00:00:00Z");
    fake_open(&many, "2026-03-01T00:00:00Z");
    sched_plan part = all->plan;
    part.target_count = 20;
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&part);
    fake_load(&few, &part);
    fake_load(&many, &all->plan);
    fake_run_for(&few, 10 * MINUTE);
    fake_run_for(&many, 10 * MINUTE);
    for (size_t i = 0; i < part.pair_count; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "a/%s@%s/production", all->tools[pairs[i].job],
                       all->names[pairs[i].target]); /* fits */
        CU_ASSERT_EQUAL(offset_in(&few, key), offset_in(&many, key));
    }
    /* and added while it runs */
    fake_load(&few, &all->plan);
    fake_forget(&few);
    fake_run_for(&few, 10 * MINUTE);
    CU_ASSERT_EQUAL(offset_in(&few, "a/t3@p7/production"), offset_in(&many, "a/t3@p7/production"));
    /* a value that must not change from one version to the next */
    CU_ASSERT_EQUAL(sched_hash("a/t3@p7/production"), UINT64_C(2687984386797381029));
    fake_close(&few);
    fake_close(&many);
    (void)free_fleet(all); /* gives NULL */
}

static void spread_is_never_wider_than_the_period(void)
{
    fake f;
    fleet *all = make_fleet(100, 1, "* * * * *", 3600);
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, &all->plan);
    fake_run_for(&f, 5 * MINUTE);
    for (size_t i = 0; i < f.count; i++)
        CU_ASSERT_TRUE(f.starts[i].wall - f.starts[i].slot < MINUTE);
    CU_ASSERT_TRUE(f.count >= 400);
    fake_close(&f);
    (void)free_fleet(all); /* gives NULL */
}

SUITE(sched_spread, TEST(spreads_evenly_over_the_period), TEST(tools_of_one_target_never_share_a_second),
      TEST(offsets_stay_when_targets_are_added_and_over_restarts), TEST(spread_is_never_wider_than_the_period))
