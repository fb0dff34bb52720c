#include "sched_figures.h"

#include "scheduler.h"

#include <errno.h>
#include <malloc.h>
#include <time.h>

enum { TARGETS = 1000, TOOLS = 15, ENTRIES = TARGETS * TOOLS };

#define REAL_SECONDS 10
#define IDLE_TICKS   100000

typedef struct fleet {
    sched *s;
    sched_time now;
    sched_target targets[TARGETS];
    char names[TARGETS][24], tools[TOOLS][24];
    sched_job jobs[TOOLS];
    sched_pair pairs[ENTRIES];
    sched_plan plan;
    size_t starts;
} fleet;

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* cannot fail */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static sched_time real_now(void)
{
    return (sched_time){clock_now(), clock_monotonic()};
}

static bool start(void *state, const sched_start *what)
{
    fleet *f = state;
    f->starts++;
    return sched_ended(f->s, what->key, SCHED_OK, NULL, f->now);
}

static void load(fleet *f)
{
    lb_error err;
    if (sched_load(f->s, &f->plan, f->now, &err) == 0)
        return;
    (void)fprintf(stderr, "bench: %s\n", err.message);
    exit(1);
}

static fleet *open_fleet(sched_time now)
{
    fleet *f = base_alloc(sizeof *f);
    const sched_hooks hooks = {.state = f, .start = start};
    size_t count = 0;
    f->now = now;
    f->s = sched_new(&hooks);
    for (uint32_t j = 0; j < TOOLS; j++) {
        (void)snprintf(f->tools[j], sizeof f->tools[j], "tool_%u", j); /* fits */
        f->jobs[j] = (sched_job){.agent = "bench", .tool = f->tools[j], .cron = "*/5 * * * *"};
    }
    for (uint32_t t = 0; t < TARGETS; t++) {
        (void)snprintf(f->names[t], sizeof f->names[t], "project_%u", t); /* fits */
        f->targets[t] = (sched_target){f->names[t], "production"};
        for (uint32_t j = 0; j < TOOLS; j++)
            f->pairs[count++] = (sched_pair){j, t};
    }
    f->plan = (sched_plan){.jobs = f->jobs,
                           .targets = f->targets,
                           .pairs = f->pairs,
                           .job_count = TOOLS,
                           .target_count = TARGETS,
                           .pair_count = ENTRIES,
                           .timezone = "Europe/Berlin",
                           .spread_s = 300,
                           .backoff_max_s = 3600,
                           .catch_up = true};
    return f;
}

static void close_fleet(fleet *f)
{
    f->s = sched_free(f->s);
    free(f);
}

static double load_ms(fleet *f, double *ret_bytes)
{
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    double began = cpu_us();
    load(f);
    double took = (cpu_us() - began) / 1000;
    *ret_bytes = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / ENTRIES;
    return took;
}

/* An hour by a clock that is turned by hand, slept through as a loop would: what all calls take for each start. */
static double simulated_us_per_start(fleet *f)
{
    const int64_t end = f->now.monotonic + 3600 * CLOCK_SECOND;
    double began = cpu_us();
    size_t before = f->starts;
    while (f->now.monotonic < end) {
        int64_t wait = sched_wait(f->s, f->now);
        f->now.wall += wait;
        f->now.monotonic += wait;
        (void)sched_tick(f->s, f->now); /* counted by the hook */
    }
    if (f->starts - before < (size_t)11 * ENTRIES) {
        (void)fprintf(stderr, "bench: only %zu runs started in an hour\n", f->starts - before);
        exit(1);
    }
    return (cpu_us() - began) / (double)(f->starts - before);
}

static double idle_tick_us(fleet *f)
{
    double began = cpu_us();
    for (int i = 0; i < IDLE_TICKS; i++)
        (void)sched_tick(f->s, f->now); /* nothing is due: time stands still */
    return (cpu_us() - began) / IDLE_TICKS;
}

static double one_tick_ms(fleet *f, int64_t wall, int64_t monotonic)
{
    f->now.wall += wall;
    f->now.monotonic += monotonic;
    double began = cpu_us();
    (void)sched_tick(f->s, f->now); /* what starts is of no interest here */
    return (cpu_us() - began) / 1000;
}

/* By the real clock. */
static double latest_start_ms(double *ret_share)
{
    fleet *f = open_fleet(real_now());
    sched_totals totals;
    load(f);
    double began = cpu_us();
    int64_t end = f->now.monotonic + REAL_SECONDS * CLOCK_SECOND;
    while ((f->now = real_now()).monotonic < end) {
        (void)sched_tick(f->s, f->now); /* counted by the hook */
        f->now = real_now();
        int64_t wait = sched_wait(f->s, f->now);
        struct timespec rest = {wait / CLOCK_SECOND, wait % CLOCK_SECOND * 1000};
        while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
            ;
    }
    *ret_share = (cpu_us() - began) / (REAL_SECONDS * 1e6) * 100;
    sched_count(f->s, &totals);
    if (totals.starts < (uint64_t)ENTRIES / 300 * REAL_SECONDS / 2) {
        (void)fprintf(stderr, "bench: only %llu runs started\n", (unsigned long long)totals.starts);
        exit(1);
    }
    close_fleet(f);
    return (double)totals.latest_start / 1000;
}

void sched_figures(bench_figure into[SCHED_FIGURES])
{
    double bytes, unused, share, loaded, reloaded, per_start;
    fleet *f = open_fleet((sched_time){INT64_C(1767225600000000), 0});
    loaded = load_ms(f, &bytes);
    per_start = simulated_us_per_start(f);
    reloaded = load_ms(f, &unused);
    double idle = idle_tick_us(f);
    double woken = one_tick_ms(f, 8 * 3600 * CLOCK_SECOND, 8 * 3600 * CLOCK_SECOND);
    double put_back = one_tick_ms(f, -3600 * CLOCK_SECOND, CLOCK_SECOND);
    close_fleet(f);
    double latest = latest_start_ms(&share);
    const bench_figure figures[SCHED_FIGURES] = {
        {.name = "sched_latest_start_15000_entries", .value = latest, .unit = "ms", .target = 1000},
        {.name = "sched_cpu_per_start", .value = per_start, .unit = "us", .target = 20},
        {.name = "sched_idle_tick", .value = idle, .unit = "us", .target = 10},
        {.name = "sched_load_15000_entries", .value = loaded, .unit = "ms", .target = 100},
        {.name = "sched_reload_15000_entries", .value = reloaded, .unit = "ms", .target = 100},
        {.name = "sched_tick_after_8_hours_asleep", .value = woken, .unit = "ms", .target = 100},
        {.name = "sched_tick_clock_put_back_1_hour", .value = put_back, .unit = "ms", .target = 100},
        {.name = "sched_memory_per_entry", .value = bytes, .unit = "B", .target = 256},
    };
    memcpy(into, figures, sizeof figures);
    (void)snprintf(into[1].against, sizeof into[1].against,
                   "50 starts a second by the real clock, sleeping between: %.2f %% of a core", share);
}
