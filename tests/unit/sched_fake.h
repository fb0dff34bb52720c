/* sched_fake.h: a scheduler with clocks that are turned by hand, and a record of all that it starts. */
#ifndef LBOPS_TESTS_SCHED_FAKE_H
#define LBOPS_TESTS_SCHED_FAKE_H

#include "scheduler.h"
#include "unit/suite.h"

#define SECOND CLOCK_SECOND
#define MINUTE (60 * CLOCK_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

typedef struct fake_start {
    char key[SCHED_KEY];
    const void *params;
    int64_t slot, previous_slot, due, wall, monotonic;
    uint32_t missed;
} fake_start;

typedef struct fake {
    sched *s;
    sched_time now;
    fake_start *starts;
    size_t count, capacity;
    bool ends_at_once;     /* each run ends within the hook ... */
    sched_outcome ends_as; /* ... like that */
    bool refuses;          /* no start is accepted */
    int64_t jumped;        /* the last jump that was told */
    int64_t jump_count;
    size_t ticks;
} fake;

static inline int64_t at(const char *text)
{
    int64_t microseconds = 0;
    CU_ASSERT_TRUE_FATAL(clock_parse(text, &microseconds));
    return microseconds;
}

static inline bool fake_start_hook(void *state, const sched_start *start)
{
    fake *f = state;
    if (f->refuses)
        return false;
    BASE_PUSH(f->starts, f->count, f->capacity);
    fake_start *added = &f->starts[f->count++];
    *added = (fake_start){.params = start->params,
                          .slot = start->slot,
                          .previous_slot = start->previous_slot,
                          .due = start->due,
                          .wall = f->now.wall,
                          .monotonic = f->now.monotonic,
                          .missed = start->missed};
    (void)snprintf(added->key, sizeof added->key, "%s", start->key); /* fits */
    if (f->ends_at_once)
        CU_ASSERT_TRUE_FATAL(
            sched_ended(f->s, start->key, f->ends_as, f->ends_as == SCHED_OK ? NULL : "told so", f->now));
    return true;
}

static inline void fake_jump_hook(void *state, int64_t microseconds)
{
    fake *f = state;
    f->jumped = microseconds;
    f->jump_count++;
}

static inline void fake_open(fake *f, const char *now)
{
    *f = (fake){.now = {at(now), 1000 * DAY}, .ends_at_once = true, .ends_as = SCHED_OK};
    const sched_hooks hooks = {.state = f, .start = fake_start_hook, .clock_jumped = fake_jump_hook};
    f->s = sched_new(&hooks);
}

static inline void fake_close(fake *f)
{
    f->s = sched_free(f->s);
    free(f->starts);
}

static inline void fake_load(fake *f, const sched_plan *plan)
{
    lb_error err = {0};
    int r = sched_load(f->s, plan, f->now, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
}

static inline size_t fake_tick(fake *f)
{
    f->ticks++;
    return sched_tick(f->s, f->now);
}

/* As a loop does: sleeps as long as it is told, and ticks. */
static inline void fake_run_for(fake *f, int64_t microseconds)
{
    int64_t end = f->now.monotonic + microseconds;
    fake_tick(f);
    while (f->now.monotonic < end) {
        int64_t wait = sched_wait(f->s, f->now), rest = end - f->now.monotonic;
        CU_ASSERT_TRUE_FATAL(wait >= 0 && wait <= SCHED_WAIT);
        int64_t step = wait < rest ? wait : rest;
        f->now.wall += step;
        f->now.monotonic += step;
        fake_tick(f);
    }
}

static inline void fake_run_until(fake *f, const char *wall)
{
    fake_run_for(f, at(wall) - f->now.wall);
}

/* Time passes, and nobody ticks. */
static inline void fake_stall(fake *f, int64_t microseconds)
{
    f->now.wall += microseconds;
    f->now.monotonic += microseconds;
}

static inline void fake_jump(fake *f, int64_t microseconds)
{
    f->now.wall += microseconds;
}

static inline void fake_forget(fake *f)
{
    f->count = 0;
}

/* The first status whose key has that part. */
typedef struct fake_search {
    const char *part;
    sched_status found;
    char key[SCHED_KEY];
} fake_search;

static inline void fake_search_hook(void *state, const sched_status *status)
{
    fake_search *search = state;
    if (search->found.key || !strstr(status->key, search->part))
        return;
    (void)snprintf(search->key, sizeof search->key, "%s", status->key); /* fits */
    search->found = *status;
    search->found.key = search->key;
}

/* The key of what it returns is good until eight further ones have been asked for. */
static inline sched_status fake_status(const fake *f, const char *part)
{
    static char keys[8][SCHED_KEY];
    static unsigned turn;
    fake_search search = {.part = part};
    sched_each(f->s, f->now, fake_search_hook, &search);
    CU_ASSERT_PTR_NOT_NULL_FATAL(search.found.key);
    char *key = keys[turn++ % LB_COUNT(keys)];
    memcpy(key, search.key, sizeof search.key);
    search.found.key = key;
    return search.found;
}

/* All jobs on all targets. The caller frees the pairs. */
static inline sched_pair *fake_pairs(sched_plan *plan)
{
    sched_pair *pairs = base_alloc((plan->job_count * plan->target_count + 1) * sizeof *pairs);
    size_t count = 0;
    for (uint32_t t = 0; t < plan->target_count; t++)
        for (uint32_t j = 0; j < plan->job_count; j++)
            pairs[count++] = (sched_pair){j, t};
    plan->pairs = pairs;
    plan->pair_count = count;
    return pairs;
}

#endif
