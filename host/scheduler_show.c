/* What the scheduler shows of itself. */
#include "scheduler_internal.h"

const char *sched_outcome_name(sched_outcome outcome)
{
    static const char *const names[] = {
        [SCHED_NEVER_RAN] = "never_ran", [SCHED_OK] = "ok",
        [SCHED_FAILED] = "failed",       [SCHED_UNREACHABLE] = "unreachable",
        [SCHED_SKIPPED] = "skipped",     [SCHED_PENDING] = "pending_approval",
        [SCHED_CANCELLED] = "cancelled", [SCHED_ELSEWHERE] = "elsewhere",
    };
    return (size_t)outcome < LB_COUNT(names) ? names[outcome] : "unknown";
}

const char *sched_reason_name(sched_reason reason)
{
    static const char *const names[] = {
        [SCHED_IN_TIME] = "in_time",         [SCHED_RUNNING] = "running",
        [SCHED_CATCHING_UP] = "catching_up", [SCHED_BACKING_OFF] = "backing_off",
        [SCHED_TARGET_DOWN] = "target_down", [SCHED_WINDOW_CLOSED] = "window_closed",
        [SCHED_PAUSED] = "paused",           [SCHED_NOT_OURS] = "not_ours",
        [SCHED_NO_WINDOW] = "no_window",     [SCHED_REFUSED] = "refused",
    };
    return (size_t)reason < LB_COUNT(names) ? names[reason] : "unknown";
}

/* What its place in the heap means by now: a back-off may be over, a target may not be ours. */
static sched_reason reason_now(const table *t, const entry *e, int64_t now)
{
    const target *on = &t->targets[e->target];
    if (e->running)
        return SCHED_RUNNING;
    if (!on->ours)
        return SCHED_NOT_OURS;
    if (e->pending != SCHED_NONE)
        return (sched_reason)e->reason;
    if (on->failures)
        return SCHED_TARGET_DOWN;
    return e->failures && e->hold_until > now ? SCHED_BACKING_OFF : SCHED_IN_TIME;
}

static int64_t next_start(const table *t, const entry *e, sched_reason reason)
{
    int64_t hold_until = reason == SCHED_TARGET_DOWN ? t->targets[e->target].hold_until : 0;
    bool unknown = reason == SCHED_NOT_OURS || reason == SCHED_NO_WINDOW;
    int64_t due = e->pending != SCHED_NONE && !e->running ? e->due : sched_regular_due(e);
    if (unknown || due == NEVER)
        return SCHED_NONE;
    return due > hold_until ? due : hold_until;
}

static sched_status status_of(const table *t, const entry *e, const char *key, int64_t now)
{
    const job *j = &t->jobs[e->job];
    const target *on = &t->targets[e->target];
    sched_reason reason = reason_now(t, e, now);
    bool down = reason == SCHED_TARGET_DOWN;
    return (sched_status){.key = key,
                          .agent = j->agent,
                          .tool = j->tool,
                          .variant = j->variant,
                          .project = on->project,
                          .branch = on->branch,
                          .cron = j->cron_text,
                          .window = j->window,
                          .reason = reason,
                          .next_at = next_start(t, e, reason),
                          .slot = e->pending != SCHED_NONE ? e->pending
                                  : e->slot == NEVER       ? SCHED_NONE
                                                           : e->slot,
                          .last_slot = e->last_slot,
                          .last_started_at = e->last_started_at,
                          .last_ended_at = e->last_ended_at,
                          .last_outcome = (sched_outcome)e->outcome,
                          .running = e->running,
                          .waits = e->pending != SCHED_NONE,
                          .failures = down ? on->failures : e->failures,
                          .why = down ? on->why : e->why,
                          .starts = e->starts,
                          .missed = e->missed};
}

void sched_each(const sched *s, sched_time now, void (*each)(void *state, const sched_status *status), void *state)
{
    char key[SCHED_KEY];
    for (size_t i = 0; i < s->t.entry_count; i++) {
        (void)sched_write_key(&s->t, &s->t.entries[i], key); /* was short enough when it was built */
        const sched_status status = status_of(&s->t, &s->t.entries[i], key, now.wall);
        each(state, &status);
    }
}

void sched_count(const sched *s, sched_totals *ret_totals)
{
    const table *t = &s->t;
    sched_totals totals = {.entries = t->entry_count,
                           .running = s->ghost_count,
                           .starts = s->starts,
                           .missed = s->missed,
                           .jumps = s->jumps,
                           .latest_start = s->latest_start};
    totals.memory = sizeof *s + t->job_count * sizeof *t->jobs + t->target_count * sizeof *t->targets +
                    t->window_count * sizeof *t->windows + t->entry_count * (sizeof *t->entries + sizeof *t->heap) +
                    (t->key_mask + 1) * sizeof *t->keys;
    for (size_t i = 0; i < t->entry_count; i++) {
        totals.running += t->entries[i].running;
        totals.waiting += t->entries[i].pending != SCHED_NONE && !t->entries[i].running;
        totals.backing_off += t->entries[i].failures > 0;
    }
    for (size_t i = 0; i < t->target_count; i++)
        totals.targets_down += t->targets[i].failures > 0;
    *ret_totals = totals;
}
