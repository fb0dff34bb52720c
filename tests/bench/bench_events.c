/* Events through log and router to a subscriber that counts: as many as go, and at a steady rate with the time until
 * each is durable. */
#include "bench_events.h"

#include "clock.h"
#include "event_log.h"
#include "router.h"

#include <time.h>

#define FLOOD_EVENTS   UINT64_C(1000000)
#define STEADY_RATE    UINT64_C(100000) /* a second */
#define STEADY_SECONDS 5
#define TICK_S         0.001

typedef struct course {
    struct ev_loop *loop;
    event_log *log;
    router *router;
    uint64_t wanted, added, counted;
    double began;
    double *added_at, *samples; /* ms; by seq, NULL where nobody asks */
    uint64_t sampled;
    double peak_mb[4]; /* resident at most, in each quarter of them */
    ev_idle flood;
    ev_timer tick;
} course;

static _Noreturn void give_up(const char *what, const lb_error *err)
{
    (void)fprintf(stderr, "bench_host: events: %s: %s\n", what, err->message);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* cannot fail */
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        (void)fclose(f); /* was only read */
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* False: the backlog is full. */
static bool add_one(course *c)
{
    lb_error err;
    uint64_t seq;
    const event e = {.kind = "threshold.breached",
                     .run_id = "01JDMM1V5ZC8T9Y3K4N6Q7R8S9",
                     .tool = "table_health",
                     .agent = "health",
                     .project = "shop-production",
                     .branch = "production",
                     .payload =
                         "{\"metric\":\"dead_tuple\",\"value\":0.27,\"schema\":\"public\",\"table\":\"orders\"}"};
    int r = event_log_add(c->log, &e, &seq, &err);
    if (r < 0 && r != LB_ERR_LIMIT)
        give_up("add", &err);
    if (r < 0)
        return false;
    if (c->added_at)
        c->added_at[c->added] = now_ms();
    c->added++;
    return true;
}

static void on_flood(struct ev_loop *loop, ev_idle *idle, int events)
{
    course *c = idle->data;
    (void)events;
    for (int i = 0; i < 200 && c->added < c->wanted; i++)
        if (!add_one(c))
            break;
    if (c->added == c->wanted)
        ev_idle_stop(loop, idle);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    course *c = timer->data;
    uint64_t due = (uint64_t)((now_ms() - c->began) * (double)STEADY_RATE / 1e3);
    (void)events;
    due = due < c->wanted ? due : c->wanted;
    while (c->added < due && add_one(c))
        continue;
    if (c->added == c->wanted)
        ev_timer_stop(loop, timer);
}

static void on_durable(void *state, uint64_t seq)
{
    course *c = state;
    double now = now_ms();
    for (; c->added_at && c->sampled < seq; c->sampled++)
        c->samples[c->sampled] = now - c->added_at[c->sampled];
    router_durable(c->router, seq);
}

static void note_memory(course *c)
{
    double now = resident_mb(), *peak = &c->peak_mb[(c->counted - 1) * 4 / c->wanted];
    *peak = now > *peak ? now : *peak;
}

static router_answer count_one(void *state, const router_delivery *delivery, lb_error *err)
{
    course *c = state;
    (void)err;
    c->counted++;
    if (c->counted % 10000 == 0)
        note_memory(c);
    if (delivery->event->seq == c->wanted)
        ev_break(c->loop, EVBREAK_ALL);
    return ROUTER_DONE;
}

static void save(void *state, const router_cursor *cursors, size_t count)
{
    course *c = state;
    (void)cursors, (void)count;
    router_saved(c->router, NULL);
}

static int emit(void *state, const event *e, lb_error *err)
{
    course *c = state;
    uint64_t seq;
    return event_log_add(c->log, e, &seq, err);
}

static void course_open(course *c, const char *dir)
{
    lb_error err;
    event_log_found found;
    const router_subscription counter = {.id = "counter", .pattern = "threshold.*"};
    const event_log_options options = {.loop = c->loop, .dir = dir, .hooks = {.state = c, .durable = on_durable}};
    if (event_log_open(&options, &c->log, &found, &err) < 0)
        give_up("open", &err);
    const router_options routing = {.loop = c->loop,
                                    .dir = dir,
                                    .hooks = {c, count_one, save, emit},
                                    .subscriptions = &counter,
                                    .subscription_count = 1};
    if (router_new(&routing, &c->router, &err) < 0)
        give_up("router", &err);
}

/* All of them, until the subscriber has counted the last one. Milliseconds. */
static double course_run(course *c, const char *dir)
{
    LB_AUTO_FREE char *own = base_printf("%s/events-%p", dir, (void *)c);
    c->loop = ev_default_loop(EVFLAG_AUTO);
    course_open(c, own);
    c->began = now_ms();
    if (c->added_at) {
        ev_timer_init(&c->tick, on_tick, 0, TICK_S);
        c->tick.data = c;
        ev_timer_start(c->loop, &c->tick);
    } else {
        ev_idle_init(&c->flood, on_flood);
        c->flood.data = c;
        ev_idle_start(c->loop, &c->flood);
    }
    (void)ev_run(c->loop, 0); /* ends by ev_break */
    double took = now_ms() - c->began;
    c->router = router_free(c->router);
    c->log = event_log_free(c->log);
    if (c->counted != c->wanted) {
        lb_error err;
        (void)lb_fail(&err, LB_ERR_INTERNAL, NULL, "%llu of %llu were delivered", (unsigned long long)c->counted,
                      (unsigned long long)c->wanted);
        give_up("count", &err);
    }
    return took;
}

void bench_events(const char *dir, bench_figure figures[BENCH_EVENT_FIGURES])
{
    course flood = {.wanted = FLOOD_EVENTS};
    course steady = {.wanted = STEADY_RATE * STEADY_SECONDS};
    double flood_ms = course_run(&flood, dir);
    steady.added_at = base_alloc(steady.wanted * sizeof *steady.added_at);
    steady.samples = base_alloc(steady.wanted * sizeof *steady.samples);
    memset(steady.added_at, 1, steady.wanted * sizeof *steady.added_at); /* so that these do not grow meanwhile */
    memset(steady.samples, 1, steady.wanted * sizeof *steady.samples);
    double cpu = cpu_ms(), steady_ms = course_run(&steady, dir);
    cpu = cpu_ms() - cpu;
    qsort(steady.samples, steady.wanted, sizeof *steady.samples, bench_compare_doubles);
    double median = bench_percentile(steady.samples, steady.wanted, 0.5),
           p99 = bench_percentile(steady.samples, steady.wanted, 0.99);
    figures[0] = (bench_figure){.name = "events_per_second",
                                .value = (double)FLOOD_EVENTS / flood_ms * 1e3,
                                .unit = "1/s",
                                .target = 100000,
                                .more = true};
    figures[1] = (bench_figure){.name = "events_durable_median", .value = median, .unit = "ms", .target = 50};
    figures[2] = (bench_figure){.name = "events_durable_p99", .value = p99, .unit = "ms", .target = 100};
    figures[3] = (bench_figure){
        .name = "events_cpu_share", .value = cpu / steady_ms * 100, .unit = "% of one core", .target = 100};
    figures[4] = (bench_figure){
        .name = "events_memory_growth", .value = steady.peak_mb[3] - steady.peak_mb[1], .unit = "MB", .target = 4};
    (void)snprintf(figures[4].against, sizeof figures[4].against,
                   "at most %.1f MB in the second quarter of %llu events", steady.peak_mb[1],
                   (unsigned long long)steady.wanted);
    (void)snprintf(figures[2].against, sizeof figures[2].against, "at %.0f events a second for %d s, worst %.1f ms",
                   (double)steady.wanted / steady_ms * 1e3, STEADY_SECONDS, steady.samples[steady.wanted - 1]);
    free(steady.added_at);
    free(steady.samples);
}
