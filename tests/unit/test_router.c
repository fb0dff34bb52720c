/* The router: who gets which event, how often, and what a restart, a lack of room and a chain do to it. */
#include "event_stage.h"

#include "router.h"

typedef struct heard {
    uint64_t seq;
    char *subscription, *key, *args, *kind;
} heard;

/* A log with a router on it. Events are handed on as they become durable. */
typedef struct routing {
    event_stage *stage;
    router *router;
    router_options options;
    router_subscription subscriptions[4];
    heard *items;
    size_t count, capacity;
    router_answer answer; /* to everything */
    size_t room;          /* so many first, then LATER */
    bool done_inside;     /* router_done is called before the answer is given */
    uint64_t wanted;      /* the loop is left when so many have been heard */
    router_cursor saved[4];
    size_t saves, saved_count;
    bool holds_saves; /* router_saved is called by the test */
    int emit_code;
} routing;

static void forget(routing *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].subscription);
        free(t->items[i].key);
        free(t->items[i].args);
        free(t->items[i].kind);
    }
    t->count = 0;
}

static char *args_text(const router_delivery *d)
{
    BUF_AUTO text = BUF_INIT(65536);
    for (size_t i = 0; i < d->arg_count; i++)
        buf_printf(&text, "%s%s=%s", i ? " " : "", d->args[i].name, d->args[i].text);
    return base_strdup(buf_text(&text));
}

static router_answer hear(void *state, const router_delivery *d, lb_error *err)
{
    routing *t = state;
    if (t->room && t->count >= t->room)
        return ROUTER_LATER;
    BASE_PUSH(t->items, t->count, t->capacity);
    t->items[t->count++] = (heard){.seq = d->event->seq,
                                   .subscription = base_strdup(d->subscription),
                                   .key = base_strdup(d->key),
                                   .args = args_text(d),
                                   .kind = base_strdup(d->event->kind)};
    if (t->done_inside)
        router_done(t->router, d->subscription, d->event->seq);
    if (t->wanted && t->count >= t->wanted)
        ev_break(t->stage->loop, EVBREAK_ALL);
    if (t->answer == ROUTER_REFUSED)
        (void)lb_fail(err, LB_ERR_INVALID, NULL, "no such branch");
    return t->answer;
}

static void save(void *state, const router_cursor *cursors, size_t count)
{
    routing *t = state;
    t->saves++;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < t->saved_count && strcmp(t->saved[at].id, cursors[i].id) != 0)
            at++;
        for (size_t k = 0; k < LB_COUNT(t->subscriptions) && at == t->saved_count; k++)
            if (t->subscriptions[k].id && strcmp(t->subscriptions[k].id, cursors[i].id) == 0)
                t->saved[at].id = t->subscriptions[k].id;
        t->saved_count += at == t->saved_count;
        t->saved[at].seq = cursors[i].seq;
    }
    if (!t->holds_saves)
        router_saved(t->router, NULL);
}

static uint64_t saved_of(const routing *t, const char *id)
{
    for (size_t i = 0; i < t->saved_count; i++)
        if (strcmp(t->saved[i].id, id) == 0)
            return t->saved[i].seq;
    return 0;
}

static int emit(void *state, const event *e, lb_error *err)
{
    routing *t = state;
    uint64_t seq;
    if (t->emit_code)
        return lb_fail(err, t->emit_code, NULL, "as the test wants it");
    return event_log_add(t->stage->log, e, &seq, err);
}

static void hand_on(void *state, uint64_t seq)
{
    routing *t = state;
    stage_durable(t->stage, seq);
    if (t->router)
        router_durable(t->router, seq);
}

static routing *routing_new(const char *dir, size_t count)
{
    routing *t = base_alloc(sizeof *t);
    t->stage = stage_new(dir);
    t->stage->options.hooks.durable = hand_on;
    t->stage->options.hooks.state = t;
    t->stage->options.hooks.trouble = NULL;
    t->stage->options.hooks.room = NULL;
    stage_open(t->stage);
    t->answer = ROUTER_DONE;
    t->options = (router_options){.loop = t->stage->loop,
                                  .dir = dir,
                                  .hooks = {t, hear, save, emit},
                                  .save_gap_s = 0.01,
                                  .subscriptions = t->subscriptions,
                                  .subscription_count = count};
    return t;
}

static void routing_start(routing *t)
{
    lb_error err;
    t->options.durable = t->stage->durable ? t->stage->durable : t->stage->found.last;
    t->options.last = t->options.durable;
    CU_ASSERT_EQUAL_FATAL(router_new(&t->options, &t->router, &err), 0);
}

static routing *routing_free(routing *t)
{
    t->router = router_free(t->router);
    t->stage = stage_free(t->stage);
    forget(t);
    free(t->items);
    free(t);
    return NULL;
}

/* The loop until so many have been heard. */
static void until_heard(routing *t, uint64_t count)
{
    t->wanted = count;
    while (t->count < count && !t->stage->is_late)
        stage_run(t->stage);
    CU_ASSERT_EQUAL(t->count, count);
}

static void on_soon(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Everything that is due now, and a few turns more: what should not come would have come. */
static void settle(routing *t)
{
    ev_timer soon;
    ev_timer_init(&soon, on_soon, 0.05, 0);
    ev_timer_start(t->stage->loop, &soon);
    t->wanted = 0;
    t->stage->wanted = 0;
    (void)ev_run(t->stage->loop, 0); /* ends by ev_break */
    ev_timer_stop(t->stage->loop, &soon);
}

static void until_saved(routing *t, const char *id, uint64_t seq)
{
    for (int i = 0; i < 100 && saved_of(t, id) < seq; i++)
        settle(t);
    CU_ASSERT_EQUAL(saved_of(t, id), seq);
}

static uint64_t add(routing *t, const char *kind, const char *payload)
{
    return stage_add_kind(t->stage, kind, payload);
}

/* ---- the tests ---- */

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

SUITE(router, TEST(events_reach_those_who_subscribed), TEST(the_cursor_waits_for_the_oldest),
      TEST(what_was_not_done_comes_again_with_its_key), TEST(a_new_subscription_begins_now), TEST(later_means_later),
      TEST(done_may_come_from_inside), TEST(chains_have_an_end), TEST(what_cannot_be_filled_in_is_passed_over),
      TEST(a_refusal_is_told_and_passed_over), TEST(telling_waits_for_room_in_the_log),
      TEST(cursors_are_saved_in_batches), TEST(a_cursor_past_the_log_goes_on_at_its_end), TEST(a_break_stops_nobody))
