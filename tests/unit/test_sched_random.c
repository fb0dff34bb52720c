/* A month of random clocks, crons, outcomes, reloads and leases, with what must hold whatever happens: no run overlaps
 * with itself, no slot starts twice, what is well is never late and never silent. */
#include "cron.h"
#include "unit/sched_fake.h"

enum { JOBS = 9, TARGETS = 4, ENTRIES = JOBS * TARGETS, DAYS = 31 };

#define SPREAD_S     120
#define BACKOFF_S    1800
#define LONGEST_RUN  (4 * MINUTE)
#define LONGEST_REST (40 * MINUTE) /* a stall */
#define IN_WINDOW    4             /* the job that names a window */

static const sched_window windows[] = {
    {.name = "night", .opens = "0 22 * * *", .lasts_min = 300},
    {.name = "lunch", .opens = "0 12 * * *", .lasts_min = 45, .project = "p3", .pause = true},
};

static const char *const crons[] = {"* * * * *",   "*/5 * * * *", "*/7 * * * *", "0,30 * * * *",  "17 * * * *",
                                    "0 */6 * * *", "30 2 * * *",  "5 0-8 * * *", "*/20 1-3 * * *"};

/* What the test knows of one entry, kept apart from what the scheduler knows. */
typedef struct model {
    char key[SCHED_KEY];
    uint32_t job, target;
    bool planned, running;
    bool was_away;   /* gone by a reload since its last start: real time is not known to the scheduler then */
    int64_t ends_at; /* monotonic, while running */
    int64_t last_slot, last_start, last_end, last_start_wall;
    int64_t put_back; /* by when it started last */
    int64_t since;    /* monotonic: it has been planned and its target ours since */
    uint32_t failures;
    sched_outcome outcome;
    uint64_t starts;
} model;

typedef struct world {
    sched *s;
    sched_time now;
    uint64_t seed;
    zone *zone;
    cron parsed[JOBS], opens[LB_COUNT(windows)];
    sched_job jobs[JOBS];
    sched_target targets[TARGETS];
    char names[TARGETS][16], tools[JOBS][16];
    bool ours[TARGETS], down[TARGETS];
    int64_t jumped;    /* by the last jump */
    int64_t put_back;  /* by all of them that went back */
    int64_t disturbed; /* monotonic: the last stall, jump or change of hands */
    bool catch_up;
    model models[ENTRIES];
    const char *broken; /* the first rule that did not hold */
    uint64_t starts;
} world;

static uint64_t next_random(world *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed;
}

static int64_t below(world *w, int64_t limit)
{
    return (int64_t)(next_random(w) % (uint64_t)limit);
}

static void expect(world *w, bool holds, const char *rule, const model *m)
{
    if (holds || w->broken)
        return;
    w->broken = rule;
    printf("\n    %s: %s (%s) wall %lld monotonic %lld last slot %lld start %lld\n", rule, m->key, w->jobs[m->job].cron,
           (long long)w->now.wall, (long long)w->now.monotonic, (long long)m->last_slot, (long long)m->last_start);
}

static model *find_model(world *w, const char *key)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(w->models[i].key, key) == 0)
            return &w->models[i];
    return NULL;
}

/* The first two tools are always well. */
static bool is_well(const model *m)
{
    return m->job < 2 && m->target == 0;
}

static sched_outcome random_outcome(world *w, const model *m)
{
    if (w->down[m->target])
        return SCHED_UNREACHABLE;
    if (is_well(m))
        return SCHED_OK;
    switch (below(w, 8)) {
    case 0:
    case 1:
        return SCHED_FAILED;
    case 2:
        return SCHED_SKIPPED;
    case 3:
        return SCHED_PENDING;
    case 4:
        return SCHED_CANCELLED;
    default:
        return SCHED_OK;
    }
}

static void check_slot(world *w, const model *m, const sched_start *start)
{
    const cron *c = &w->parsed[m->job];
    expect(w, cron_previous(c, w->zone, start->slot + 1) == start->slot, "a slot that its cron names", m);
    expect(w, start->slot <= w->now.wall, "not before its slot", m);
    expect(w, start->previous_slot == m->last_slot || m->was_away, "knows the slot before", m);
    if (m->last_slot != SCHED_NONE && start->slot <= m->last_slot && !m->was_away) {
        /* The clock was put back: once more only when it is its turn by real time. */
        int64_t gap = start->slot - cron_previous(c, w->zone, start->slot);
        expect(w, w->now.monotonic - m->last_start >= gap / 2 - SECOND, "no slot twice", m);
    }
    bool quiet = w->now.monotonic - w->disturbed > 2 * HOUR;
    if (quiet && is_well(m))
        expect(w, w->now.wall - start->slot <= (SPREAD_S + 10) * SECOND, "in time", m);
    if (quiet && is_well(m))
        expect(w, w->now.wall - start->due <= SECOND, "within a second of its time", m);
}

static bool is_open(const world *w, size_t index)
{
    int64_t opened = cron_previous(&w->opens[index], w->zone, w->now.wall + 1);
    return w->now.wall < opened + windows[index].lasts_min * MINUTE;
}

static bool start_hook(void *state, const sched_start *start)
{
    world *w = state;
    model *m = find_model(w, start->key);
    if (!m) {
        w->broken = "a key of the plan";
        return false;
    }
    if (below(w, 50) == 0)
        return false; /* no room just now */
    expect(w, !m->running, "no overlap", m);
    expect(w, m->planned, "nothing that is gone", m);
    expect(w, w->ours[m->target], "nothing that is not ours", m);
    expect(w, m->job != IN_WINDOW || is_open(w, 0), "only in its window", m);
    expect(w, m->target != 3 || !is_open(w, 1), "nothing in a pause", m);
    check_slot(w, m, start);
    m->running = true;
    m->was_away = false;
    m->last_slot = start->slot;
    m->last_start = w->now.monotonic;
    m->last_start_wall = w->now.wall;
    m->put_back = w->put_back;
    m->ends_at = w->now.monotonic + (is_well(m) ? below(w, 10 * SECOND) : below(w, LONGEST_RUN));
    m->starts++;
    w->starts++;
    return true;
}

static int64_t first_end(const world *w)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < ENTRIES; i++)
        if (w->models[i].running && w->models[i].ends_at < first)
            first = w->models[i].ends_at;
    return first;
}

static void end_runs(world *w)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        model *m = &w->models[i];
        if (!m->running || m->ends_at > w->now.monotonic)
            continue;
        m->running = false;
        m->outcome = random_outcome(w, m);
        m->last_end = w->now.wall;
        m->failures = m->outcome == SCHED_FAILED                              ? m->failures + 1
                      : m->outcome == SCHED_OK || m->outcome == SCHED_PENDING ? 0
                                                                              : m->failures;
        expect(w, sched_ended(w->s, m->key, m->outcome, "random", w->now), "an end that is known", m);
    }
}

static void load(world *w, bool all)
{
    sched_pair pairs[ENTRIES];
    size_t count = 0;
    lb_error err = {0};
    bool was[ENTRIES];
    for (size_t i = 0; i < ENTRIES; i++) {
        model *m = &w->models[i];
        was[i] = m->planned;
        m->planned = all || is_well(m) || below(w, 5) != 0;
        if (m->planned)
            pairs[count++] = (sched_pair){m->job, m->target};
        if (m->planned && !was[i])
            m->since = w->now.monotonic;
    }
    const sched_plan plan = {.jobs = w->jobs,
                             .job_count = JOBS,
                             .targets = w->targets,
                             .target_count = TARGETS,
                             .pairs = pairs,
                             .pair_count = count,
                             .windows = windows,
                             .window_count = LB_COUNT(windows),
                             .timezone = "Europe/Berlin",
                             .spread_s = SPREAD_S,
                             .backoff_max_s = BACKOFF_S,
                             .catch_up = w->catch_up,
                             .leased = true};
    CU_ASSERT_EQUAL_FATAL(sched_load(w->s, &plan, w->now, &err), 0);
    for (size_t i = 0; i < ENTRIES; i++) {
        model *m = &w->models[i];
        if (!m->planned || was[i] || m->last_slot == SCHED_NONE)
            continue;
        m->was_away = true; /* what the store kept is told again */
        const sched_memory memory = {m->last_slot, m->last_start_wall, m->last_end, m->outcome, m->failures};
        CU_ASSERT_TRUE(sched_remember(w->s, m->key, &memory, w->now));
    }
}

/* From now on its entries are to be heard of. */
static void plan_anew(world *w, uint32_t target)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (w->models[i].target == target)
            w->models[i].since = w->now.monotonic;
}

static void set_lease(world *w, uint32_t target, bool ours)
{
    if (ours && !w->ours[target])
        plan_anew(w, target);
    w->ours[target] = ours;
    (void)sched_lease(w->s, w->targets[target].project, w->targets[target].branch, ours,
                      w->now); /* a target without entries is still one */
}

static void jump(world *w, int64_t microseconds)
{
    w->now.wall += microseconds;
    w->put_back += microseconds < 0 ? -microseconds : 0;
    w->disturbed = w->now.monotonic;
}

/* Now and then something happens. */
static void disturb(world *w)
{
    static const int64_t jumps[] = {HOUR, -HOUR, 3 * HOUR, -2 * HOUR, 5 * SECOND, -7 * SECOND, -20 * MINUTE, SECOND};
    uint32_t target = 1 + (uint32_t)below(w, TARGETS - 1);
    if (w->jumped && below(w, 3) == 0) { /* it was a mistake */
        jump(w, -w->jumped);
        w->jumped = 0;
        return;
    }
    switch (below(w, 40)) {
    case 0: { /* nobody ticks for a while */
        int64_t rest = below(w, LONGEST_REST);
        w->now.wall += rest;
        w->now.monotonic += rest;
        w->disturbed = w->now.monotonic;
        break;
    }
    case 1:
        w->jumped = jumps[below(w, LB_COUNT(jumps))];
        jump(w, w->jumped);
        break;
    case 2:
        load(w, false);
        break;
    case 3:
        w->down[target] = !w->down[target];
        plan_anew(w, target);
        break;
    case 4:
        set_lease(w, target, !w->ours[target]);
        break;
    default:
        break;
    }
}

/* Nothing that can run is silent for longer than its cron, its back-off and what has happened explain. */
static void check_silence(world *w)
{
    static const int64_t gaps[] = {MINUTE, 5 * MINUTE, 7 * MINUTE, 30 * MINUTE, DAY, 6 * HOUR, DAY, 16 * HOUR, DAY};
    for (size_t i = 0; i < ENTRIES; i++) {
        const model *m = &w->models[i];
        int64_t from = m->last_start > m->since ? m->last_start : m->since;
        int64_t most = (w->catch_up ? 3 : 8) * gaps[m->job] +
                       /* stalls may hit several slots in a row */ (SPREAD_S + ENTRIES) * SECOND + LONGEST_RUN +
                       LONGEST_REST + HOUR + w->put_back - m->put_back;
        if (!is_well(m))
            most += 4 * BACKOFF_S * SECOND;
        if (!m->planned || !w->ours[m->target] || w->down[m->target])
            continue;
        expect(w, w->now.monotonic - from <= most + 2 * DAY * (m->job >= 6 || m->job == IN_WINDOW), "not silent", m);
    }
}

static void prepare(world *w, uint64_t seed)
{
    lb_error err = {0};
    *w = (world){.seed = seed, .now = {at("2026-03-10T00:00:11Z"), 77 * DAY}, .catch_up = seed % 3 != 0};
    const sched_hooks hooks = {.state = w, .start = start_hook};
    w->s = sched_new(&hooks);
    CU_ASSERT_EQUAL_FATAL(zone_open("Europe/Berlin", &w->zone, &err), 0);
    for (uint32_t i = 0; i < JOBS; i++) {
        (void)snprintf(w->tools[i], sizeof w->tools[i], "t%u", i); /* fits */
        w->jobs[i] = (sched_job){.agent = "a", .tool = w->tools[i], .cron = crons[i]};
        CU_ASSERT_EQUAL_FATAL(cron_parse(crons[i], &w->parsed[i], &err), 0);
    }
    w->jobs[IN_WINDOW].window = windows[0].name;
    for (size_t i = 0; i < LB_COUNT(windows); i++)
        CU_ASSERT_EQUAL_FATAL(cron_parse(windows[i].opens, &w->opens[i], &err), 0);
    for (uint32_t t = 0; t < TARGETS; t++) {
        (void)snprintf(w->names[t], sizeof w->names[t], "p%u", t); /* fits */
        w->targets[t] = (sched_target){w->names[t], "b"};
        for (uint32_t j = 0; j < JOBS; j++) {
            model *m = &w->models[t * JOBS + j];
            *m = (model){
                .job = j, .target = t, .last_slot = SCHED_NONE, .last_end = SCHED_NONE, .last_start = INT64_MIN};
            (void)snprintf(m->key, sizeof m->key, "a/t%u@p%u/b", j, t); /* fits */
        }
    }
    load(w, true);
    for (uint32_t t = 0; t < TARGETS; t++)
        set_lease(w, t, true);
    w->disturbed = w->now.monotonic;
}

static void run_month(world *w)
{
    int64_t end = w->now.monotonic + DAYS * DAY, next_event = w->now.monotonic;
    while (w->now.monotonic < end && !w->broken) {
        end_runs(w);
        (void)sched_tick(w->s, w->now); /* what it starts is looked at in the hook */
        if (w->now.monotonic >= next_event) {
            disturb(w);
            check_silence(w);
            next_event = w->now.monotonic + below(w, HOUR);
            continue;
        }
        int64_t wait = sched_wait(w->s, w->now), run_end = first_end(w) - w->now.monotonic;
        CU_ASSERT_TRUE_FATAL(wait >= 0 && wait <= SCHED_WAIT);
        wait = run_end < wait ? run_end : wait;
        w->now.wall += wait > 0 ? wait : 0;
        w->now.monotonic += wait > 0 ? wait : 0;
    }
}

static void a_random_month_breaks_no_rule(void)
{
    uint64_t starts = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        world *w = base_alloc(sizeof *w);
        prepare(w, seed * UINT64_C(0x9E3779B97F4A7C15));
        run_month(w);
        if (w->broken)
            printf("    seed %llu\n", (unsigned long long)seed);
        CU_ASSERT_PTR_NULL(w->broken);
        for (size_t i = 0; i < ENTRIES; i++)
            CU_ASSERT_TRUE(w->broken || w->models[i].starts > 0);
        starts += w->starts;
        w->s = sched_free(w->s);
        w->zone = zone_free(w->zone);
        free(w);
    }
    CU_ASSERT_TRUE(starts > 200000);
}

SUITE(sched_random, TEST(a_random_month_breaks_no_rule))
