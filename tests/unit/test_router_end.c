/* The router: what ends a chain, what cannot be delivered, and where a subscription goes on. */
#include "router_stage.h"

/* ---- what is not delivered ---- */

static char *payload_of(const char *dir, uint64_t seq, event *ret_event)
{
    lb_error err;
    event_reader *r;
    CU_ASSERT_EQUAL_FATAL(event_reader_new(dir, &(event_read_options){.from = seq}, &r, &err), 0);
    CU_ASSERT_EQUAL_FATAL(event_reader_next(r, 0, ret_event, &err), 1);
    CU_ASSERT_EQUAL(ret_event->seq, seq);
    char *text = base_printf("%s %s", ret_event->kind, ret_event->payload);
    (void)event_reader_free(r); /* gives NULL */
    return text;
}

static void chains_have_an_end(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    uint64_t seq;
    routing *t = routing_new(dir, 2);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .tool = "t"};
    t->subscriptions[1] = (router_subscription){.id = "host", .pattern = "*"};
    t->options.depth = 3;
    routing_start(t);
    for (uint32_t depth = 2; depth <= 3; depth++)
        CU_ASSERT_EQUAL(event_log_add(t->stage->log, &(event){.kind = "a", .depth = depth}, &seq, &err), 0);
    until_heard(t, 4);
    settle(t);
    CU_ASSERT_EQUAL(t->count, 4); /* 2 by both; 3 and what tells of it by the host alone */
    CU_ASSERT_EQUAL(router_at(t->router, 0).refused, 2);
    CU_ASSERT_EQUAL(event_log_last(t->stage->log), 3); /* and it does not go on for ever */
    event e;
    LB_AUTO_FREE char *told = payload_of(dir, 3, &e);
    ASSERT_TEXT(told, "router.chain_ended {\"subscription\":\"s\",\"kind\":\"a\",\"limit\":3}");
    CU_ASSERT_EQUAL(e.cause, 2);
    CU_ASSERT_EQUAL(e.depth, 4);
    until_saved(t, "s", 3);
    t = routing_free(t);
}

static void what_cannot_be_filled_in_is_passed_over(void)
{
    SCRATCH dir = scratch_new();
    event e;
    routing *t = routing_new(dir, 1);
    const param_arg args[] = {{"table", "{payload.table}"}};
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "a", .tool = "t", .args = args, .arg_count = 1};
    routing_start(t);
    (void)add(t, "a", "{\"tabel\":1}");
    (void)add(t, "a", "{\"table\":null}");
    (void)add(t, "a", "{\"table\":\"x\"}");
    until_heard(t, 1);
    until_saved(t, "s", 5);
    CU_ASSERT_EQUAL(t->items[0].seq, 3);
    for (uint64_t seq = 4; seq <= 5; seq++) {
        LB_AUTO_FREE char *told = payload_of(dir, seq, &e);
        ASSERT_TEXT(told, "router.undeliverable {\"subscription\":\"s\",\"kind\":\"a\",\"error\":\"table: the event's "
                          "payload has no table\"}");
        CU_ASSERT_EQUAL(e.cause, seq - 3);
    }
    t = routing_free(t);
}

static void a_refusal_is_told_and_passed_over(void)
{
    SCRATCH dir = scratch_new();
    event e;
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .tool = "t"};
    t->answer = ROUTER_REFUSED;
    routing_start(t);
    (void)add(t, "a", NULL);
    until_heard(t, 2); /* the event itself, and the one that tells of it */
    until_saved(t, "s", 2);
    LB_AUTO_FREE char *told = payload_of(dir, 2, &e);
    ASSERT_CONTAINS(told, "no such branch");
    CU_ASSERT_EQUAL(event_log_last(t->stage->log), 2);
    t = routing_free(t);
}

static void telling_waits_for_room_in_the_log(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "a", .tool = "t"};
    t->answer = ROUTER_REFUSED;
    t->emit_code = LB_ERR_LIMIT;
    routing_start(t);
    (void)add(t, "a", NULL);
    until_heard(t, 1);
    settle(t);
    CU_ASSERT_TRUE(router_at(t->router, 0).waits);
    CU_ASSERT_EQUAL(router_at(t->router, 0).cursor, 0); /* not passed over in silence */
    t->emit_code = 0;
    router_resume(t->router);
    until_heard(t, 2);
    until_saved(t, "s", 2);
    t = routing_free(t);
}

/* ---- cursors ---- */

static void cursors_are_saved_in_batches(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 2);
    t->subscriptions[0] = (router_subscription){.id = "a", .pattern = "*"};
    t->subscriptions[1] = (router_subscription){.id = "b", .pattern = "*"};
    t->options.save_gap_s = 3600;
    routing_start(t);
    for (int i = 0; i < 500; i++)
        (void)add(t, "a", NULL);
    until_heard(t, 1000);
    settle(t);
    CU_ASSERT_EQUAL(t->saves, 0);
    t->holds_saves = true;
    router_flush(t->router);
    CU_ASSERT_EQUAL(t->saves, 1);
    CU_ASSERT_EQUAL(saved_of(t, "b"), 500);
    CU_ASSERT_EQUAL(router_passed(t->router), 0); /* not durable yet */
    (void)add(t, "a", NULL);
    until_heard(t, 1002);
    settle(t);
    router_flush(t->router); /* one at a time: this one follows the answer */
    CU_ASSERT_EQUAL(t->saves, 1);
    router_saved(t->router, NULL);
    CU_ASSERT_EQUAL(router_passed(t->router), 500);
    CU_ASSERT_EQUAL(t->saves, 2);
    lb_error err;
    (void)lb_fail(&err, LB_ERR_IO, NULL, "the state is locked");
    router_saved(t->router, &err);
    CU_ASSERT_EQUAL(router_passed(t->router), 500);
    t->holds_saves = false;
    router_flush(t->router);
    CU_ASSERT_EQUAL(router_passed(t->router), 501);
    CU_ASSERT_EQUAL(t->saves, 3);
    t = routing_free(t);
}

static void a_cursor_past_the_log_goes_on_at_its_end(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    stage_add(t->stage, 3);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*", .cursor = 1000};
    routing_start(t);
    (void)add(t, "a", NULL);
    until_heard(t, 1);
    CU_ASSERT_EQUAL(t->items[0].seq, 4);
    until_saved(t, "s", 4);
    t = routing_free(t);
}

/* A break in the log is said, and what stands behind it is delivered. */
static void a_break_stops_nobody(void)
{
    SCRATCH dir = scratch_new();
    routing *t = routing_new(dir, 1);
    stage_add(t->stage, 5);
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    line_of(text, 4)[3] = '#'; /* event 3 is no event any more */
    write_segment(dir, 1, text, length);
    t->subscriptions[0] = (router_subscription){.id = "s", .pattern = "*"};
    routing_start(t);
    until_heard(t, 4);
    CU_ASSERT_EQUAL(t->items[2].seq, 4);
    until_saved(t, "s", 5);
    t = routing_free(t);
}

SUITE(router_end, TEST(chains_have_an_end), TEST(what_cannot_be_filled_in_is_passed_over),
      TEST(a_refusal_is_told_and_passed_over), TEST(telling_waits_for_room_in_the_log),
      TEST(cursors_are_saved_in_batches), TEST(a_cursor_past_the_log_goes_on_at_its_end), TEST(a_break_stops_nobody))
