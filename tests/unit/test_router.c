/* The router: who gets which event, how often, and what a restart and a lack of room do to it. */
#include "router_stage.h"

static void events_reach_those_who_subscribed(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 3);
    const param_arg args[] = {{"table", "{payload.schema}.{payload.table}"},
                              {"names", "[\"{payload.quoted}\",\"x\"]"},
                              {"list", "{payload.list}"},
                              {"deep", "{payload.a.b}/{payload.dotted.key}"},
                              {"plain", "{branch} {payload.number} {payload.flag}"}};
    t->subscriptions[0] = (router_subscription){
        .id = "vacuum", .pattern = "threshold.*", .tool = "vacuum", .args = args, .arg_count = LB_COUNT(args)};
    t->subscriptions[1] = (router_subscription){.id = "all", .pattern = "*"};
    t->subscriptions[2] = (router_subscription){.id = "none", .pattern = "nosuch"};
    routing_start(t);
    (void)add(t, "branch.created", NULL);
    (void)add(
        t, "threshold.breached",
        "{\"schema\":\"public\",\"table\":\"or\\\"ders\",\"quoted\":\"a\\\"b\",\"list\":[1,\"2\"],\"number\":1.50,"
        "\"flag\":true,\"a\":{\"b\":\"deep\"},\"dotted.key\":\"as one\"}");
    (void)add(t, "branch.deleted", NULL);
    until_heard(t, 4);
    until_saved(t, "none", 3); /* what it did not want is behind it as well */
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->items[i].subscription, "vacuum") != 0)
            continue;
        ASSERT_TEXT(t->items[i].key, "2/vacuum");
        ASSERT_TEXT(t->items[i].args, "table=public.or\"ders names=[\"a\\\"b\",\"x\"] list=[1,\"2\"] deep=deep/as one "
                                      "plain={branch} 1.50 true");
    }
    CU_ASSERT_EQUAL(saved_of(t, "all"), 3);
    CU_ASSERT_EQUAL(saved_of(t, "vacuum"), 3);
    CU_ASSERT_EQUAL(router_passed(t->router), 3);
    CU_ASSERT_EQUAL(router_count(t->router), 3);
    router_status status = router_at(t->router, 1);
    CU_ASSERT_EQUAL(status.delivered, 3);
    CU_ASSERT_EQUAL(status.behind, 0);
    t = routing_free(t);
}

static void the_cursor_waits_for_the_oldest(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "a", .tool = "t", .in_flight = 3};
    t->answer = ROUTER_ACCEPTED;
    routing_start(t);
    for (int i = 0; i < 10; i++)
        (void)add(t, "a", NULL);
    until_heard(t, 3);
    settle(t);
    CU_ASSERT_EQUAL(t->count, 3); /* no more at once */
    CU_ASSERT_EQUAL(router_at(t->router, 0).in_flight, 3);
    router_done(t->router, "s", 3);
    router_done(t->router, "s", 2);
    router_done(t->router, "s", 2);  /* twice: ignored */
    router_done(t->router, "x", 1);  /* nobody's */
    router_done(t->router, "s", 99); /* nothing of it */
    until_heard(t, 5);
    settle(t);
    CU_ASSERT_EQUAL(router_at(t->router, 0).cursor, 0);
    router_done(t->router, "s", 1);
    CU_ASSERT_EQUAL(router_at(t->router, 0).cursor, 3);
    until_saved(t, "s", 3);
    until_heard(t, 6);
    CU_ASSERT_EQUAL(t->items[5].seq, 6);
    t = routing_free(t);
}

static void what_was_not_done_comes_again_with_its_key(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "a", .tool = "t", .in_flight = 4};
    t->answer = ROUTER_ACCEPTED;
    routing_start(t);
    for (int i = 0; i < 6; i++)
        (void)add(t, "a", NULL);
    until_heard(t, 4);
    router_done(t->router, "s", 1);
    router_done(t->router, "s", 3);
    until_saved(t, "s", 1);
    t->router = router_free(t->router); /* as if it had been killed */
    forget(t);
    t->subscriptions[0].cursor = saved_of(t, "s");
    routing_start(t);
    until_heard(t, 4);
    ASSERT_TEXT(t->items[0].key, "2/s");
    ASSERT_TEXT(t->items[1].key, "3/s"); /* done before, and told again: at least once */
    ASSERT_TEXT(t->items[3].key, "5/s");
    t = routing_free(t);
}

static void a_new_subscription_begins_now(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    stage_add(t->stage, 5);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .cursor = ROUTER_FROM_NOW};
    routing_start(t);
    CU_ASSERT_EQUAL(router_passed(t->router), 0); /* not known to anybody yet: nothing may be deleted */
    until_saved(t, "s", 5);
    CU_ASSERT_EQUAL(router_passed(t->router), 5);
    (void)add(t, "a", NULL);
    until_heard(t, 1);
    CU_ASSERT_EQUAL(t->items[0].seq, 6);
    t = routing_free(t);
}

static void later_means_later(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .tool = "t"};
    t->room = 2;
    routing_start(t);
    for (int i = 0; i < 5; i++)
        (void)add(t, "a", NULL);
    until_heard(t, 2);
    settle(t);
    CU_ASSERT_EQUAL(t->count, 2);
    CU_ASSERT_TRUE(router_at(t->router, 0).waits);
    CU_ASSERT_EQUAL(router_at(t->router, 0).cursor, 2);
    CU_ASSERT_EQUAL(router_at(t->router, 0).behind, 3);
    t->room = 3;
    router_resume(t->router);
    until_heard(t, 3);
    settle(t);
    CU_ASSERT_EQUAL(t->count, 3);
    t->room = 0;
    router_resume(t->router);
    until_heard(t, 5);
    for (size_t i = 0; i < t->count; i++)
        CU_ASSERT_EQUAL(t->items[i].seq, i + 1); /* each once, in order */
    t = routing_free(t);
}

static void done_may_come_from_inside(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .tool = "t", .in_flight = 1};
    t->answer = ROUTER_ACCEPTED;
    t->done_inside = true;
    routing_start(t);
    for (int i = 0; i < 100; i++)
        (void)add(t, "a", NULL);
    until_heard(t, 100);
    until_saved(t, "s", 100);
    t = routing_free(t);
}

SUITE(router, TEST(events_reach_those_who_subscribed), TEST(the_cursor_waits_for_the_oldest),
      TEST(what_was_not_done_comes_again_with_its_key), TEST(a_new_subscription_begins_now), TEST(later_means_later),
      TEST(done_may_come_from_inside))
