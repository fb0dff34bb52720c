/* A subscription that is a million events behind: it reads them from the files, and costs no memory for it. */
#include "event_stage.h"

#include "router.h"

#define EVENTS    UINT64_C(1000000)
#define GROWTH_MB 16 /* buffers and what malloc keeps; the events take 200 */

typedef struct behind {
    event_stage *stage;
    router *router;
    uint64_t heard, resident_most;
    bool is_out_of_order;
} behind;

static uint64_t resident_kb(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fscanf(f, "%*d %lu", &pages), 1);
    (void)fclose(f); /* was only read */
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static router_answer hear(void *state, const router_delivery *d, lb_error *err)
{
    behind *b = state;
    (void)err;
    b->is_out_of_order = b->is_out_of_order || d->event->seq != ++b->heard;
    if (b->heard % 10000 == 0 && resident_kb() > b->resident_most)
        b->resident_most = resident_kb();
    if (b->heard == EVENTS)
        ev_break(b->stage->loop, EVBREAK_ALL);
    return ROUTER_DONE;
}

static void save(void *state, const router_cursor *cursors, size_t count)
{
    behind *b = state;
    (void)cursors, (void)count;
    router_saved(b->router, NULL);
}

static int emit(void *state, const event *e, lb_error *err)
{
    (void)state, (void)e;
    return lb_fail(err, LB_ERR_INTERNAL, NULL, "there is nothing to tell");
}

static void write_them(event_stage *s)
{
    lb_error err;
    uint64_t seq = 0;
    const event e = {.kind = "a"};
    stage_open(s);
    while (seq < EVENTS && !s->is_late) {
        if (event_log_add(s->log, &e, &seq, &err) == 0)
            continue;
        CU_ASSERT_EQUAL_FATAL(err.code, LB_ERR_LIMIT);
        stage_run(s); /* until there is room */
    }
    stage_until_durable(s, EVENTS);
}

static void a_million_behind_costs_no_memory(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    behind b = {.stage = stage_new(dir)};
    b.stage->options.backlog_bytes = (size_t)2 * 1024 * 1024;
    write_them(b.stage);
    const router_subscription subscription = {.id = "slow", .pattern = "*"};
    const router_options options = {.loop = b.stage->loop,
                                    .dir = dir,
                                    .last = EVENTS,
                                    .durable = EVENTS,
                                    .hooks = {&b, hear, save, emit},
                                    .subscriptions = &subscription,
                                    .subscription_count = 1};
    uint64_t before = resident_kb();
    CU_ASSERT_EQUAL_FATAL(router_new(&options, &b.router, &err), 0);
    CU_ASSERT_EQUAL(router_at(b.router, 0).behind, EVENTS);
    stage_run(b.stage);
    CU_ASSERT_EQUAL(b.heard, EVENTS);
    CU_ASSERT_FALSE(b.is_out_of_order);
    CU_ASSERT(b.resident_most < before + GROWTH_MB * 1024);
    printf("(%llu kB before, at most %llu kB) ", (unsigned long long)before, (unsigned long long)b.resident_most);
    b.router = router_free(b.router);
    b.stage = stage_free(b.stage);
}

SUITE(event_million, TEST(a_million_behind_costs_no_memory))
