/* router_stage.h: a router on a log of events, and what it hands on kept for the test to look at. */
#ifndef LBOPS_TESTS_ROUTER_STAGE_H
#define LBOPS_TESTS_ROUTER_STAGE_H

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

static inline void forget(routing *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].subscription);
        free(t->items[i].key);
        free(t->items[i].args);
        free(t->items[i].kind);
    }
    t->count = 0;
}

static inline char *args_text(const router_delivery *d)
{
    BUF_AUTO text = BUF_INIT(65536);
    for (size_t i = 0; i < d->arg_count; i++)
        buf_printf(&text, "%s%s=%s", i ? " " : "", d->args[i].name, d->args[i].text);
    return base_strdup(buf_text(&text));
}

static inline router_answer hear(void *state, const router_delivery *d, lb_error *err)
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

static inline void save(void *state, const router_cursor *cursors, size_t count)
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

static inline uint64_t saved_of(const routing *t, const char *id)
{
    for (size_t i = 0; i < t->saved_count; i++)
        if (strcmp(t->saved[i].id, id) == 0)
            return t->saved[i].seq;
    return 0;
}

static inline int emit(void *state, const event *e, lb_error *err)
{
    routing *t = state;
    uint64_t seq;
    if (t->emit_code)
        return lb_fail(err, t->emit_code, NULL, "as the test wants it");
    return event_log_add(t->stage->log, e, &seq, err);
}

static inline void hand_on(void *state, uint64_t seq)
{
    routing *t = state;
    stage_durable(t->stage, seq);
    if (t->router)
        router_durable(t->router, seq);
}

static inline routing *routing_new(const char *dir, size_t count)
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

static inline void routing_start(routing *t)
{
    lb_error err;
    t->options.durable = t->stage->durable ? t->stage->durable : t->stage->found.last;
    t->options.last = t->options.durable;
    CU_ASSERT_EQUAL_FATAL(router_new(&t->options, &t->router, &err), 0);
}

static inline routing *routing_free(routing *t)
{
    t->router = router_free(t->router);
    t->stage = stage_free(t->stage);
    forget(t);
    free(t->items);
    free(t);
    return NULL;
}

/* The loop until so many have been heard. */
static inline void until_heard(routing *t, uint64_t count)
{
    t->wanted = count;
    while (t->count < count && !t->stage->is_late)
        stage_run(t->stage);
    CU_ASSERT_EQUAL(t->count, count);
}

static inline void on_soon(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Everything that is due now, and a few turns more: what should not come would have come. */
static inline void settle(routing *t)
{
    ev_timer soon;
    ev_timer_init(&soon, on_soon, 0.05, 0);
    ev_timer_start(t->stage->loop, &soon);
    t->wanted = 0;
    t->stage->wanted = 0;
    (void)ev_run(t->stage->loop, 0); /* ends by ev_break */
    ev_timer_stop(t->stage->loop, &soon);
}

static inline void until_saved(routing *t, const char *id, uint64_t seq)
{
    for (int i = 0; i < 100 && saved_of(t, id) < seq; i++)
        settle(t);
    CU_ASSERT_EQUAL(saved_of(t, id), seq);
}

static inline uint64_t add(routing *t, const char *kind, const char *payload)
{
    return stage_add_kind(t->stage, kind, payload);
}

#endif
