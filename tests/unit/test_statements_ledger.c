/* What a statement did between two snapshots, and when nobody can say. */
#include "statements_ledger.h"
#include "statements_shares.h"
#include "unit/suite.h"

#include "arena.h"

#include <math.h>

static arena memory; /* of all tests, as of a run */

static void *allocate(lb_ctx *ctx, size_t bytes)
{
    static bool is_ready;
    (void)ctx;
    if (!is_ready)
        arena_init(&memory, 0);
    is_ready = true;
    return arena_alloc(&memory, bytes);
}

static char told[200]; /* "4711 3 " */

static int append(lb_ctx *of_run, const char *list, const lb_value *values, lb_error *err)
{
    size_t length = strlen(told);
    (void)of_run;
    (void)err;
    CU_ASSERT_STRING_EQUAL(list, "largest_shares");
    (void)snprintf(told + length, sizeof told - length, "%s %.2f %.2f; ", values[0].v.text, values[5].v.f64,
                   values[10].v.f64);
    return 0;
}

static const lb_host host = {.size = sizeof host, .alloc = allocate, .append = append};
static lb_ctx ctx = {.host = &host};

static statements_totals of(int64_t queryid, int64_t calls, int64_t since)
{
    statements_totals t = {.key = {.userid = 10, .dbid = 5, .queryid = queryid, .toplevel = true},
                           .times = {[STATEMENTS_MS_EXEC] = 2.0 * (double)calls},
                           .since = since};
    t.counters[STATEMENTS_CALLS] = calls;
    t.counters[STATEMENTS_ROWS] = 3 * calls;
    return t;
}

static statements_ledger *ledger_with(int64_t queryid, int64_t calls, int64_t since)
{
    statements_ledger *l = statements_ledger_new(&ctx, 1, 1000, 7);
    statements_totals known = of(queryid, calls, since);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_TRUE(statements_ledger_add(l, &known));
    return l;
}

static statements_change compare(const statements_ledger *l, statements_totals now, int64_t dealloc,
                                 statements_totals *ret_delta)
{
    return statements_compare(l, &now, dealloc, ret_delta);
}

static void what_moved_has_a_delta(void)
{
    statements_totals delta;
    statements_ledger *l = ledger_with(1, 10, 500);
    CU_ASSERT_EQUAL(compare(l, of(1, 10, 500), 7, &delta), STATEMENTS_STILL);
    CU_ASSERT_EQUAL(compare(l, of(1, 14, 500), 7, &delta), STATEMENTS_MOVED);
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_CALLS], 4);
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_ROWS], 12);
    CU_ASSERT_DOUBLE_EQUAL(delta.times[STATEMENTS_MS_EXEC], 8, 1e-9);
}

/* Of what a server lacks, or history lacked until now, nobody knows the growth. */
static void what_nobody_counted_has_no_delta(void)
{
    statements_totals delta, before = of(1, 10, 500), now = of(1, 14, 500);
    statements_ledger *l = statements_ledger_new(&ctx, 1, 1000, 7);
    before.counters[STATEMENTS_WAL_BUFFERS_FULL] = now.counters[STATEMENTS_JIT_DEFORMED] = STATEMENTS_NOT_COUNTED;
    before.times[STATEMENTS_MS_LOCAL_READ] = now.times[STATEMENTS_MS_JIT_DEFORM] = NAN;
    now.counters[STATEMENTS_WAL_BUFFERS_FULL] = 5;
    now.counters[STATEMENTS_LOCAL_DIRTIED] = 6;
    now.times[STATEMENTS_MS_PLAN] = 0.25;
    CU_ASSERT_TRUE(statements_ledger_add(l, &before));
    CU_ASSERT_EQUAL(compare(l, now, 7, &delta), STATEMENTS_MOVED);
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_WAL_BUFFERS_FULL], STATEMENTS_NOT_COUNTED);
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_JIT_DEFORMED], STATEMENTS_NOT_COUNTED);
    CU_ASSERT_TRUE(isnan(delta.times[STATEMENTS_MS_LOCAL_READ]));
    CU_ASSERT_TRUE(isnan(delta.times[STATEMENTS_MS_JIT_DEFORM]));
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_LOCAL_DIRTIED], 6);
    CU_ASSERT_DOUBLE_EQUAL(delta.times[STATEMENTS_MS_PLAN], 0.25, 1e-9);
}

static void what_restarted_has_none(void)
{
    statements_totals delta, fewer_rows = of(1, 11, 500);
    statements_ledger *l = ledger_with(1, 10, 500);
    CU_ASSERT_EQUAL(compare(l, of(1, 3, LB_TIME_NONE), 7, &delta), STATEMENTS_UNKNOWN);
    CU_ASSERT_EQUAL(compare(l, of(1, 20, 1500), 7, &delta), STATEMENTS_UNKNOWN); /* evicted, and back since */
    fewer_rows.counters[STATEMENTS_ROWS] = 1;
    CU_ASSERT_EQUAL(compare(l, fewer_rows, 7, &delta), STATEMENTS_UNKNOWN);
}

static void what_is_new_began_after_the_snapshot(void)
{
    statements_totals delta;
    statements_ledger *l = ledger_with(1, 10, 500);
    CU_ASSERT_EQUAL(compare(l, of(2, 4, 1200), 8, &delta), STATEMENTS_FRESH); /* it says so */
    CU_ASSERT_EQUAL(delta.counters[STATEMENTS_CALLS], 4);
    CU_ASSERT_EQUAL(compare(l, of(2, 4, 900), 8, &delta), STATEMENTS_UNKNOWN);
    CU_ASSERT_EQUAL(compare(l, of(2, 4, LB_TIME_NONE), 7, &delta), STATEMENTS_FRESH); /* nothing was evicted */
    CU_ASSERT_EQUAL(compare(l, of(2, 4, LB_TIME_NONE), 8, &delta), STATEMENTS_UNKNOWN);
}

/* The ledger reaches back to 200: what began before and rested since was counted long ago. */
static void what_rested_for_long_is_not_new(void)
{
    statements_totals delta;
    statements_ledger *l = ledger_with(1, 10, 500);
    statements_ledger_reaches(l, 200);
    CU_ASSERT_EQUAL(compare(l, of(2, 40, 100), 7, &delta), STATEMENTS_UNKNOWN);
    CU_ASSERT_EQUAL(compare(l, of(2, 40, LB_TIME_NONE), 7, &delta), STATEMENTS_UNKNOWN); /* nobody can say */
    CU_ASSERT_EQUAL(compare(l, of(2, 4, 300), 7, &delta), STATEMENTS_FRESH); /* its first execution was a long one */
    CU_ASSERT_EQUAL(compare(l, of(2, 4, 1200), 8, &delta), STATEMENTS_FRESH);
    CU_ASSERT_EQUAL(compare(l, of(1, 14, 500), 7, &delta), STATEMENTS_MOVED);
}

static void the_first_of_an_epoch_has_no_deltas(void)
{
    statements_totals delta;
    statements_ledger *l = statements_ledger_new(&ctx, 0, LB_TIME_NONE, 0);
    CU_ASSERT_EQUAL(compare(l, of(1, 5, 100), 0, &delta), STATEMENTS_UNKNOWN);
}

static void each_part_of_the_key_counts(void)
{
    statements_ledger *l = ledger_with(1, 10, 500);
    statements_key key = of(1, 0, 0).key;
    CU_ASSERT_PTR_NOT_NULL(statements_ledger_find(l, &key));
    key.toplevel = false;
    CU_ASSERT_PTR_NULL(statements_ledger_find(l, &key));
    key = (statements_key){.userid = 11, .dbid = 5, .queryid = 1, .toplevel = true};
    CU_ASSERT_PTR_NULL(statements_ledger_find(l, &key));
    key = (statements_key){.userid = 10, .dbid = 6, .queryid = 1, .toplevel = true};
    CU_ASSERT_PTR_NULL(statements_ledger_find(l, &key));
}

/* A search in a table without a free slot would not end. */
static void a_full_one_takes_no_more(void)
{
    statements_ledger *l = statements_ledger_new(&ctx, 16, 0, 0);
    statements_totals t;
    for (int64_t i = 0; i < 16; i++) {
        t = of(i, i, 0);
        CU_ASSERT_TRUE(statements_ledger_add(l, &t));
    }
    CU_ASSERT_TRUE(statements_ledger_add(l, &t)); /* one that it has */
    t = of(99, 1, 0);
    CU_ASSERT_FALSE(statements_ledger_add(l, &t));
    CU_ASSERT_PTR_NULL(statements_ledger_find(l, &t.key));
}

static void many_are_all_found(void)
{
    enum { MANY = 5000 };
    statements_ledger *l = statements_ledger_new(&ctx, MANY, 0, 0);
    for (int64_t i = 0; i < MANY; i++) {
        statements_totals t = of(i * INT64_C(0x100000000), i, 0);
        CU_ASSERT_TRUE(statements_ledger_add(l, &t));
    }
    int64_t wrong = 0;
    for (int64_t i = 0; i < MANY; i++) {
        statements_key key = of(i * INT64_C(0x100000000), 0, 0).key;
        const statements_totals *found = statements_ledger_find(l, &key);
        wrong += !found || found->counters[STATEMENTS_CALLS] != i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Of time one takes all but a little, and of WAL another; a third takes less than a twentieth of either. */
static void the_largest_parts_are_told(void)
{
    statements_shares shares;
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(statements_shares_begin(&ctx, &shares, 4, &err), 0);
    statements_totals slow = of(1, 4800, 0), writes = of(2, 10, 0), small = of(3, 190, 0), unknown = of(4, 0, 0);
    slow.counters[STATEMENTS_WAL_BYTES] = 100000;
    writes.counters[STATEMENTS_WAL_BYTES] = 3800000;
    small.counters[STATEMENTS_WAL_BYTES] = 100000;
    unknown.counters[STATEMENTS_WAL_BYTES] = STATEMENTS_NOT_COUNTED;
    unknown.times[STATEMENTS_MS_EXEC] = NAN;
    statements_shares_add(&shares, &small);
    statements_shares_add(&shares, &writes);
    statements_shares_add(&shares, &unknown);
    statements_shares_add(&shares, &slow);
    CU_ASSERT_EQUAL(statements_shares_tell(&ctx, &shares, &err), 0);
    CU_ASSERT_STRING_EQUAL(told, "1 0.96 0.03; 2 0.00 0.95; ");
    told[0] = '\0';
    shares.sums[STATEMENTS_OF_EXEC_TIME] = 999; /* in all: not worth a word */
    shares.sums[STATEMENTS_OF_WAL] = 1000000;
    CU_ASSERT_EQUAL(statements_shares_tell(&ctx, &shares, &err), 0);
    CU_ASSERT_STRING_EQUAL(told, "");
}

SUITE(statements_ledger, TEST(the_largest_parts_are_told), TEST(what_moved_has_a_delta),
      TEST(what_nobody_counted_has_no_delta), TEST(what_restarted_has_none), TEST(what_is_new_began_after_the_snapshot),
      TEST(what_rested_for_long_is_not_new), TEST(the_first_of_an_epoch_has_no_deltas),
      TEST(each_part_of_the_key_counts), TEST(a_full_one_takes_no_more), TEST(many_are_all_found))
