/* When a compute is left alone, and when not. */
#include "suite.h"

#include "alone.h"
#include "awake.h"
#include "clock.h"

#define TIMEOUT (300 * CLOCK_SECOND)
#define START   (1000 * CLOCK_SECOND)

/* Minutely, by a session that is kept; nobody else has one. */
static alone_sight quiet(int64_t minute)
{
    return (alone_sight){.at = START + minute * 60 * CLOCK_SECOND,
                         .sessions = 10,
                         .started_at = START - CLOCK_SECOND,
                         .suspends_after_us = TIMEOUT};
}

/* A run of ours, from its beginning to its end, beside nobody. */
static bool take(alone *a, const alone_sight *sight, int64_t touched_at)
{
    alone_begin(a);
    return alone_end(a, sight, touched_at);
}

static int64_t begins_in(alone *r, int64_t from, int64_t most)
{
    for (int64_t minute = from; minute < from + most; minute++) {
        alone_sight s = quiet(minute);
        if (take(r, &s, 0))
            return minute;
    }
    return -1;
}

static void leaves_alone_what_only_we_keep_awake(void)
{
    alone r = {0};
    CU_ASSERT_EQUAL(begins_in(&r, 0, 60), 5); /* what was before the first sight nobody knows */
    CU_ASSERT_EQUAL(r.since, START + TIMEOUT);
    CU_ASSERT_EQUAL(begins_in(&r, 6, 10), -1); /* once */
}

static void not_where_others_are(void)
{
    alone r = {0};
    alone_sight s;
    CU_ASSERT_EQUAL(begins_in(&r, 0, 5), -1);
    s = quiet(5);
    s.sessions += 3; /* they have come and gone */
    CU_ASSERT_FALSE(take(&r, &s, 0));
    for (int64_t minute = 6; minute < 60; minute++) { /* one that stays, and does something now and then */
        s = quiet(minute);
        s.sessions += 3;
        s.others_at = s.at - TIMEOUT / 2;
        CU_ASSERT_FALSE(take(&r, &s, 0));
    }
    s = quiet(66);
    s.sessions += 3;
    s.others_at = quiet(60).at; /* and then nothing for a timeout */
    CU_ASSERT_TRUE(take(&r, &s, 0));
    s.suspends_after_us = 0;
    r = (alone){.has_count = true, .started_at = s.started_at, .others_count = s.sessions};
    CU_ASSERT_FALSE(take(&r, &s, 0)); /* it never sleeps */
}

static void our_own_sessions_are_nobody(void)
{
    alone r = {0};
    for (int64_t minute = 0; minute < 5; minute++) {
        alone_sight s = quiet(minute);
        s.sessions += 2 * minute;
        s.opened = 2;
        CU_ASSERT_FALSE(take(&r, &s, 0));
    }
    alone_sight s = quiet(5), unseen = {.opened = 4}; /* of a run that does not look */
    s.sessions += 2 * 5 + 4;
    s.opened = 2;
    CU_ASSERT_FALSE(take(&r, &unseen, 0));
    CU_ASSERT_TRUE(take(&r, &s, 0));
}

static void statistics_are_kept_before(void)
{
    alone r = {.is_kept = true};
    alone_note_kept(&r, START); /* before anything was seen: what came after it would be lost */
    CU_ASSERT_EQUAL(begins_in(&r, 0, 20), -1);
    alone_note_kept(&r, START + 19 * 60 * CLOCK_SECOND);
    CU_ASSERT_EQUAL(begins_in(&r, 20, 5), 20);
}

static void ends_when_somebody_comes(void)
{
    alone r = {0};
    alone_sight s = quiet(7), nothing = {.is_over = true};
    CU_ASSERT_EQUAL(begins_in(&r, 0, 60), 5);
    s.sessions++;
    s.is_over = true;
    CU_ASSERT_FALSE(take(&r, &s, 0));
    CU_ASSERT_EQUAL(r.since, 0);
    CU_ASSERT_EQUAL(r.others_at, s.at);
    s = quiet(8);
    s.started_at = s.at - 1; /* it has slept, and was woken */
    CU_ASSERT_FALSE(take(&r, &s, 0));
    CU_ASSERT_EQUAL(r.others_at, s.at);
    r.since = 1;
    CU_ASSERT_FALSE(take(&r, &nothing, 0));
    CU_ASSERT_EQUAL(r.since, 0);
}

/* A session of each is closed while it idles, and both look while the other's is open and not told of. */
static bool two_at_once(alone *r, int64_t round, int64_t sessions, bool is_first_late)
{
    alone_sight first = quiet(5 * round), second = first;
    first.sessions = second.sessions = sessions;
    first.opened = second.opened = 1;
    second.at += is_first_late ? -1 : 1;
    alone_begin(r);
    alone_begin(r);
    bool begins = alone_end(r, &first, first.at);
    CU_ASSERT_FALSE(begins); /* not before the other has told what it opened */
    return alone_end(r, &second, second.at);
}

static void two_at_once_are_no_others(void)
{
    for (int is_first_late = 0; is_first_late < 2; is_first_late++) {
        alone r = {0};
        int64_t round = 0, sessions = 10;
        while (round < 10 && !two_at_once(&r, round++, sessions += 2, is_first_late))
            ;
        CU_ASSERT_EQUAL(round, 2);
        CU_ASSERT_TRUE(r.since > 0);
    }
}

/* The first of two looks before the second opens its session, which is told of before the look is judged. */
static void what_was_opened_later_hides_nobody_for_long(void)
{
    alone r = {0};
    alone_sight s = quiet(0), later = {.opened = 1};
    CU_ASSERT_FALSE(take(&r, &s, 0));
    s = quiet(2);
    s.sessions++; /* somebody */
    alone_begin(&r);
    alone_begin(&r);
    CU_ASSERT_FALSE(alone_end(&r, &s, 0));
    CU_ASSERT_FALSE(alone_end(&r, &later, 0));
    s = quiet(4);
    s.sessions += 2;
    CU_ASSERT_FALSE(take(&r, &s, 0));
    CU_ASSERT_EQUAL(r.others_at, s.at);
    s = quiet(5);
    s.sessions += 2;
    CU_ASSERT_FALSE(take(&r, &s, 0));
    CU_ASSERT_EQUAL(r.others_at, quiet(4).at);
}

static void what_comes_rarely_goes_ahead(void)
{
    alone r = {0};
    alone_sight s;
    CU_ASSERT_EQUAL(begins_in(&r, 0, 60), 5);
    CU_ASSERT_TRUE(alone_spares(&r, 24 * 3600 * CLOCK_SECOND));
    CU_ASSERT_FALSE(alone_spares(&r, 300 * CLOCK_SECOND));
    CU_ASSERT_FALSE(alone_spares(&r, 3600 * CLOCK_SECOND)); /* a few such together are often */
    CU_ASSERT_TRUE(alone_wants_sight(&r, r.seen.at + 1));   /* it looks, since nobody else does */
    s = quiet(200);
    s.sessions++;
    s.opened = 1;
    CU_ASSERT_FALSE(take(&r, &s, s.at + 1));
    CU_ASSERT_EQUAL(r.since, s.at + 1); /* until then the activity is ours */
    s = quiet(300);
    s.sessions += 1;
    s.others_at = s.at - CLOCK_SECOND;
    CU_ASSERT_FALSE(take(&r, &s, s.at));
    CU_ASSERT_EQUAL(r.since, 0); /* and this one has met somebody */
    r.seen.suspends_after_us = 48 * 3600 * CLOCK_SECOND;
    CU_ASSERT_FALSE(alone_spares(&r, 24 * 3600 * CLOCK_SECOND)); /* once a day keeps that one awake */
}

static void looks_now_and_then(void)
{
    alone r = {0};
    alone_sight s = quiet(0);
    CU_ASSERT_TRUE(alone_wants_sight(&r, s.at));
    (void)take(&r, &s, 0); /* only what it leaves is of interest */
    CU_ASSERT_FALSE(alone_wants_sight(&r, s.at + CLOCK_SECOND));
    CU_ASSERT_TRUE(alone_wants_sight(&r, s.at + 60 * CLOCK_SECOND));
    CU_ASSERT_TRUE(alone_wants_sight(&r, s.at - CLOCK_SECOND)); /* a clock that was set back */
}

#define MINUTE (60 * CLOCK_SECOND)
#define DAY    (INT64_C(86400) * CLOCK_SECOND)

static void the_same_time_is_counted_once(void)
{
    alone r = {0};
    CU_ASSERT_EQUAL(alone_count(&r, START), START); /* what was before nobody knows */
    CU_ASSERT_EQUAL(alone_count(&r, START), 0);     /* another one does */
    alone_counted(&r, 0);                           /* it never came to look */
    CU_ASSERT_EQUAL(alone_count(&r, START + MINUTE), START);
    alone_counted(&r, START + 2 * MINUTE);
    CU_ASSERT_EQUAL(alone_count(&r, START + 3 * MINUTE), START + 2 * MINUTE);
    alone_counted(&r, START + MINUTE); /* a clock that was set back */
    r.others_at = START + MINUTE;
    r.seen.suspends_after_us = TIMEOUT;
    CU_ASSERT_EQUAL(alone_count(&r, START + 4 * MINUTE),
                    START + MINUTE + TIMEOUT); /* until then it is awake for them */
}

static void a_budget_is_used_up_once_a_day(void)
{
    awake_day a = {0};
    CU_ASSERT_EQUAL(awake_use(&a, DAY + MINUTE, 9 * MINUTE, 0), AWAKE_NOTHING); /* there is none */
    CU_ASSERT_EQUAL(awake_use(&a, DAY + 2 * MINUTE, 0, 10 * MINUTE), AWAKE_NOTHING);
    CU_ASSERT_FALSE(awake_is_spent(&a, 10 * MINUTE));
    CU_ASSERT_EQUAL(awake_use(&a, DAY + 3 * MINUTE, MINUTE, 10 * MINUTE), AWAKE_SPENT);
    CU_ASSERT_EQUAL(awake_use(&a, DAY + 4 * MINUTE, MINUTE, 10 * MINUTE), AWAKE_NOTHING);
    CU_ASSERT_TRUE(awake_is_spent(&a, 10 * MINUTE));
    CU_ASSERT_EQUAL(awake_turn(&a, DAY - MINUTE), AWAKE_NOTHING); /* a clock that was set back */
    CU_ASSERT_TRUE(awake_is_spent(&a, 10 * MINUTE));
    CU_ASSERT_EQUAL(awake_turn(&a, 2 * DAY), AWAKE_RENEWED);
    CU_ASSERT_EQUAL(awake_turn(&a, 2 * DAY), AWAKE_NOTHING);
    CU_ASSERT_EQUAL(awake_use(&a, 2 * DAY + MINUTE, 10 * MINUTE, 10 * MINUTE), AWAKE_SPENT);
    CU_ASSERT_EQUAL(awake_use(&a, 3 * DAY, MINUTE, 10 * MINUTE), AWAKE_RENEWED); /* begun on the day before */
    CU_ASSERT_EQUAL(a.used_us, MINUTE);
}

SUITE(left_alone, TEST(the_same_time_is_counted_once), TEST(a_budget_is_used_up_once_a_day),
      TEST(leaves_alone_what_only_we_keep_awake), TEST(not_where_others_are), TEST(our_own_sessions_are_nobody),
      TEST(statistics_are_kept_before), TEST(ends_when_somebody_comes), TEST(two_at_once_are_no_others),
      TEST(what_was_opened_later_hides_nobody_for_long), TEST(what_comes_rarely_goes_ahead), TEST(looks_now_and_then))
