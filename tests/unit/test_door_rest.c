/* What others are given between changes: as long as was said, as long as what came before deserves, and no longer. */
#include "unit/suite.h"

#include "compose.h"
#include "door.h"

typedef struct stage {
    arena memory;
    run_state run;
    lb_group group;
    lb_statement statement;
    lb_sql sql;
    change rest;
} stage;

static void set_up(stage *s)
{
    *s = (stage){.statement = {.name = "a/pause", .kind = LB_STATEMENT_REST}};
    arena_init(&s->memory, 0);
    s->run.memory = &s->memory;
    s->run.deadline = INT64_MAX;
    s->sql.statement = &s->statement;
    s->group = (lb_group){.run = &s->run, .title = "a group"};
    s->rest = (change){.group = &s->group, .kind = CHANGE_SQL, .sql = &s->sql};
}

static int64_t rest_ms(stage *s, const char *at_least, const char *times, const char *at_most)
{
    lb_error err;
    const char *const cells[] = {at_least, times, at_most};
    CU_ASSERT_EQUAL_FATAL(door_hear_rest(&s->rest, 3, cells, &err), 0);
    return door_rest_us(&s->rest) / 1000;
}

static void it_is_as_long_as_what_came_before_deserves(void)
{
    stage s;
    lb_error err;
    set_up(&s);
    CU_ASSERT_EQUAL_FATAL(door_add_rest(&s.rest, &err), 0);
    s.run.busy_us = 200000;
    CU_ASSERT_EQUAL(rest_ms(&s, "1", "0", "60"), 1000);
    CU_ASSERT_EQUAL(rest_ms(&s, "1", "9", "60"), 1800);
    CU_ASSERT_EQUAL(rest_ms(&s, "5", "9", "60"), 5000);
    CU_ASSERT_EQUAL(rest_ms(&s, "0.5", "9", "1.5"), 1500);
    CU_ASSERT_EQUAL(rest_ms(&s, "2", "9", "1.5"), 2000);
    arena_done(&s.memory);
}

static void what_is_no_duration_is_no_rest(void)
{
    stage s;
    lb_error err;
    set_up(&s);
    CU_ASSERT_EQUAL_FATAL(door_add_rest(&s.rest, &err), 0);
    CU_ASSERT_EQUAL(door_rest_us(&s.rest), 0);
    s.run.busy_us = 1000000;
    CU_ASSERT_EQUAL(rest_ms(&s, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(rest_ms(&s, "NaN", "NaN", "NaN"), 0);
    CU_ASSERT_EQUAL(rest_ms(&s, "-3", "-1", "60"), 0);
    CU_ASSERT_EQUAL(rest_ms(&s, "Infinity", "1", "1"), INT64_C(3600000));
    arena_done(&s.memory);
}

static void it_counts_what_came_since_the_last_one(void)
{
    stage s;
    lb_error err;
    set_up(&s);
    CU_ASSERT_EQUAL_FATAL(door_add_rest(&s.rest, &err), 0);
    s.run.busy_us = 20000;
    int64_t begun = clock_monotonic();
    CU_ASSERT_EQUAL(rest_ms(&s, "0", "5", "60"), 100);
    CU_ASSERT_EQUAL(door_rest_now(&s.rest, &err), 0);
    CU_ASSERT(clock_monotonic() - begun >= 100000);
    CU_ASSERT_EQUAL(door_rest_us(&s.rest), 0);
    s.run.deadline = begun;
    CU_ASSERT_EQUAL(rest_ms(&s, "3600", "0", "0"), INT64_C(3600000));
    CU_ASSERT_EQUAL(door_rest_now(&s.rest, &err), LB_ERR_TIMEOUT);
    arena_done(&s.memory);
}

static void none_is_inside_a_transaction(void)
{
    stage s;
    lb_error err;
    set_up(&s);
    s.group.atomic = true;
    CU_ASSERT_EQUAL(door_add_rest(&s.rest, &err), LB_ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "a/pause would rest inside a transaction"));
    arena_done(&s.memory);
}

SUITE(door_rest, TEST(it_is_as_long_as_what_came_before_deserves), TEST(what_is_no_duration_is_no_rest),
      TEST(it_counts_what_came_since_the_last_one), TEST(none_is_inside_a_transaction))
