/* How symptoms add up, which cause explains which, and the order in which they are told. */
#include "unit/suite.h"

#include "cause_rules.h"

#include <math.h>
#include <string.h>

static cause_case a_case(cause_id id, const char *object, double first, double second)
{
    return (cause_case){.id = id, .object = object, .strength = {first, second}};
}

static void each_rule_is_whole(void)
{
    for (cause_id id = 0; id < CAUSES; id++) {
        const cause_rule *rule = &cause_rules[id];
        double sum = 0;
        for (size_t i = 0; i < CAUSE_SYMPTOMS; i++) {
            CU_ASSERT_PTR_NOT_NULL(rule->symptoms[i].name);
            sum += rule->symptoms[i].points;
        }
        CU_ASSERT(sum >= 0.9 && sum <= 1.0 + 1e-9);
        CU_ASSERT(rule->symptoms[0].points < CAUSE_ENOUGH + 0.15); /* one symptom at its least proves nothing */
        CU_ASSERT(rule->kind && rule->title && rule->metrics && rule->confirm && rule->otherwise && rule->remedy);
        CU_ASSERT_EQUAL(cause_named(rule->kind), id);
    }
    CU_ASSERT_EQUAL(cause_named("rain"), CAUSES);
}

/* What parameters may name is what there is, in the same order. */
static void kinds_to_choose_are_those_of_the_rules(void)
{
    const char *rest = CAUSE_KINDS;
    for (cause_id id = 0; id < CAUSES; id++) {
        size_t length = strcspn(rest, "|");
        CU_ASSERT_FATAL(strlen(cause_rules[id].kind) == length && strncmp(rest, cause_rules[id].kind, length) == 0);
        rest += length + (rest[length] == '|');
    }
    CU_ASSERT_EQUAL(*rest, '\0');
}

static void a_ramp_begins_at_its_lower_bound(void)
{
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(4.9, 5, 10), 0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(5, 5, 10), 0.6, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(7.5, 5, 10), 0.8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(10, 5, 10), 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(5, 5, 5), 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_ramp(NAN, 5, 10), 0, 1e-9);
}

static void metrics_are_whole_words(void)
{
    CU_ASSERT(cause_drives(CAUSE_DEAD_TUPLES, "dead_tuple_ratio"));
    CU_ASSERT(cause_drives(CAUSE_DEAD_TUPLES, "cache_hit_ratio"));
    CU_ASSERT_FALSE(cause_drives(CAUSE_DEAD_TUPLES, "cache_hit"));
    CU_ASSERT_FALSE(cause_drives(CAUSE_DEAD_TUPLES, "ratio"));
    CU_ASSERT_FALSE(cause_drives(CAUSE_DEAD_TUPLES, ""));
    CU_ASSERT_FALSE(cause_drives(CAUSE_DEAD_TUPLES, NULL));
}

static void symptoms_add_up(void)
{
    cause_case c = a_case(CAUSE_LOCK_CHAIN, "session 1", 1, 0.6);
    CU_ASSERT_DOUBLE_EQUAL(cause_score(&c), 0.35 + 0.6 * 0.35, 1e-9);
    c.strength[2] = CAUSE_UNSEEN;
    CU_ASSERT_DOUBLE_EQUAL(cause_score(&c), 0.35 + 0.6 * 0.35, 1e-9); /* not seen is no reason against */
}

static void too_little_is_left_out(void)
{
    cause_case cases[] = {a_case(CAUSE_DEADLOCKS, "server", 0.33, 1), a_case(CAUSE_DEADLOCKS, "server", 1, 0)};
    CU_ASSERT_EQUAL(cause_rank(cases, 2, NULL), 1);
    CU_ASSERT_DOUBLE_EQUAL(cases[0].score, 0.6, 1e-9);
    CU_ASSERT_EQUAL(cases[0].rank, 1);
    CU_ASSERT_EQUAL(cause_rank(NULL, 0, NULL), 0);
}

static void what_explains_comes_first(void)
{
    cause_case cases[] = {a_case(CAUSE_DEAD_TUPLES, "public.jobs", 1, 1),
                          a_case(CAUSE_AUTOVACUUM_OFF, "public.jobs", 1, 1),
                          a_case(CAUSE_DEAD_TUPLES, "public.other", 1, 1)};
    CU_ASSERT_EQUAL(cause_rank(cases, 3, NULL), 3);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_AUTOVACUUM_OFF);
    CU_ASSERT_STRING_EQUAL(cases[1].object, "public.other");
    CU_ASSERT_EQUAL(cases[1].because_of, CAUSE_NONE);
    CU_ASSERT_STRING_EQUAL(cases[2].object, "public.jobs");
    CU_ASSERT_EQUAL(cases[2].because_of, 0);
    CU_ASSERT_EQUAL(cases[2].rank, 0);
}

static void what_is_off_everywhere_explains_every_table(void)
{
    cause_case cases[] = {a_case(CAUSE_STALE_STATISTICS, "public.a", 1, 1),
                          a_case(CAUSE_AUTOVACUUM_OFF, "server", 1, 1), a_case(CAUSE_DEAD_TUPLES, "public.b", 1, 1)};
    CU_ASSERT_EQUAL(cause_rank(cases, 3, NULL), 3);
    CU_ASSERT_EQUAL(cases[0].rank, 1);
    CU_ASSERT_EQUAL(cases[1].because_of, 0);
    CU_ASSERT_EQUAL(cases[2].because_of, 0);
}

static void a_session_is_told_once(void)
{
    cause_case cases[] = {a_case(CAUSE_IDLE_IN_TRANSACTION, "session 7", 1, 1),
                          a_case(CAUSE_LOCK_CHAIN, "session 7", 1, 1),
                          a_case(CAUSE_IDLE_IN_TRANSACTION, "session 8", 1, 1)};
    cases[0].pid = cases[1].pid = 7;
    cases[2].pid = 8;
    CU_ASSERT_EQUAL(cause_rank(cases, 3, "lock_wait_time"), 3);
    CU_ASSERT_EQUAL(cases[2].because_of, cases[0].id == CAUSE_LOCK_CHAIN ? 0 : 1);
    CU_ASSERT_STRING_EQUAL(cases[2].object, "session 7");
}

static void only_who_keeps_rows_explains_dead_ones(void)
{
    cause_case cases[] = {a_case(CAUSE_DEAD_TUPLES, "public.a", 1, 1),
                          a_case(CAUSE_IDLE_IN_TRANSACTION, "session 7", 1, 1)};
    CU_ASSERT_EQUAL(cause_rank(cases, 2, NULL), 2);
    CU_ASSERT_EQUAL(cases[1].because_of, CAUSE_NONE);
    cases[cases[0].id == CAUSE_DEAD_TUPLES ? 1 : 0].keeps_rows = true;
    CU_ASSERT_EQUAL(cause_rank(cases, 2, NULL), 2);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_IDLE_IN_TRANSACTION);
    CU_ASSERT_EQUAL(cases[1].because_of, 0);
}

static void what_was_asked_about_comes_first(void)
{
    cause_case cases[] = {a_case(CAUSE_AUTOVACUUM_OFF, "server", 1, 1), a_case(CAUSE_TEMP_SPILL, "server", 1, 0)};
    CU_ASSERT_EQUAL(cause_rank(cases, 2, NULL), 2);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_AUTOVACUUM_OFF);
    CU_ASSERT_EQUAL(cause_rank(cases, 2, "txid_age"), 2);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_AUTOVACUUM_OFF);
    CU_ASSERT_EQUAL(cause_rank(cases, 2, "deadlocks_per_hour"), 2);
    CU_ASSERT_FALSE(cases[0].fits);
    cases[0].id = CAUSE_STUCK_SLOT;
    CU_ASSERT_EQUAL(cause_rank(cases, 2, "slow_query_time"), 2);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_TEMP_SPILL);
    CU_ASSERT(cases[0].fits && !cases[1].fits);
}

static void who_is_waited_for_comes_before_a_setting_that_stands(void)
{
    cause_case cases[] = {a_case(CAUSE_AUTOVACUUM_OFF, "server", 1, 1), a_case(CAUSE_STUCK_SLOT, "forgotten", 0.85, 1),
                          a_case(CAUSE_LOCK_CHAIN, "session 1", 0.9, 0.8),
                          a_case(CAUSE_LOCK_CHAIN, "session 2", 0.8, 0.7)};
    CU_ASSERT_EQUAL(cause_rank(cases, 4, NULL), 4);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_STUCK_SLOT); /* what is no setting keeps its place */
    CU_ASSERT_STRING_EQUAL(cases[1].object, "session 1");
    CU_ASSERT_STRING_EQUAL(cases[2].object, "session 2");
    CU_ASSERT_EQUAL(cases[3].id, CAUSE_AUTOVACUUM_OFF);
    CU_ASSERT_EQUAL(cases[3].rank, 4);
    CU_ASSERT_DOUBLE_EQUAL(cases[3].score, 0.75, 1e-9);   /* and it is as certain as it was */
    CU_ASSERT_EQUAL(cause_rank(cases, 4, "txid_age"), 4); /* whoever asks for that is answered that */
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_AUTOVACUUM_OFF);
}

static void a_cause_fits_what_its_effects_fit(void)
{
    cause_case cases[] = {a_case(CAUSE_DEADLOCKS, "server", 1, 1), a_case(CAUSE_DEAD_TUPLES, "public.a", 1, 1),
                          a_case(CAUSE_STUCK_SLOT, "forgotten", 1, 1)};
    cases[2].keeps_rows = true;
    CU_ASSERT_EQUAL(cause_rank(cases, 3, "cache_hit_ratio"), 3);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_STUCK_SLOT);
    CU_ASSERT(cases[0].fits);
    CU_ASSERT_EQUAL(cases[1].because_of, 0);
    CU_ASSERT_EQUAL(cases[2].id, CAUSE_DEADLOCKS);
    CU_ASSERT_EQUAL(cases[2].rank, 2);
}

/* What a hundred calls cost, and what as many cost now. */
static bool jumps(double ms, double rows, double blocks, double calls)
{
    const cause_load before = {.calls = 100, .ms = 10, .rows = 100, .blocks = 400};
    const cause_load now = {.calls = calls, .ms = ms * calls, .rows = rows * calls, .blocks = blocks * calls};
    return cause_plan_jumped(&before, &now);
}

static void another_plan_reads_more_for_as_many_rows(void)
{
    CU_ASSERT(jumps(5, 1, 400, 100));
    CU_ASSERT(jumps(5, 0, 400, 3));
    CU_ASSERT_FALSE(jumps(5, 1, 400, 2));     /* a call or two: a rare value, or a cold cache */
    CU_ASSERT_FALSE(jumps(5, 100, 400, 100)); /* it answers with more rows */
    CU_ASSERT_FALSE(jumps(5, 1, 4, 100));     /* as many blocks, which the cache no longer holds */
    CU_ASSERT_FALSE(jumps(5, 1, 20, 100));    /* so few that it is no matter */
    CU_ASSERT_FALSE(jumps(0.2, 1, 400, 100)); /* it takes as long */
    const cause_load once = {.calls = 1, .ms = 0.1, .rows = 1, .blocks = 4}, now = {100, 500, 100, 40000};
    CU_ASSERT_FALSE(cause_plan_jumped(&once, &now));
    const cause_load none = {0};
    CU_ASSERT_FALSE(cause_plan_jumped(&none, &now));
    CU_ASSERT_DOUBLE_EQUAL(cause_times(500, 100, 10, 100), 50, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cause_times(1, 0, 0, 1), 0, 1e-9);
}

static void what_is_closer_to_it_explains_a_plan(void)
{
    cause_case cases[] = {a_case(CAUSE_PLAN_CHANGED, "statement 1 of app", 1, 1),
                          a_case(CAUSE_DROPPED_INDEX, "public.orders_customer", 1, 0.6),
                          a_case(CAUSE_PLAN_CHANGED, "statement 2 of app", 1, 1)};
    cases[0].about = cases[1].about = "public.orders";
    cases[2].about = "public.other";
    CU_ASSERT_EQUAL(cause_rank(cases, 3, "slow_query_time"), 3);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_DROPPED_INDEX);
    CU_ASSERT_STRING_EQUAL(cases[1].object, "statement 2 of app");
    CU_ASSERT_EQUAL(cases[1].rank, 2);
    CU_ASSERT_STRING_EQUAL(cases[2].object, "statement 1 of app");
    CU_ASSERT_EQUAL(cases[2].because_of, 0);
}

static bool is_release(size_t count, double together, double share, double load)
{
    const cause_arrival arrival = {.count = count, .together = together, .share = share, .load = load};
    return cause_is_release(&arrival, 0.1);
}

static void a_release_is_several_statements_at_once_that_take_much(void)
{
    CU_ASSERT(is_release(3, 0.5, 0.2, 0.1));
    CU_ASSERT(is_release(40, 1, 1, 8));
    CU_ASSERT_FALSE(is_release(2, 1, 1, 8));     /* a report and its second page */
    CU_ASSERT_FALSE(is_release(9, 0.4, 1, 8));   /* its daily new ones */
    CU_ASSERT_FALSE(is_release(9, 1, 0.1, 8));   /* others take more */
    CU_ASSERT_FALSE(is_release(9, 1, 1, 0.05));  /* a share of next to nothing */
    CU_ASSERT_FALSE(is_release(9, 1, NAN, NAN)); /* nobody knows */
    CU_ASSERT(cause_needs_interval(CAUSE_NEW_STATEMENTS));
    cause_case least = a_case(CAUSE_NEW_STATEMENTS, "role shop", 0.6, 0.6);
    least.strength[3] = 0.6;
    CU_ASSERT_EQUAL(cause_rank(&least, 1, NULL), 0); /* it takes more than one at its least of all */
}

static void a_release_explains_what_it_spills_and_reads(void)
{
    cause_case cases[] = {a_case(CAUSE_TEMP_SPILL, "server", 1, 1), a_case(CAUSE_CACHE_COLLAPSE, "server", 1, 1),
                          a_case(CAUSE_NEW_STATEMENTS, "role shop", 1, 1)};
    cases[1].about = "public.orders";
    CU_ASSERT_EQUAL(cause_rank(cases, 3, NULL), 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(cases[i].because_of, CAUSE_NONE);
    for (int i = 0; i < 3; i++) {
        cases[i].spills = cases[i].id == CAUSE_NEW_STATEMENTS;
        cases[i].about = cases[i].id == CAUSE_TEMP_SPILL ? NULL : "public.orders";
    }
    CU_ASSERT_EQUAL(cause_rank(cases, 3, NULL), 3);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_NEW_STATEMENTS);
    CU_ASSERT_EQUAL(cases[1].because_of, 0);
    CU_ASSERT_EQUAL(cases[2].because_of, 0);
}

static void a_slot_is_told_once(void)
{
    cause_case cases[] = {a_case(CAUSE_LOST_SLOT, "forgotten", 1, 0), a_case(CAUSE_LOST_SLOT, "slow", 1, 0),
                          a_case(CAUSE_STUCK_SLOT, "forgotten", 1, 1)};
    CU_ASSERT_EQUAL(cause_rank(cases, 3, NULL), 3);
    CU_ASSERT_EQUAL(cases[0].id, CAUSE_STUCK_SLOT);
    CU_ASSERT_STRING_EQUAL(cases[1].object, "slow");
    CU_ASSERT_EQUAL(cases[1].because_of, CAUSE_NONE);
    CU_ASSERT_STRING_EQUAL(cases[2].object, "forgotten");
    CU_ASSERT_EQUAL(cases[2].because_of, 0);
}

SUITE(cause_rules, TEST(a_release_is_several_statements_at_once_that_take_much),
      TEST(a_release_explains_what_it_spills_and_reads), TEST(each_rule_is_whole),
      TEST(kinds_to_choose_are_those_of_the_rules), TEST(a_ramp_begins_at_its_lower_bound),
      TEST(metrics_are_whole_words), TEST(symptoms_add_up), TEST(too_little_is_left_out),
      TEST(what_explains_comes_first), TEST(what_is_off_everywhere_explains_every_table), TEST(a_session_is_told_once),
      TEST(only_who_keeps_rows_explains_dead_ones), TEST(what_was_asked_about_comes_first),
      TEST(who_is_waited_for_comes_before_a_setting_that_stands), TEST(a_cause_fits_what_its_effects_fit),
      TEST(another_plan_reads_more_for_as_many_rows), TEST(what_is_closer_to_it_explains_a_plan),
      TEST(a_slot_is_told_once))
