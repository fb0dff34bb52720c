#include "scheduler_internal.h"

#define SMALLEST_JUMP (2 * CLOCK_SECOND)  /* a clock that is corrected by less just goes on */
#define TARGET_HOLD   (60 * CLOCK_SECOND) /* after a target could not be reached; doubles */
#define ASK_AGAIN     CLOCK_SECOND        /* after a start was refused */
#define CATCH_UP_STEP (CLOCK_SECOND / SCHED_CATCH_UP_PER_S)

sched *sched_new(const sched_hooks *hooks)
{
    sched *s = base_alloc(sizeof *s);
    s->hooks = *hooks;
    return s;
}

sched *sched_free(sched *s)
{
    if (!s)
        return NULL;
    table_done(&s->t);
    for (size_t i = 0; i < s->ghost_count; i++)
        free(s->ghosts[i].key);
    free(s->ghosts);
    free(s);
    return NULL;
}

/* ---- an entry's time ---- */

static int64_t offset_of(const entry *e)
{
    return e->offset_ms * INT64_C(1000);
}

int64_t sched_regular_due(const entry *e)
{
    return e->slot == NEVER ? NEVER : e->slot + offset_of(e);
}

static void sched_place(sched *s, entry *e, int64_t due)
{
    e->due = due;
    heap_set(&s->t, (uint32_t)(e - s->t.entries));
}

/* Among what is caught up, so many a second; its regular time may come first. */
static void sched_queue(sched *s, entry *e, int64_t now)
{
    int64_t turn = s->queue_end + CATCH_UP_STEP > now ? s->queue_end + CATCH_UP_STEP : now,
            regular = sched_regular_due(e);
    e->reason = SCHED_CATCHING_UP;
    e->in_turn = false;
    if (turn < regular)
        s->queue_end = turn;
    sched_place(s, e, turn < regular ? turn : regular);
}

static void miss(sched *s, entry *e, uint32_t slots)
{
    e->missed += slots;
    s->missed += slots;
}

static void sched_absorb(sched *s, entry *e, int64_t now)
{
    job *j = &s->t.jobs[e->job];
    int64_t at = now - offset_of(e);
    if (e->slot == NEVER || e->slot > at)
        return;
    int64_t latest = job_floor(&s->t, j, at);
    uint32_t came = 1 + job_count(&s->t, j, e->slot, latest), passed = e->pending == SCHED_NONE ? came - 1 : came;
    e->pending_missed = e->pending == SCHED_NONE ? passed : e->pending_missed + passed;
    miss(s, e, passed);
    e->pending = latest;
    e->slot = job_next(&s->t, j, latest);
}

/* What was pending is passed over. */
static void drop_pending(sched *s, entry *e)
{
    if (e->pending != SCHED_NONE)
        miss(s, e, 1);
    e->pending = SCHED_NONE;
    e->pending_missed = 0;
    e->excused = e->in_turn = false;
}

static void await_slot(sched *s, entry *e)
{
    e->reason = SCHED_IN_TIME;
    sched_place(s, e, sched_regular_due(e));
}

/* When the clock was put back, a slot whose name has run already runs again only if it is its turn by the time that
 * has really passed: every five minutes go on, once a day is not doubled. */
static bool is_repetition(const sched *s, const entry *e, int64_t slot, int64_t monotonic)
{
    if (e->last_slot == SCHED_NONE || slot > e->last_slot)
        return false;
    job *j = &s->t.jobs[e->job];
    int64_t before = job_floor(&s->t, j, slot - 1), gap = before == SCHED_NONE ? j->period : slot - before;
    return monotonic - e->started_monotonic < gap / 2;
}

/* The first slot that is due from now on. */
void sched_reset_slot(const sched *s, entry *e, sched_time now)
{
    job *j = &s->t.jobs[e->job];
    e->slot = job_next(&s->t, j, (e->hold_until > now.wall ? e->hold_until - 1 : now.wall) - offset_of(e));
    while (e->slot != NEVER && is_repetition(s, e, e->slot, now.monotonic + sched_regular_due(e) - now.wall))
        e->slot = job_next(&s->t, j, e->slot);
}

/* Starts of what keeps failing are at least period * 2^failures apart, up to the maximum; slots that come before are
 * passed over. What has a longer period than that just goes on. */
void sched_back_off(sched *s, entry *e, sched_time now)
{
    job *j = &s->t.jobs[e->job];
    int64_t distance = j->period;
    e->hold_until = 0;
    if (!e->failures || e->last_slot == SCHED_NONE || e->slot == NEVER || j->period >= s->t.backoff_max)
        return;
    for (uint32_t i = 0; i < e->failures && distance < s->t.backoff_max; i++)
        distance *= 2;
    if (distance > s->t.backoff_max)
        distance = s->t.backoff_max;
    int64_t came = e->last_slot + offset_of(e); /* later than now when the clock was put back */
    e->hold_until = (came < now.wall ? came : now.wall) + distance;
    int64_t first = job_next(&s->t, j, e->hold_until - offset_of(e) - 1);
    if (first <= e->slot)
        return;
    miss(s, e, job_count(&s->t, j, e->slot - 1, first - 1));
    e->slot = first;
}

/* ---- targets that cannot be reached ---- */

/* Holds the entry back when its target is down. The first one that comes after the wait tries; the others wait for
 * what becomes of that. */
static bool is_held_by_target(sched *s, entry *e, int64_t now)
{
    target *on = &s->t.targets[e->target];
    if (!on->failures)
        return false;
    if (now < on->hold_until || (on->probe != NOBODY && &s->t.entries[on->probe] != e)) {
        e->reason = SCHED_TARGET_DOWN;
        if (!s->t.catch_up && !e->excused) {
            drop_pending(s, e);
            sched_place(s, e, sched_regular_due(e));
        } else {
            sched_place(s, e, now < on->hold_until ? on->hold_until : NEVER);
        }
        return true;
    }
    return false;
}

/* Those that waited for the target: all at once would be unkind to it. */
static void release_target(sched *s, uint32_t index, int64_t now, bool is_back)
{
    for (uint32_t i = s->t.targets[index].first; i != NOBODY; i = s->t.entries[i].sibling) {
        entry *e = &s->t.entries[i];
        if (e->running || e->pending == SCHED_NONE || e->reason != SCHED_TARGET_DOWN)
            continue;
        if (is_back)
            sched_queue(s, e, now);
        else
            sched_place(s, e, s->t.targets[index].hold_until > now ? s->t.targets[index].hold_until : now);
    }
}

static void judge_target(sched *s, uint32_t index, uint32_t by, sched_outcome outcome, const char *why,
                         int64_t started_monotonic, sched_time now)
{
    target *on = &s->t.targets[index];
    bool was_probe = on->probe == by && by != NOBODY;
    if (was_probe)
        on->probe = NOBODY;
    if (outcome == SCHED_UNREACHABLE) {
        /* Runs that were on their way when it went down say the same thing once more. */
        if (on->failures && started_monotonic <= on->failed_monotonic)
            return;
        int64_t wait = TARGET_HOLD;
        for (uint32_t i = 0; i < on->failures && wait < s->t.backoff_max; i++)
            wait *= 2;
        on->failures++;
        on->hold_until = now.wall + (wait < s->t.backoff_max ? wait : s->t.backoff_max);
        on->failed_monotonic = now.monotonic;
        free(on->why);
        on->why = base_strdup(why);
        release_target(s, index, now.wall, false);
    } else if (outcome == SCHED_OK || outcome == SCHED_FAILED || outcome == SCHED_PENDING) {
        bool was_down = on->failures > 0;
        on->failures = 0;
        on->hold_until = 0;
        on->probe = NOBODY;
        base_free(&on->why);
        on->why = NULL;
        if (was_down)
            release_target(s, index, now.wall, true);
    } else if (was_probe) {
        release_target(s, index, now.wall, false); /* says nothing: the next one tries */
    }
}

/* ---- starting ---- */

static bool offer(sched *s, entry *e, int64_t due, int64_t slot, int64_t previous, uint32_t missed)
{
    char key[SCHED_KEY];
    const job *j = &s->t.jobs[e->job];
    const target *on = &s->t.targets[e->target];
    (void)sched_write_key(&s->t, e, key); /* was short enough when it was built */
    const sched_start start = {.key = key,
                               .agent = j->agent,
                               .tool = j->tool,
                               .variant = j->variant,
                               .project = on->project,
                               .branch = on->branch,
                               .params = j->params,
                               .slot = slot,
                               .previous_slot = previous,
                               .due = due,
                               .period = j->period,
                               .missed = missed};
    return s->hooks.start(s->hooks.state, &start);
}

/* The entry is running before the hook is called, as its run may end in there. */
static bool start_entry(sched *s, entry *e, sched_time now)
{
    entry before = *e;
    target *on = &s->t.targets[e->target];
    uint32_t index = (uint32_t)(e - s->t.entries);
    bool is_probe = on->failures && on->probe == NOBODY;
    if (is_probe)
        on->probe = index;
    e->running = true;
    e->excused = e->in_turn = false;
    e->reason = SCHED_RUNNING;
    e->last_slot = e->pending;
    e->last_started_at = now.wall;
    e->started_monotonic = now.monotonic;
    e->pending = SCHED_NONE;
    e->pending_missed = 0;
    e->starts++;
    sched_place(s, e, sched_regular_due(e));
    if (offer(s, e, before.due, before.pending, before.last_slot, before.pending_missed)) {
        s->starts++;
        if (before.reason != SCHED_CATCHING_UP && now.wall - before.due > s->latest_start)
            s->latest_start = now.wall - before.due;
        return true;
    }
    if (is_probe)
        on->probe = NOBODY;
    before.heap_at = e->heap_at;
    *e = before;
    e->reason = SCHED_REFUSED;
    sched_place(s, e, now.wall + ASK_AGAIN);
    return false;
}

/* Its time has come, or it was asked to look again. True when it has started. */
static bool look(sched *s, entry *e, sched_time now)
{
    sched_reason reason;
    bool is_late = now.wall - e->due > SCHED_LATE;
    sched_absorb(s, e, now.wall);
    if (e->running || e->pending == SCHED_NONE) {
        sched_place(s, e, sched_regular_due(e)); /* what came while it ran starts when it ends */
        return false;
    }
    if (is_repetition(s, e, e->pending, now.monotonic)) { /* put back and forward again: it has run */
        e->pending = SCHED_NONE;
        e->pending_missed = 0;
        await_slot(s, e);
        return false;
    }
    if (!s->t.targets[e->target].ours) {
        e->reason = SCHED_NOT_OURS;
        sched_place(s, e, NEVER);
        return false;
    }
    if (is_held_by_target(s, e, now.wall))
        return false;
    int64_t hold = window_hold(s, e, now.wall, &reason);
    if (hold) {
        e->reason = (uint8_t)reason;
        e->excused = true;
        sched_place(s, e, hold);
        return false;
    }
    if (is_late && !s->t.catch_up && !e->excused) {
        drop_pending(s, e);
        await_slot(s, e);
        return false;
    }
    if (is_late || e->in_turn) {
        sched_queue(s, e, now.wall);
        return false;
    }
    return start_entry(s, e, now);
}

/* ---- the clock ---- */

/* An entry after the clock was put back: what waits keeps its wait; a slot that has not come by the new clock will
 * come in its time. */
static void put_back(sched *s, entry *e, int64_t jump, sched_time now)
{
    if (e->hold_until)
        e->hold_until += jump;
    if (e->pending > now.wall)
        drop_pending(s, e);
    sched_reset_slot(s, e, now);
    if (e->running || e->pending == SCHED_NONE) {
        e->reason = e->running ? SCHED_RUNNING : SCHED_IN_TIME;
        e->due = sched_regular_due(e);
    } else if (e->reason == SCHED_CATCHING_UP || e->reason == SCHED_TARGET_DOWN || e->reason == SCHED_REFUSED) {
        if (e->due != NEVER)
            e->due += jump;
    } else if (e->due != NEVER) {
        e->in_turn = true; /* a window or a pause: judged by the new clock, and not all at once */
        e->due = now.wall;
    }
}

/* Everything that was to come at a time of the old clock. */
static void follow_clock(sched *s, int64_t jump, sched_time now)
{
    if (jump > 0)
        return; /* what has come due is caught up; waits end early rather than late */
    s->queue_end += jump;
    for (size_t i = 0; i < s->t.target_count; i++)
        if (s->t.targets[i].hold_until)
            s->t.targets[i].hold_until += jump;
    for (size_t i = 0; i < s->t.entry_count; i++)
        put_back(s, &s->t.entries[i], jump, now);
    heap_rebuild(&s->t);
}

void sched_see_clock(sched *s, sched_time now)
{
    int64_t drift = now.wall - now.monotonic, jump = drift - s->drift;
    if (s->has_drift && jump > -SMALLEST_JUMP && jump < SMALLEST_JUMP)
        return; /* small steps add up until they are seen */
    bool is_first = !s->has_drift;
    s->drift = drift;
    s->has_drift = true;
    if (is_first)
        return;
    s->jumps++;
    follow_clock(s, jump, now);
    if (s->hooks.clock_jumped)
        s->hooks.clock_jumped(s->hooks.state, jump);
}

size_t sched_tick(sched *s, sched_time now)
{
    size_t started = 0;
    sched_see_clock(s, now);
    while (s->t.heap_count && s->t.heap[0].due <= now.wall)
        started += look(s, &s->t.entries[s->t.heap[0].entry], now);
    return started;
}

int64_t sched_wait(const sched *s, sched_time now)
{
    if (!s->t.heap_count || s->t.heap[0].due - now.wall > SCHED_WAIT)
        return SCHED_WAIT;
    return s->t.heap[0].due > now.wall ? s->t.heap[0].due - now.wall : 0;
}

/* ---- what is told ---- */

static void set_why(entry *e, const char *why)
{
    free(e->why);
    e->why = base_strdup(why);
}

static void end_entry(sched *s, entry *e, sched_outcome outcome, const char *why, sched_time now)
{
    e->running = false;
    e->outcome = (uint8_t)outcome;
    e->last_ended_at = now.wall;
    if (outcome == SCHED_FAILED) {
        e->failures++;
        set_why(e, why ? why : "failed");
    } else if (outcome == SCHED_OK || outcome == SCHED_PENDING) {
        e->failures = 0;
        e->hold_until = 0;
        set_why(e, NULL);
    }
    sched_absorb(s, e, now.wall);
    if (outcome == SCHED_FAILED) {
        drop_pending(s, e); /* not right again */
        sched_back_off(s, e, now);
        e->reason = e->hold_until > now.wall ? SCHED_BACKING_OFF : SCHED_IN_TIME;
    } else if (e->pending != SCHED_NONE && s->t.catch_up) {
        e->reason = SCHED_CATCHING_UP;
        sched_place(s, e, now.wall);
        return;
    } else {
        drop_pending(s, e);
        e->reason = SCHED_IN_TIME;
    }
    sched_place(s, e, sched_regular_due(e));
}

static bool end_ghost(sched *s, const char *key, sched_outcome outcome, const char *why, sched_time now)
{
    for (size_t i = 0; i < s->ghost_count; i++) {
        ghost g = s->ghosts[i];
        if (strcmp(g.key, key) != 0)
            continue;
        s->ghosts[i] = s->ghosts[--s->ghost_count];
        free(g.key);
        if (g.target != NOBODY)
            judge_target(s, g.target, NOBODY, outcome, why, g.started_monotonic, now);
        return true;
    }
    return false;
}

bool sched_ended(sched *s, const char *key, sched_outcome outcome, const char *why, sched_time now)
{
    uint32_t index = sched_find(&s->t, key);
    sched_see_clock(s, now);
    if (index == NOBODY || !s->t.entries[index].running)
        return end_ghost(s, key, outcome, why, now);
    entry *e = &s->t.entries[index];
    end_entry(s, e, outcome, why, now);
    judge_target(s, e->target, index, outcome, why, e->started_monotonic, now);
    return true;
}

bool sched_remember(sched *s, const char *key, const sched_memory *memory, sched_time now)
{
    uint32_t index = sched_find(&s->t, key);
    sched_see_clock(s, now);
    if (index == NOBODY)
        return false;
    entry *e = &s->t.entries[index];
    if (e->running)
        return true; /* nobody knows it better */
    e->last_slot = memory->slot;
    e->last_started_at = memory->started_at;
    e->last_ended_at = memory->ended_at;
    e->outcome = (uint8_t)memory->outcome;
    e->failures = memory->failures;
    bool sane = memory->started_at != SCHED_NONE && memory->started_at <= now.wall;
    e->started_monotonic = sane ? now.monotonic - (now.wall - memory->started_at) : now.monotonic;
    e->pending = SCHED_NONE;
    e->pending_missed = 0;
    if (memory->slot == SCHED_NONE || memory->slot > now.wall || !s->t.catch_up)
        sched_reset_slot(s, e, now);
    else
        e->slot = job_next(&s->t, &s->t.jobs[e->job], memory->slot);
    sched_back_off(s, e, now);
    if (e->reason != SCHED_NOT_OURS)
        await_slot(s, e);
    return true;
}

bool sched_recall(const sched *s, const char *key, sched_memory *ret_memory)
{
    uint32_t index = sched_find(&s->t, key);
    if (index == NOBODY)
        return false;
    const entry *e = &s->t.entries[index];
    *ret_memory = (sched_memory){.slot = e->last_slot,
                                 .started_at = e->last_started_at,
                                 .ended_at = e->last_ended_at,
                                 .outcome = (sched_outcome)e->outcome,
                                 .failures = e->failures};
    return true;
}

bool sched_lease(sched *s, const char *project, const char *branch, bool ours, sched_time now)
{
    uint32_t at = target_find(&s->t, project, branch);
    sched_see_clock(s, now);
    if (at == NOBODY)
        return false;
    s->t.targets[at].ours = ours;
    for (uint32_t i = s->t.targets[at].first; ours && i != NOBODY; i = s->t.entries[i].sibling) {
        entry *e = &s->t.entries[i];
        if (e->running || e->reason != SCHED_NOT_OURS)
            continue;
        sched_absorb(s, e, now.wall);
        if (e->pending != SCHED_NONE && (s->t.catch_up || e->excused)) {
            sched_queue(s, e, now.wall);
            continue;
        }
        drop_pending(s, e);
        await_slot(s, e);
    }
    return true;
}
