#include "health_replay.h"

#include "health_past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND      1e6
#define GONE_AFTER  3   /* intervals without a reading */
#define MOST_CLEARS 120 /* sights of what has gone: more than habits and swings look back on */

static bool is_worse(const health_limits *limits, double value, double than)
{
    return limits->below ? value < than : value > than;
}

static void close_episode(health_side *side, int64_t at)
{
    health_episode *e = &side->episodes[side->count - 1];
    e->until = at;
    side->open_s += (double)(at - e->from) / SECOND;
}

static void judge(health_side *side, health_alert *alert, const health_moment *m, const health_fall *fall)
{
    const health_sight sight = {.known = true,
                                .grade = health_grade_of(&side->limits, m->value),
                                .is_clear = health_is_clear(&side->limits, m->value),
                                .at_once = !isnan(side->at_once) && m->value >= side->at_once,
                                .falls = side->may_fall && health_falls(fall, m->at),
                                .at = m->at};
    health_change change = health_judge(alert, &sight, &side->habits);
    side->told += change == HEALTH_OPENED || change == HEALTH_ESCALATED || change == HEALTH_REMINDED;
    if (change == HEALTH_OPENED && side->count < side->capacity)
        side->episodes[side->count++] = (health_episode){.from = m->at, .worst = m->value, .object = m->object};
    if (alert->told != HEALTH_NORMAL && side->count) {
        health_episode *e = &side->episodes[side->count - 1];
        e->worst = is_worse(&side->limits, m->value, e->worst) ? m->value : e->worst;
    }
    if (change == HEALTH_RESOLVED && side->count)
        close_episode(side, m->at);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- what is not read any more ---- */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t health_replay_interval(const health_moment *moments, size_t count, int64_t *room)
{
    size_t n = 0;
    for (size_t i = 1; i < count; i++)
        if (same(moments[i].object, moments[i - 1].object))
            room[n++] = moments[i].at - moments[i - 1].at;
    if (n)
        qsort(room, n, sizeof *room, ascending);
    int64_t usual = n ? room[(n - 1) / 2] : 0;
    return usual > HEALTH_EVALUATION_US ? usual : HEALTH_EVALUATION_US;
}

/* From its last reading on an evaluation at each interval would have seen that it is not there. */
static void pass_gap(health_side *side, health_alert *alert, int64_t last, int64_t next, int64_t interval)
{
    if (next - last <= GONE_AFTER * interval)
        return;
    for (int64_t k = 1; k <= MOST_CLEARS && last + k * interval < next; k++) {
        const health_sight gone = {.known = true, .is_clear = true, .at = last + k * interval};
        if (health_judge(alert, &gone, &side->habits) == HEALTH_RESOLVED && side->count)
            close_episode(side, gone.at);
    }
}

/* What is open at the end of one object's readings has lasted that long. */
static void end_object(health_side *side, const health_alert *alert, int64_t at)
{
    if (alert->told != HEALTH_NORMAL && side->count)
        side->open_s += (double)(at - side->episodes[side->count - 1].from) / SECOND;
}

static void run(health_side *side, const health_moment *moments, size_t count, const health_span *span)
{
    health_alert alert = {0};
    health_fall fall = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count || !same(moments[i].object, moments[i + 1].object);
        fall = health_fall_after(&fall, moments[i].value, moments[i].at);
        judge(side, &alert, &moments[i], &fall);
        pass_gap(side, &alert, moments[i].at, is_last ? span->until : moments[i + 1].at, span->interval);
        if (is_last) {
            end_object(side, &alert, moments[i].at);
            alert = (health_alert){0};
            fall = (health_fall){0};
        }
    }
}

static bool overlap(const health_episode *a, const health_episode *b)
{
    return same(a->object, b->object) && (!b->until || a->from <= b->until) && (!a->until || b->from <= a->until);
}

static void share(health_side *side, const health_side *other)
{
    for (size_t i = 0; i < side->count; i++)
        for (size_t k = 0; k < other->count && !side->episodes[i].is_shared; k++)
            side->episodes[i].is_shared = overlap(&side->episodes[i], &other->episodes[k]);
}

void health_replay(const health_moment *moments, size_t count, const health_span *span, health_side *now,
                   health_side *then)
{
    run(now, moments, count, span);
    run(then, moments, count, span);
    share(now, then);
    share(then, now);
}
