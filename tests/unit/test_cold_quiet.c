/* What counters prove of the time in which nobody touched a table. */
#include "unit/suite.h"

#include "arena.h"
#include "cold_quiet.h"

static arena memory;
static struct {
    void (*fn)(void *arg);
    void *arg;
} deferred[32];
static size_t deferred_count;

static void *alloc(lb_ctx *ctx, size_t bytes)
{
    (void)ctx; /* the arena is the test's */
    return arena_alloc(&memory, bytes);
}

static int defer(lb_ctx *ctx, void (*fn)(void *), void *arg)
{
    (void)ctx; /* one run at a time */
    CU_ASSERT_FATAL(deferred_count < sizeof deferred / sizeof *deferred);
    deferred[deferred_count].fn = fn;
    deferred[deferred_count++].arg = arg;
    return 0;
}

static void end_run(void)
{
    while (deferred_count > 0) {
        deferred_count--;
        deferred[deferred_count].fn(deferred[deferred_count].arg);
    }
    arena_reset(&memory);
}

static const lb_host host = {.size = sizeof(lb_host), .alloc = alloc, .defer = defer};
static lb_ctx run_ctx = {.host = &host};

static cold_ledger remembered(const char *json)
{
    lb_error err = {0};
    cold_ledger ledger;
    CU_ASSERT_EQUAL(cold_ledger_read(&run_ctx, json, &ledger, &err), 0);
    return ledger;
}

static void what_never_counted_is_quiet_since_counting_began(void)
{
    const cold_ledger none = remembered(NULL);
    cold_sight s = cold_look(&none, 100, 500, 7, 0, 0);
    CU_ASSERT_EQUAL(s.unwritten_since, 100);
    CU_ASSERT_EQUAL(s.unread_since, 100);
    s = cold_look(&none, 100, 500, 7, 3, 0);
    CU_ASSERT_EQUAL(s.unwritten_since, 500);
    CU_ASSERT_EQUAL(s.unread_since, 100);
    end_run();
}

static void a_counter_that_stands_still_keeps_its_quiet(void)
{
    const cold_ledger past = remembered("{\"counts_since\":100,\"tables\":[[7,3,4,200,300],[9,1,1,250,260]]}");
    CU_ASSERT_EQUAL_FATAL(past.count, 2);
    cold_sight s = cold_look(&past, 100, 500, 7, 3, 5);
    CU_ASSERT_EQUAL(s.unwritten_since, 200);
    CU_ASSERT_EQUAL(s.unread_since, 500);
    s = cold_look(&past, 100, 500, 9, 1, 1);
    CU_ASSERT_EQUAL(s.unread_since, 260);
    s = cold_look(&past, 100, 500, 8, 3, 4); /* another table that was not there */
    CU_ASSERT_EQUAL(s.unwritten_since, 500);
    end_run();
}

static void a_server_that_started_anew_proves_nothing_older(void)
{
    const cold_ledger past = remembered("{\"counts_since\":100,\"tables\":[[7,3,4,200,300]]}");
    cold_sight s = cold_look(&past, 400, 500, 7, 3, 4);
    CU_ASSERT_EQUAL(s.unwritten_since, 500);
    CU_ASSERT_EQUAL(s.unread_since, 500);
    end_run();
}

static void it_is_read_as_it_was_written(void)
{
    cold_sight sights[] = {{7, 3, 4, 200, 300}, {9, INT64_MAX, 0, 1, 2}};
    const cold_ledger ledger = {100, sights, 2};
    const char *text = cold_ledger_text(&run_ctx, &ledger);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    const cold_ledger again = remembered(text);
    CU_ASSERT_EQUAL(again.counts_since, 100);
    CU_ASSERT_EQUAL_FATAL(again.count, 2);
    CU_ASSERT_EQUAL(again.sights[1].writes, INT64_MAX);
    CU_ASSERT_EQUAL(again.sights[0].unread_since, 300);
    end_run();
}

static void what_is_no_memory_of_ours_is_nothing(void)
{
    CU_ASSERT_EQUAL(remembered("{\"tables\":7}").count, 0);
    CU_ASSERT_EQUAL(remembered("{\"counts_since\":1,\"tables\":[7,\"x\"]}").count, 0);
    CU_ASSERT_EQUAL(remembered("no json").count, 0);
    end_run();
}

SUITE(cold_quiet, TEST(what_never_counted_is_quiet_since_counting_began),
      TEST(a_counter_that_stands_still_keeps_its_quiet), TEST(a_server_that_started_anew_proves_nothing_older),
      TEST(it_is_read_as_it_was_written), TEST(what_is_no_memory_of_ours_is_nothing))
