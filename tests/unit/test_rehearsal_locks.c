/* What looks at a migration say together: durations between looks, and who waited for which lock. */
#include "rehearsal_locks.h"
#include "unit/suite.h"

#include "arena.h"

static arena memory; /* of all tests, as of a run */

static void *allocate(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    return arena_alloc(&memory, bytes);
}

static const lb_host host = {.size = sizeof host, .alloc = allocate};
static lb_ctx ctx = {.host = &host};

static const char *query = "UPDATE";

static void see(rehearsal_watched *w, int64_t at, const char *kind, int64_t pid, const char *mode, int64_t since)
{
    lb_error err;
    const rehearsal_sight sight = {.at = at,
                                   .kind = kind,
                                   .pid = pid,
                                   .relation = *kind == 'l' ? NULL : "app.orders",
                                   .mode = mode,
                                   .since = since,
                                   .application = "shop",
                                   .query = query};
    CU_ASSERT_EQUAL_FATAL(rehearsal_see(w, &sight, &err), 0);
}

static void look(rehearsal_watched *w, int64_t at)
{
    see(w, at, "look", 0, NULL, LB_TIME_NONE);
}

static void conclude(rehearsal_watched *w)
{
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(rehearsal_conclude(w, &err), 0);
}

static void a_duration_is_between_looks(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    look(&w, 100);
    for (int64_t at = 200; at <= 400; at += 100) {
        look(&w, at);
        see(&w, at, "held", 7, "ShareLock", LB_TIME_NONE);
    }
    look(&w, 500);
    look(&w, 650);
    conclude(&w);
    CU_ASSERT_EQUAL_FATAL(w.lock_count, 1);
    CU_ASSERT_EQUAL(w.locks[0].least_us, 200);
    CU_ASSERT_EQUAL(w.locks[0].most_us, 400);
    CU_ASSERT_EQUAL(w.locks[0].times, 1);
    CU_ASSERT_EQUAL(w.looks, 6);
    CU_ASSERT_EQUAL(w.longest_gap_us, 150);
}

static void a_transaction_begins_no_later_than_it_says(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    look(&w, 100);
    look(&w, 200);
    see(&w, 200, "held", 7, "ShareLock", 180);
    look(&w, 300);
    conclude(&w);
    CU_ASSERT_EQUAL(w.locks[0].least_us, 0);
    CU_ASSERT_EQUAL(w.locks[0].most_us, 120);
}

static void what_one_look_did_not_know_the_next_one_says(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    query = NULL;
    look(&w, 100);
    see(&w, 100, "blocked", 9, "RowExclusiveLock", 90);
    query = "UPDATE";
    look(&w, 200);
    see(&w, 200, "blocked", 9, "RowExclusiveLock", 90);
    conclude(&w);
    CU_ASSERT_EQUAL_FATAL(w.wait_count, 1);
    CU_ASSERT_STRING_EQUAL(w.waits[0].query, "UPDATE");
}

static void a_break_makes_two(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    for (int64_t at = 100; at <= 500; at += 100) {
        look(&w, at);
        if (at != 300)
            see(&w, at, "held", 7, "ShareLock", LB_TIME_NONE);
    }
    conclude(&w);
    CU_ASSERT_EQUAL_FATAL(w.lock_count, 1);
    CU_ASSERT_EQUAL(w.locks[0].times, 2);
    CU_ASSERT_EQUAL(w.locks[0].least_us, 100);
}

static void who_waits_counts_for_the_lock_in_the_way(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    look(&w, 100);
    for (int64_t at = 200; at <= 400; at += 100) {
        look(&w, at);
        see(&w, at, "held", 7, "ShareLock", LB_TIME_NONE);
        see(&w, at, "held", 7, "AccessShareLock", LB_TIME_NONE);
        see(&w, at, "blocked", 8, "RowExclusiveLock", at == 200 ? LB_TIME_NONE : 150);
        if (at > 200)
            see(&w, at, "blocked", 9, "RowExclusiveLock", 250);
    }
    look(&w, 500);
    conclude(&w);
    CU_ASSERT_EQUAL_FATAL(w.lock_count, 2);
    ASSERT_TEXT(w.locks[0].mode, "ShareLock"); /* others had to wait for it */
    CU_ASSERT_EQUAL(w.locks[0].blocked, 2);
    CU_ASSERT_EQUAL(w.locks[0].longest_us, 250);
    CU_ASSERT_EQUAL(w.locks[0].waited_us, 400);
    CU_ASSERT_EQUAL(w.locks[1].blocked, 0); /* readers and writers do not meet */
    CU_ASSERT_EQUAL(w.blocked, 2);
    CU_ASSERT_EQUAL_FATAL(w.wait_count, 2);
    CU_ASSERT_EQUAL(w.waits[0].pid, 8);
    CU_ASSERT_EQUAL(w.waits[0].waited_us, 250);
}

static void what_the_migration_waits_for_is_its_own(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    look(&w, 100);
    see(&w, 100, "waits", 7, "AccessExclusiveLock", 90);
    conclude(&w);
    CU_ASSERT_EQUAL(w.blocked, 0);
    CU_ASSERT_EQUAL_FATAL(w.wait_count, 1);
    CU_ASSERT_TRUE(w.waits[0].is_migration);
    CU_ASSERT_EQUAL(w.waits[0].waited_us, 10);
}

static void nothing_seen_is_nothing(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    conclude(&w);
    CU_ASSERT_EQUAL(w.lock_count + w.wait_count, 0);
    CU_ASSERT_EQUAL(w.looks, 0);
}

static void a_storm_has_a_limit(void)
{
    rehearsal_watched w = {.ctx = &ctx};
    look(&w, 100);
    for (int64_t pid = 0; pid < 6000; pid++)
        see(&w, 100, "blocked", pid, "RowExclusiveLock", 50);
    conclude(&w);
    CU_ASSERT_EQUAL(w.wait_count, 5000);
    CU_ASSERT_EQUAL(w.dropped, 1000);
}

static void the_table_of_locks_is_the_servers(void)
{
    static const char *const names[] = {
        "AccessShareLock", "RowShareLock",          "RowExclusiveLock", "ShareUpdateExclusiveLock",
        "ShareLock",       "ShareRowExclusiveLock", "ExclusiveLock",    "AccessExclusiveLock"};
    /* As the manual prints it: # where two of them cannot be held at once. */
    static const char *const table[] = {".......#", "......##", "....####", "...#####",
                                        "..##.###", "..######", ".#######", "########"};
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++)
            CU_ASSERT_EQUAL(rehearsal_locks_conflict(names[i], names[k]), table[i][k] == '#');
    CU_ASSERT_FALSE(rehearsal_locks_conflict("SIReadLock", "AccessExclusiveLock"));
}

static void give_back(void)
{
    arena_done(&memory);
}

SUITE(rehearsal_locks, TEST(a_duration_is_between_looks), TEST(a_transaction_begins_no_later_than_it_says),
      TEST(what_one_look_did_not_know_the_next_one_says), TEST(a_break_makes_two),
      TEST(who_waits_counts_for_the_lock_in_the_way), TEST(what_the_migration_waits_for_is_its_own),
      TEST(nothing_seen_is_nothing), TEST(a_storm_has_a_limit), TEST(the_table_of_locks_is_the_servers),
      TEST(give_back))
