/* Plans as lists of steps, conditions and texts of statements: what the rules look at. */
#include "suite.h"

#include "amount.h"
#include "query_plan.h"
#include "query_shape.h"

#include <stdio.h>

static void *given[4096];
static size_t given_count;

static void *alloc(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    CU_ASSERT_FATAL(given_count < sizeof given / sizeof given[0]);
    return given[given_count++] = calloc(1, bytes + 1);
}

static const lb_host host = {.size = sizeof host, .alloc = alloc};
static lb_ctx ctx = {.host = &host};

static void give_back(void)
{
    while (given_count)
        free(given[--given_count]);
}

static const char executed[] =
    "[{\"Plan\":{\"Node Type\":\"Gather\",\"Workers Planned\":2,\"Workers Launched\":1,\"Plans\":[{\"Node "
    "Type\":\"Bitmap Heap Scan\",\"Parent Relationship\":\"Outer\",\"Exact Heap Blocks\":3,\"Lossy Heap "
    "Blocks\":900,\"Actual Rows\":5,\"Actual Loops\":3,\"Rows Removed by Filter\":70},{\"Node Type\":\"Index Only "
    "Scan\",\"Parent Relationship\":\"Inner\",\"Heap Fetches\":40}]}}]";

static const char joined[] =
    "[{\"Plan\":{\"Node Type\":\"Sort\",\"Total Cost\":110,\"Plan Rows\":5,\"Plan Width\":8,\"Sort Key\":[\"a\",\"b "
    "DESC\"],\"Plans\":[{\"Node Type\":\"Nested Loop\",\"Parent Relationship\":\"Outer\",\"Total Cost\":100,\"Plan "
    "Rows\":5,\"Join Filter\":\"(a.x = b.y)\",\"Plans\":[{\"Node Type\":\"Seq Scan\",\"Parent "
    "Relationship\":\"Outer\",\"Schema\":\"public\",\"Relation Name\":\"a\",\"Total Cost\":30,\"Plan "
    "Rows\":40,\"Filter\":\"(k = $1)\"},{\"Node Type\":\"Index Scan\",\"Parent "
    "Relationship\":\"Inner\",\"Schema\":\"My "
    "Schema\",\"Relation Name\":\"b\",\"Index Name\":\"b_y\",\"Total Cost\":1.5,\"Plan Rows\":1,\"Index Cond\":\"(y = "
    "a.x)\",\"Actual Rows\":2,\"Actual Loops\":40,\"Actual Total Time\":0.5}]}]},\"Execution Time\":12.5}]";

static void what_was_for_nothing_is_read(void)
{
    query_plan plan;
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(query_read_plan(&ctx, executed, &plan, &err), 0);
    CU_ASSERT_EQUAL_FATAL(plan.count, 3);
    CU_ASSERT(plan.steps[0].exact_blocks == 3 && plan.steps[0].lossy_blocks == 900 && plan.steps[0].removed == 70);
    CU_ASSERT(plan.steps[1].heap_fetches == 40 && plan.steps[0].heap_fetches == 0);
    CU_ASSERT(plan.steps[2].workers_planned == 2 && plan.steps[2].workers_launched == 1);
    give_back();
}

static void steps_stand_behind_their_inputs(void)
{
    query_plan plan;
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(query_read_plan(&ctx, joined, &plan, &err), 0);
    CU_ASSERT_EQUAL_FATAL(plan.count, 4);
    ASSERT_TEXT(plan.steps[0].type, "Seq Scan");
    ASSERT_TEXT(plan.steps[0].filter, "(k = $1)");
    ASSERT_TEXT(plan.steps[1].by, "(y = a.x)");
    ASSERT_TEXT(plan.steps[2].filter, "(a.x = b.y)");
    ASSERT_TEXT(plan.steps[3].sort_keys, "a, b DESC");
    CU_ASSERT(plan.steps[2].inputs[0] == 0 && plan.steps[2].inputs[1] == 1 && plan.steps[0].parent == 2);
    CU_ASSERT(plan.steps[3].parent == -1 && plan.steps[3].own_cost == 10 && plan.cost == 110);
    CU_ASSERT(plan.execution_ms == 12.5 && plan.steps[1].is_executed && !plan.steps[0].is_executed);
    CU_ASSERT(query_rows_out(&plan.steps[1]) == 80 && query_rows_out(&plan.steps[0]) == 40);
    ASSERT_TEXT(query_say_step(&ctx, &plan, &plan.steps[0], 50000),
                "it reads all of public.a and keeps about 40 of its 50000 rows");
    ASSERT_TEXT(query_say_step(&ctx, &plan, &plan.steps[1], 1),
                "it finds rows of \"My Schema\".b by the index b_y, 2 each time");
    ASSERT_TEXT(query_say_step(&ctx, &plan, &plan.steps[3], -1), "it sorts about 5 rows");
    give_back();
}

#define SCAN_OF(role, cost, more)                                                                                      \
    "{\"Node Type\":\"Index Only Scan\",\"Parent Relationship\":\"" role "\",\"Schema\":\"public\",\"Relation "        \
    "Name\":\"t\",\"Index Name\":\"t_at\",\"Plan Rows\":312,\"Total Cost\":" cost more "}"

/* Nothing is looked up in an index that is gone through from end to end, or until there is enough. */
static void an_index_that_is_asked_for_nothing_finds_nothing(void)
{
    static const struct {
        const char *plan, *says; /* of its first step */
    } cases[] = {
        {"[{\"Plan\":" SCAN_OF("Outer", "90", ",\"Filter\":\"((at)::date = $1)\"") "}]",
         "it goes through all of the index t_at of public.t and keeps about 312 rows"},
        {"[{\"Plan\":" SCAN_OF("Outer", "90", "") "}]",
         "it goes through all of the index t_at of public.t, about 312 rows"},
        {"[{\"Plan\":" SCAN_OF("Outer", "90", ",\"Index Cond\":\"(at = $1)\"") "}]",
         "it finds rows of public.t by the index t_at, about 312 each time"},
        {"[{\"Plan\":{\"Node Type\":\"Limit\",\"Total Cost\":9,\"Plans\":[" SCAN_OF("Outer", "90", "") "]}}]",
         "it reads rows of public.t in the order of the index t_at until it has enough"},
        {"[{\"Plan\":{\"Node Type\":\"Limit\",\"Total Cost\":89,\"Plans\":[" SCAN_OF("Outer", "90", "") "]}}]",
         "it goes through all of the index t_at of public.t, about 312 rows"},
        {"[{\"Plan\":{\"Node Type\":\"Limit\",\"Total Cost\":9,\"Plans\":[{\"Node Type\":\"Merge "
         "Append\",\"Parent Relationship\":\"Outer\",\"Total Cost\":180,\"Plans\":[" SCAN_OF(
             "Member", "90", "") "," SCAN_OF("Member", "90", "") "]}]}}]",
         "it reads rows of public.t in the order of the index t_at until it has enough"},
        {"[{\"Plan\":{\"Node Type\":\"Limit\",\"Total Cost\":9,\"Plans\":[{\"Node Type\":\"Nested "
         "Loop\",\"Parent Relationship\":\"Outer\",\"Total Cost\":180,\"Plans\":[" SCAN_OF(
             "Outer", "90", "") "," SCAN_OF("Inner", "70", "") "]}]}}]",
         "it reads rows of public.t in the order of the index t_at until it has enough"},
    };
    static const char hashed[] = /* in full, whenever the limit is reached */
        "[{\"Plan\":{\"Node Type\":\"Limit\",\"Total Cost\":9,\"Plans\":[{\"Node Type\":\"Hash "
        "Join\",\"Parent Relationship\":\"Outer\",\"Total Cost\":180,\"Plans\":[" SCAN_OF(
            "Outer", "90",
            "") ","
                "{\"Node Type\":\"Hash\",\"Parent Relationship\":\"Inner\",\"Total Cost\":95,\"Plans\":[" SCAN_OF(
                    "Outer", "90", "") "]}]}]}}]";
    query_plan plan;
    lb_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL_FATAL(query_read_plan(&ctx, cases[i].plan, &plan, &err), 0);
        ASSERT_TEXT(query_say_step(&ctx, &plan, &plan.steps[0], 50000), cases[i].says);
    }
    CU_ASSERT_EQUAL_FATAL(query_read_plan(&ctx, hashed, &plan, &err), 0);
    ASSERT_TEXT(query_say_step(&ctx, &plan, &plan.steps[1], 50000),
                "it goes through all of the index t_at of public.t, about 312 rows");
    give_back();
}

static void what_is_no_plan_fails(void)
{
    static const char *const bad[] = {"", "null", "{}", "[]", "[{}]", "[{\"Plan\":{}}]", "[{\"Plan\":[]}]", "[1]"};
    query_plan plan;
    lb_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT(query_read_plan(&ctx, bad[i], &plan, &err) < 0);
    give_back();
}

static void plans_have_an_end(void)
{
    size_t depth = QUERY_STEPS + 1, room = depth * 40 + 100, n = 0;
    char *text = calloc(1, room);
    query_plan plan;
    lb_error err;
    n += (size_t)snprintf(text + n, room - n, "[{\"Plan\":");
    for (size_t i = 0; i < depth; i++)
        n += (size_t)snprintf(text + n, room - n, "{\"Node Type\":\"Limit\"%s", i + 1 < depth ? ",\"Plans\":[" : "");
    CU_ASSERT(query_read_plan(&ctx, text, &plan, &err) < 0);
    free(text);
    give_back();
}

static void figures_are_short(void)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "1"},
                 {2.5, "2.5"},
                 {99999, "99999"},
                 {100000, "100 thousand"},
                 {1234567, "1.235 million"},
                 {5e9, "5 billion"},
                 {59.7, "60"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ASSERT_TEXT(query_number(&ctx, cases[i].number), cases[i].text);
    give_back();
}

static void the_word_follows_the_figure(void)
{
    static const struct {
        double amount;
        const char *text;
    } cases[] = {{0, "0 hours"},       {0.5, "0.5 hours"},    {1, "1 hour"},
                 {1.0004, "1 hour"},   {1.04, "1.04 hours"},  {2, "2 hours"},
                 {999.4, "999 hours"}, {999.7, "1000 hours"}, {12345, "12345 hours"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ASSERT_TEXT(amount_text(&ctx, cases[i].amount, "hour", "hours"), cases[i].text);
    give_back();
}

static void texts_tell_their_shape(void)
{
    query_shape s = query_read_shape("SELECT a FROM t WHERE b NOT IN (SELECT c FROM u) LIMIT $1 OFFSET $2");
    CU_ASSERT(s.parses && s.has_not_in && s.has_offset && s.has_limit && s.has_where && s.only_reads);
    CU_ASSERT(s.has_parameters && !query_read_shape("SELECT a FROM t WHERE b = 1").has_parameters);
    s = query_read_shape("UPDATE t SET a = 1 WHERE b IN (SELECT c FROM u) AND NOT d");
    CU_ASSERT(s.parses && !s.has_not_in && !s.has_offset && !s.has_limit && !s.only_reads);
    s = query_read_shape("SELECT 1 WHERE a NOT IN (1, 2)");
    CU_ASSERT(s.parses && !s.has_not_in);
    static const char *const writes[] = {
        "SELECT a FROM t WHERE b = 1 FOR UPDATE", "SELECT a FROM (SELECT a FROM t FOR KEY SHARE SKIP LOCKED) s",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
        "WITH made AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM made", "SELECT a INTO u FROM t"};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        CU_ASSERT_FALSE(query_read_shape(writes[i]).only_reads);
    CU_ASSERT(query_read_shape("SELECT a FROM t UNION SELECT b FROM u").only_reads);
    CU_ASSERT_FALSE(query_read_shape("SELEC").parses);
    CU_ASSERT_FALSE(query_read_shape("").parses);
}

static void conditions_tell_what_they_compute(void)
{
    static const struct {
        const char *condition, *by; /* NULL: nothing */
    } cases[] = {
        {"(lower(customers.email) = $1)", "lower"},
        {"(lower((email)::text) = 'x'::text)", "lower"},
        {"((created_at)::date = '2026-02-01'::date)", "date"},
        {"((a + 1) > $1)", "+"},
        {"(($1 < (a * 2)) AND (b = 3))", "*"},
        {"(date_trunc('day'::text, t) >= now())", "date_trunc"},
        {"((status)::text = 'open'::text)", NULL},
        {"(a = lower($1))", NULL},
        {"(a = b)", NULL},
        {"(lower(a) = lower(b))", NULL},
        {"(a > (now() - '1 day'::interval))", NULL},
        {"(NOT (hashed SubPlan 1))", NULL},
        {"", NULL},
    };
    char by[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = query_compares_computed(cases[i].condition, by, sizeof by);
        if (found != (cases[i].by != NULL))
            printf("\n    %s\n", cases[i].condition);
        CU_ASSERT_EQUAL(found, cases[i].by != NULL);
        if (found && cases[i].by)
            ASSERT_TEXT(by, cases[i].by);
    }
    CU_ASSERT(query_has_leading_wildcard("(note ~~ '%a'::text)"));
    CU_ASSERT(query_has_leading_wildcard("((a = 1) AND (note ~~* '_a'::text))"));
    CU_ASSERT_FALSE(query_has_leading_wildcard("(note ~~ 'a%'::text)"));
    CU_ASSERT_FALSE(query_has_leading_wildcard("(note ~~ $1)"));
    CU_ASSERT_FALSE(query_has_leading_wildcard("(note = '%a'::text)"));
}

static void names_are_quoted_as_sql_has_them(void)
{
    ASSERT_TEXT(query_name(&ctx, "public", "orders"), "public.orders");
    ASSERT_TEXT(query_name(&ctx, "Odd s", "Q\"t"), "\"Odd s\".\"Q\"\"t\"");
    ASSERT_TEXT(query_name(&ctx, NULL, "1st"), "\"1st\"");
    give_back();
}

SUITE(query_plan, TEST(names_are_quoted_as_sql_has_them), TEST(what_was_for_nothing_is_read),
      TEST(steps_stand_behind_their_inputs), TEST(an_index_that_is_asked_for_nothing_finds_nothing),
      TEST(what_is_no_plan_fails), TEST(plans_have_an_end), TEST(figures_are_short), TEST(the_word_follows_the_figure),
      TEST(texts_tell_their_shape), TEST(conditions_tell_what_they_compute))
