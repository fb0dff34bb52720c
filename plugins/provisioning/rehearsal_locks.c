#include "rehearsal_locks.h"

#include <stdlib.h>

/* ---- the server's table of locks ---- */

static const char *const modes[] = {
    "",          "AccessShareLock",       "RowShareLock",  "RowExclusiveLock",   "ShareUpdateExclusiveLock",
    "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"};

#define SPANS_MOST 5000 /* a storm of waits says no more after so many */
#define MODES      (sizeof modes / sizeof modes[0])
#define BIT(mode)  (1U << (mode))

int rehearsal_lock_level(const char *mode)
{
    for (size_t i = 1; mode && i < MODES; i++)
        if (strcmp(modes[i], mode) == 0)
            return (int)i;
    return 0;
}

bool rehearsal_locks_conflict(const char *one, const char *other)
{
    static const unsigned conflicts[MODES] = {
        [1] = BIT(8),
        [2] = BIT(7) | BIT(8),
        [3] = BIT(5) | BIT(6) | BIT(7) | BIT(8),
        [4] = BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8),
        [5] = BIT(3) | BIT(4) | BIT(6) | BIT(7) | BIT(8),
        [6] = BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8),
        [7] = BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8),
        [8] = BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8),
    };
    return (conflicts[rehearsal_lock_level(one)] & BIT(rehearsal_lock_level(other))) != 0;
}

/* ---- spans ---- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A wait has no beginning for a moment after it has begun. */
static bool same_since(const rehearsal_sight *a, const rehearsal_sight *b)
{
    return a->since == b->since || a->since == LB_TIME_NONE;
}

static bool continues(const rehearsal_watched *w, const rehearsal_span *s, const rehearsal_sight *sight)
{
    return !s->is_over && s->last < sight->at && s->last >= w->last_look && s->what.pid == sight->pid &&
           same(s->what.kind, sight->kind) && same(s->what.relation, sight->relation) &&
           same(s->what.mode, sight->mode) && same_since(&s->what, sight);
}

static int add_span(rehearsal_watched *w, const rehearsal_sight *sight, lb_error *err)
{
    if (w->span_count == SPANS_MOST) {
        w->dropped++;
        return 0;
    }
    if (w->span_count == w->span_capacity) {
        size_t capacity = w->span_capacity ? 2 * w->span_capacity : 64;
        rehearsal_span *grown = lb_alloc(w->ctx, capacity * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (w->span_count)
            memcpy(grown, w->spans, w->span_count * sizeof *grown);
        w->spans = grown;
        w->span_capacity = capacity;
    }
    w->spans[w->span_count++] =
        (rehearsal_span){.what = *sight, .before = w->last_look, .first = sight->at, .last = sight->at};
    return 0;
}

/* What the look before this one did not see any more is over. */
static void begin_look(rehearsal_watched *w, int64_t at)
{
    for (size_t i = 0; i < w->span_count; i++) {
        rehearsal_span *s = &w->spans[i];
        if (s->is_over || s->last >= w->this_look)
            continue;
        s->is_over = true;
        s->after = w->this_look;
    }
    if (w->looks && at - w->this_look > w->longest_gap_us)
        w->longest_gap_us = at - w->this_look;
    w->last_look = w->looks ? w->this_look : at;
    w->first_look = w->looks ? w->first_look : at;
    w->this_look = at;
    w->looks++;
}

int rehearsal_see(rehearsal_watched *w, const rehearsal_sight *sight, lb_error *err)
{
    if (!w->looks || sight->at != w->this_look)
        begin_look(w, sight->at);
    if (strcmp(sight->kind, "look") == 0)
        return 0;
    for (size_t i = w->span_count; i-- > 0;) {
        rehearsal_span *s = &w->spans[i];
        if (!continues(w, s, sight))
            continue;
        s->last = sight->at;
        s->what.since = s->what.since == LB_TIME_NONE ? sight->since : s->what.since;
        s->what.query = s->what.query ? s->what.query : sight->query;
        return 0;
    }
    return add_span(w, sight, err);
}

/* ---- what they say ---- */

/* From the look before, or from when the transaction says that it began, where that is later or there was none. */
static int64_t at_most(const rehearsal_span *s)
{
    bool is_told = s->what.since != LB_TIME_NONE, is_first = s->before == s->first;
    int64_t from = is_told && (is_first || s->what.since > s->before) ? s->what.since : s->before;
    return (s->after ? s->after : s->last) - (from < s->first ? from : s->first);
}

/* The server says when a wait began. */
static int64_t waited(const rehearsal_span *s)
{
    bool is_told = s->what.since != LB_TIME_NONE && s->what.since < s->first;
    return s->last - (is_told ? s->what.since : s->first);
}

static bool is_blocked(const rehearsal_span *s)
{
    return strcmp(s->what.kind, "blocked") == 0;
}

static bool waits_for(const rehearsal_span *wait, const rehearsal_span *held)
{
    int64_t end = held->after ? held->after : held->last, from = wait->last - waited(wait);
    return is_blocked(wait) && same(wait->what.relation, held->what.relation) && from <= end &&
           wait->last >= held->before && rehearsal_locks_conflict(held->what.mode, wait->what.mode);
}

/* Is it the first wait of its session that has to do with this lock? */
static bool is_new_session(const rehearsal_watched *w, size_t wait, const rehearsal_lock *lock)
{
    for (size_t i = 0; i < wait; i++)
        if (is_blocked(&w->spans[i]) && w->spans[i].what.pid == w->spans[wait].what.pid &&
            (!lock || (same(w->spans[i].what.relation, lock->relation) &&
                       rehearsal_locks_conflict(lock->mode, w->spans[i].what.mode))))
            return false;
    return true;
}

static bool was_waited_for(const rehearsal_watched *w, const rehearsal_lock *lock, const rehearsal_span *wait)
{
    for (size_t i = 0; i < w->span_count; i++) {
        const rehearsal_span *s = &w->spans[i];
        if (strcmp(s->what.kind, "held") == 0 && same(s->what.relation, lock->relation) &&
            same(s->what.mode, lock->mode) && waits_for(wait, s))
            return true;
    }
    return false;
}

static void count_waits(const rehearsal_watched *w, rehearsal_lock *lock)
{
    for (size_t i = 0; i < w->span_count; i++) {
        const rehearsal_span *s = &w->spans[i];
        if (!is_blocked(s) || !was_waited_for(w, lock, s))
            continue;
        lock->blocked += is_new_session(w, i, lock);
        lock->waited_us += waited(s);
        lock->longest_us = waited(s) > lock->longest_us ? waited(s) : lock->longest_us;
    }
}

static void add_lock(rehearsal_watched *w, const rehearsal_span *s)
{
    rehearsal_lock *lock = w->locks;
    while (lock < w->locks + w->lock_count &&
           !(same(lock->relation, s->what.relation) && same(lock->mode, s->what.mode)))
        lock++;
    if (lock == w->locks + w->lock_count)
        w->locks[w->lock_count++] = (rehearsal_lock){.relation = s->what.relation, .mode = s->what.mode};
    lock->times++;
    if (s->last - s->first >= lock->least_us) {
        lock->least_us = s->last - s->first;
        lock->most_us = at_most(s);
    }
}

static void add_wait(rehearsal_watched *w, const rehearsal_span *s)
{
    bool is_migration = !is_blocked(s);
    rehearsal_wait *wait = w->waits;
    while (wait < w->waits + w->wait_count &&
           !(wait->pid == s->what.pid && wait->is_migration == is_migration && same(wait->relation, s->what.relation) &&
             same(wait->mode, s->what.mode)))
        wait++;
    if (wait == w->waits + w->wait_count)
        w->waits[w->wait_count++] = (rehearsal_wait){.pid = s->what.pid,
                                                     .relation = s->what.relation,
                                                     .mode = s->what.mode,
                                                     .waited_us = -1,
                                                     .is_migration = is_migration};
    if (waited(s) <= wait->waited_us)
        return;
    wait->waited_us = waited(s);
    wait->application = s->what.application;
    wait->query = s->what.query;
}

static int compare_locks(const void *a, const void *b)
{
    const rehearsal_lock *x = a, *y = b;
    int by_level = rehearsal_lock_level(y->mode) - rehearsal_lock_level(x->mode);
    if (x->waited_us != y->waited_us)
        return x->waited_us < y->waited_us ? 1 : -1;
    return by_level ? by_level : strcmp(x->relation, y->relation);
}

static int compare_waits(const void *a, const void *b)
{
    const rehearsal_wait *x = a, *y = b;
    return x->waited_us < y->waited_us ? 1 : x->waited_us > y->waited_us ? -1 : x->pid < y->pid ? -1 : x->pid > y->pid;
}

int rehearsal_conclude(rehearsal_watched *w, lb_error *err)
{
    begin_look(w, w->this_look); /* there is none after the last one: what that saw is not over */
    w->looks--;
    w->locks = lb_alloc(w->ctx, (w->span_count + 1) * sizeof *w->locks);
    w->waits = lb_alloc(w->ctx, (w->span_count + 1) * sizeof *w->waits);
    if (!w->locks || !w->waits)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < w->span_count; i++) {
        const rehearsal_span *s = &w->spans[i];
        if (strcmp(s->what.kind, "held") == 0)
            add_lock(w, s);
        else
            add_wait(w, s);
        w->blocked += is_blocked(s) && is_new_session(w, i, NULL);
    }
    for (size_t i = 0; i < w->lock_count; i++)
        count_waits(w, &w->locks[i]);
    qsort(w->locks, w->lock_count, sizeof *w->locks, compare_locks);
    qsort(w->waits, w->wait_count, sizeof *w->waits, compare_waits);
    return 0;
}
