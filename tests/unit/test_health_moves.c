/* What counters have done between two readings, and what of it is worth a finding. */
#include "unit/suite.h"

#include "health_moves.h"

#include <math.h>

#define HOUR  HEALTH_MARK_US
#define START INT64_C(1767268800000000)

static const health_move_limits limits = {.abandoned_warning_share = 0.01,
                                          .abandoned_critical_share = 0.05,
                                          .sessions_per_s = 5,
                                          .rollback_share = 0.1,
                                          .busy_share = 0.2,
                                          .min_sessions = 100,
                                          .min_transactions = 1000,
                                          .min_open_sessions = 10};

/* Five minutes of a server that is well. */
static health_moves well(void)
{
    return (health_moves){.interval_s = 300,
                          .sessions = 1000,
                          .abandoned = 10,
                          .committed = 9000,
                          .rolled_back = 1000,
                          .archive_interval_s = 300,
                          .archived = 5,
                          .archive_failures = 0,
                          .day_s = 86400,
                          .session_ms = 86400e3 * 10,
                          .active_ms = 86400e3 * 2};
}

static health_verdict of(const health_moves *moves, health_move what)
{
    health_verdict verdicts[HEALTH_MOVES];
    health_judge_moves(moves, &limits, verdicts);
    return verdicts[what];
}

static const char *level(const health_moves *moves, health_move what)
{
    const char *found = of(moves, what).level;
    return found ? found : "none";
}

static void at_its_limits_all_is_well(void)
{
    const health_moves m = well();
    for (health_move what = 0; what < HEALTH_MOVES; what++)
        CU_ASSERT_PTR_NULL(of(&m, what).level);
    CU_ASSERT_DOUBLE_EQUAL(of(&m, HEALTH_ABANDONED).value, 0.01, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(of(&m, HEALTH_POOL).value, 0.2, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(health_open_sessions(&m), 10, 1e-9);
}

static void lost_clients_are_a_share_of_enough_sessions(void)
{
    health_moves m = well();
    m.abandoned = 11;
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "warning");
    m.abandoned = 50;
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "warning");
    m.abandoned = 51;
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "critical");
    CU_ASSERT_DOUBLE_EQUAL(of(&m, HEALTH_ABANDONED).limit, 0.05, 0);
    m.sessions = 100;
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "critical");
    m.sessions = 99;
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "none");
    m = well();
    m.fatal = m.killed = 900; /* told with it, and no reason by itself */
    ASSERT_TEXT(level(&m, HEALTH_ABANDONED), "none");
}

static void sessions_that_come_and_go_want_a_pooler(void)
{
    health_moves m = well();
    m.sessions = 1500;
    ASSERT_TEXT(level(&m, HEALTH_CHURN), "none");
    m.sessions = 1501;
    ASSERT_TEXT(level(&m, HEALTH_CHURN), "warning");
    m.interval_s = 5; /* so few may be one start of an application */
    m.sessions = 99;
    ASSERT_TEXT(level(&m, HEALTH_CHURN), "none");
    m.interval_s = NAN;
    m.sessions = 1e6;
    ASSERT_TEXT(level(&m, HEALTH_CHURN), "none");
}

static void rollbacks_are_a_share_of_enough_transactions(void)
{
    health_moves m = well();
    m.rolled_back = 1001;
    ASSERT_TEXT(level(&m, HEALTH_ROLLBACKS), "warning");
    m.committed = 0;
    m.rolled_back = 999;
    ASSERT_TEXT(level(&m, HEALTH_ROLLBACKS), "none");
    m.rolled_back = 1000;
    ASSERT_TEXT(level(&m, HEALTH_ROLLBACKS), "warning");
    m.committed = NAN;
    ASSERT_TEXT(level(&m, HEALTH_ROLLBACKS), "none");
}

static void an_archiver_is_stuck_until_it_archives_again(void)
{
    health_moves m = well();
    m.archive_failures = 3;
    ASSERT_TEXT(level(&m, HEALTH_ARCHIVER), "none");
    m.is_archiver_stuck = true;
    ASSERT_TEXT(level(&m, HEALTH_ARCHIVER), "critical");
    m.archive_failures = 0; /* what failed before the reading before was told then */
    ASSERT_TEXT(level(&m, HEALTH_ARCHIVER), "none");
    m.archive_failures = NAN;
    ASSERT_TEXT(level(&m, HEALTH_ARCHIVER), "none");
}

static void sessions_that_idle_all_day_are_too_many(void)
{
    health_moves m = well();
    m.active_ms -= 1e3;
    ASSERT_TEXT(level(&m, HEALTH_POOL), "warning");
    m.session_ms -= 1e4;
    m.active_ms = 0;
    ASSERT_TEXT(level(&m, HEALTH_POOL), "none"); /* fewer than ten are no pool */
    m.day_s = m.session_ms = NAN;
    ASSERT_TEXT(level(&m, HEALTH_POOL), "none");
    CU_ASSERT_TRUE(isnan(health_open_sessions(&m)));
}

static void what_is_not_known_is_not_judged(void)
{
    const health_moves m = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, true, NAN, NAN, NAN};
    for (health_move what = 0; what < HEALTH_MOVES; what++) {
        CU_ASSERT_PTR_NULL(of(&m, what).level);
        CU_ASSERT_TRUE(isnan(of(&m, what).value));
    }
}

/* ---- the day ---- */

static size_t read_each(int64_t step, int64_t for_us, health_mark kept[HEALTH_MOST_DAY], int64_t *ret_first)
{
    health_mark before[HEALTH_MOST_DAY];
    size_t count = 0;
    for (int64_t at = 0; at <= for_us; at += step) {
        const health_mark now = {START + at, (double)at / 1000, (double)at / 4000};
        memcpy(before, kept, count * sizeof *before);
        count = health_keep_day(before, count, &now, kept);
        CU_ASSERT_TRUE_FATAL(count > 0 && count <= HEALTH_MOST_DAY);
    }
    *ret_first = kept[0].at;
    return count;
}

static void a_day_is_a_mark_an_hour(void)
{
    health_mark kept[HEALTH_MOST_DAY];
    int64_t first = 0;
    size_t count = read_each(HOUR / 12, 100 * HOUR + HOUR / 2, kept, &first);
    CU_ASSERT_EQUAL(first, START + 76 * HOUR); /* 24 hours and a half ago */
    CU_ASSERT_EQUAL(count, 25);
    const health_mark now = {START + 100 * HOUR + HOUR / 2, 1e9, 1e8};
    health_moves m = {.day_s = 0};
    health_day_since(kept, count, &now, &m);
    CU_ASSERT_DOUBLE_EQUAL(m.day_s, 24.5 * 3600, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(m.session_ms, 1e9 - 76 * 3600e3, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(m.active_ms, 1e8 - 76 * 900e3, 1e-3);
}

static void less_than_a_day_is_none(void)
{
    health_mark kept[HEALTH_MOST_DAY];
    int64_t first = 0;
    size_t count = read_each(HOUR / 12, 23 * HOUR, kept, &first);
    health_moves m = {.day_s = 0};
    health_day_since(kept, count, &(health_mark){START + 23 * HOUR, 1e9, 1e9}, &m);
    CU_ASSERT_TRUE(isnan(m.day_s) && isnan(m.session_ms) && isnan(m.active_ms));
    health_day_since(kept, count, &(health_mark){START + 24 * HOUR, 1e9, 1e9}, &m);
    CU_ASSERT_DOUBLE_EQUAL(m.day_s, 86400, 1e-6);
    health_day_since(kept, count, &(health_mark){START + 24 * HOUR, 1e9, -1}, &m);
    CU_ASSERT_TRUE(isnan(m.day_s)); /* it fell */
    health_day_since(kept, 0, &(health_mark){START, 1, 1}, &m);
    CU_ASSERT_TRUE(isnan(m.day_s));
}

static void long_silence_and_a_clock_that_was_set_back_lose_nothing_else(void)
{
    health_mark kept[HEALTH_MOST_DAY], after[HEALTH_MOST_DAY];
    int64_t first = 0;
    size_t count = read_each(HOUR, 30 * HOUR, kept, &first);
    size_t left = health_keep_day(kept, count, &(health_mark){START + 500 * HOUR, 1e12, 1e12}, after);
    CU_ASSERT_EQUAL(left, 2);
    CU_ASSERT_EQUAL(after[0].at, START + 30 * HOUR);
    left = health_keep_day(kept, count, &(health_mark){START + 28 * HOUR + 1, 1e12, 1e12}, after);
    CU_ASSERT_EQUAL(after[left - 1].at, START + 28 * HOUR);
    left = health_keep_day(kept, count, &(health_mark){START - HOUR, 1, 1}, after);
    CU_ASSERT_EQUAL(left, 1);
    CU_ASSERT_EQUAL(after[0].at, START - HOUR);
    health_mark many[HEALTH_MOST_DAY];
    for (int i = 0; i < HEALTH_MOST_DAY; i++)
        many[i] = (health_mark){START + i, 0, 0}; /* as no reading would leave them */
    left = health_keep_day(many, HEALTH_MOST_DAY, &(health_mark){START + 2 * HOUR, 1, 1}, after);
    CU_ASSERT_EQUAL(left, HEALTH_MOST_DAY);
    CU_ASSERT_EQUAL(after[left - 1].at, START + 2 * HOUR);
}

SUITE(health_moves, TEST(at_its_limits_all_is_well), TEST(lost_clients_are_a_share_of_enough_sessions),
      TEST(sessions_that_come_and_go_want_a_pooler), TEST(rollbacks_are_a_share_of_enough_transactions),
      TEST(an_archiver_is_stuck_until_it_archives_again), TEST(sessions_that_idle_all_day_are_too_many),
      TEST(what_is_not_known_is_not_judged), TEST(a_day_is_a_mark_an_hour), TEST(less_than_a_day_is_none),
      TEST(long_silence_and_a_clock_that_was_set_back_lose_nothing_else))
