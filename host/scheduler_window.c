/* Windows: when a plan lets its entries start, and when not. */
#include "pattern.h"
#include "scheduler_internal.h"

#define MOST_JOINED 1000                 /* windows that touch each other count as one, as long as one can tell */
#define MOST_SPREAD (300 * CLOCK_SECOND) /* what waited for a window to open or a pause to end starts within that */

static bool matches(const char *pattern, const char *name)
{
    return !pattern || (name && pattern_matches(pattern, name));
}

/* Brings the answer up to date; it then holds until valid_until. */
static void look_at(const table *t, window *w, int64_t now)
{
    if (w->valid_from <= now && now < w->valid_until)
        return;
    const zone *z = w->zone ? w->zone : t->zone;
    int64_t opened = cron_previous(&w->opens, z, now + 1), next = cron_next(&w->opens, z, now);
    w->is_open = opened != SCHED_NONE && now < opened + w->lasts;
    w->valid_from = w->is_open ? opened : now;
    w->valid_until = next;
    if (!w->is_open)
        return;
    w->valid_until = opened + w->lasts;
    for (int i = 0; i < MOST_JOINED && next != NEVER && next <= w->valid_until; i++) {
        w->valid_until = next + w->lasts;
        next = cron_next(&w->opens, z, next);
    }
}

static int64_t pause_until(table *t, const target *on, int64_t now)
{
    int64_t until = 0;
    for (size_t i = 0; i < t->window_count; i++) {
        window *w = &t->windows[i];
        if (!w->pause || !matches(w->project, on->project) || !matches(w->branch, on->branch))
            continue;
        look_at(t, w, now);
        if (w->is_open && w->valid_until > until)
            until = w->valid_until;
    }
    return until;
}

/* 0: open; NEVER: none is for this target. */
static int64_t opens_at(table *t, const char *name, const target *on, int64_t now, int64_t *ret_lasts)
{
    int64_t opens = NEVER;
    for (size_t i = 0; i < t->window_count; i++) {
        window *w = &t->windows[i];
        if (w->pause || strcmp(w->name, name) != 0 || !matches(w->project, on->project) ||
            !matches(w->branch, on->branch))
            continue;
        look_at(t, w, now);
        if (w->is_open)
            return 0;
        if (w->valid_until < opens) {
            opens = w->valid_until;
            *ret_lasts = w->lasts;
        }
    }
    return opens;
}

int64_t window_hold(sched *s, const entry *e, int64_t now, sched_reason *ret_reason)
{
    const target *on = &s->t.targets[e->target];
    const char *name = s->t.jobs[e->job].window;
    int64_t lasts = 0, offset = e->offset_ms * INT64_C(1000);
    int64_t until = s->t.window_count ? pause_until(&s->t, on, now) : 0;
    *ret_reason = SCHED_PAUSED;
    if (until)
        return until + offset % MOST_SPREAD;
    if (!name)
        return 0;
    until = opens_at(&s->t, name, on, now, &lasts);
    *ret_reason = until == NEVER ? SCHED_NO_WINDOW : SCHED_WINDOW_CLOSED;
    if (until == 0 || until == NEVER)
        return until;
    return until + offset % (lasts / 2 < MOST_SPREAD ? lasts / 2 : MOST_SPREAD);
}
