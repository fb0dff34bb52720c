/* What executing a table's statements without an index and with it says of the index. */
#include "index_load.h"
#include "index_missing.h"
#include "index_stage.h"
#include "unit/suite.h"

static index_load_one ran(double calls, double before, double after)
{
    return (index_load_one){.query_id = "1", .calls = calls, .before = before, .after = after};
}

static void calls_weigh(void)
{
    const index_load_one items[] = {ran(90, 1, 2), ran(10, 100, 1)};
    index_load_sum sum = index_load_add_up(items, 2);
    CU_ASSERT_EQUAL(sum.executed, 2);
    CU_ASSERT_EQUAL(sum.slower, 1);
    CU_ASSERT_DOUBLE_EQUAL(sum.calls, 100, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(sum.before, 10.9, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(sum.after, 1.9, 1e-9);
}

static void what_did_not_run_weighs_nothing(void)
{
    const index_load_one items[] = {ran(5, 2, 4), ran(1000, -1, -1), ran(1000, 7, -1), ran(1000, -1, 7), ran(0, 9, 1)};
    index_load_sum sum = index_load_add_up(items, 5);
    CU_ASSERT_EQUAL(sum.executed, 1);
    CU_ASSERT_DOUBLE_EQUAL(sum.before, 2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(sum.after, 4, 1e-9);
    sum = index_load_add_up(items + 1, 3);
    CU_ASSERT_EQUAL(sum.executed, 0);
    CU_ASSERT_DOUBLE_EQUAL(sum.before, -1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(sum.after, -1, 1e-9);
    CU_ASSERT_FALSE(index_load_harms(sum.before, sum.after));
}

static bool is_slower(double before, double after)
{
    const index_load_one one = ran(1, before, after);
    return index_load_is_slower(&one);
}

static void chance_makes_nothing_slower(void)
{
    CU_ASSERT_TRUE(is_slower(10, 12.6));
    CU_ASSERT_FALSE(is_slower(10, 12.4));
    CU_ASSERT_FALSE(is_slower(0.1, 0.19)); /* nearly twice the time, and nothing that anybody feels */
    CU_ASSERT_TRUE(is_slower(0.1, 0.21));
    CU_ASSERT_FALSE(is_slower(-1, 5));
    CU_ASSERT_FALSE(is_slower(10, 1));
    CU_ASSERT_TRUE(index_load_harms(10, 11.1));
    CU_ASSERT_FALSE(index_load_harms(10, 10.9));
    CU_ASSERT_FALSE(index_load_harms(0.1, 0.14));
    CU_ASSERT_TRUE(index_load_harms(0.1, 0.16));
    CU_ASSERT_FALSE(index_load_harms(10, 1));
}

static void harm_is_no_proof(void)
{
    index_candidate c = {.cost_before = 1000, .cost_after = 10, .blocks_before = 500, .blocks_after = 5};
    c.load_before = -1;
    CU_ASSERT_TRUE(index_is_proven(&c, 100));
    c.load_before = 4;
    c.load_after = 4.3;
    CU_ASSERT_TRUE(index_is_proven(&c, 100));
    c.load_after = 4.5;
    CU_ASSERT_FALSE(index_is_proven(&c, 100));
}

static void the_slower_are_named(void)
{
    const char *text = index_load_slower_text(
        &index_stage_run, "{\"slower\": [{\"query_id\": \"-47\", \"ms_now\": 3, \"ms_with_it\": 41.25},"
                          "{\"query_id\": \"8\", \"ms_now\": 0.5, \"ms_with_it\": 1}]}");
    CU_ASSERT_STRING_EQUAL(text, "; slower: -47 (3 to 41.2 ms), 8 (0.5 to 1 ms)");
    CU_ASSERT_STRING_EQUAL(index_load_slower_text(&index_stage_run, NULL), "");
    CU_ASSERT_STRING_EQUAL(index_load_slower_text(&index_stage_run, "{\"slower\": []}"), "");
    index_stage_done();
}

static void what_was_undone_is_counted(void)
{
    CU_ASSERT_DOUBLE_EQUAL(index_load_read_write("invalid input syntax for type bigint: \"lbops 200 51200\""), 256,
                           1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_load_read_write("ungültige Syntax für Typ bigint: »\"lbops 4 10\"«"), 2.5, 1e-9);
    static const char *const others[] = {"",           "division by zero", "\"lbops 0 0\"",
                                         "\"lbops \"", "\"lbops 3",        "lbops 3 4"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CU_ASSERT_DOUBLE_EQUAL(index_load_read_write(others[i]), -1, 1e-9);
}

SUITE(index_load, TEST(calls_weigh), TEST(what_did_not_run_weighs_nothing), TEST(chance_makes_nothing_slower),
      TEST(harm_is_no_proof), TEST(the_slower_are_named), TEST(what_was_undone_is_counted))
