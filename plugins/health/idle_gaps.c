#include "idle_gaps.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define SECOND     1e6
#define DAY_S      86400.0
#define TAIL_SHARE 0.05 /* of the times that work begins anew */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sights at a compute that was awake: how finely the work on it is seen. */
static double spacing_of(const idle_sight *sights, size_t count, double *room)
{
    size_t n = 0;
    for (size_t i = 1; i < count; i++)
        if (sights[i].state != IDLE_ASLEEP && sights[i - 1].state != IDLE_ASLEEP)
            room[n++] = (double)(sights[i].at - sights[i - 1].at) / SECOND;
    qsort(room, n, sizeof *room, ascending);
    return n ? room[n / 2] : 0;
}

static void end_gap(idle_gaps *g, double gap)
{
    if (gap > 0)
        g->seconds[g->count++] = gap;
}

void idle_gaps_find(const idle_sight *sights, size_t count, int64_t most_silence, double *room, idle_gaps *ret_gaps)
{
    idle_gaps g = {.seconds = room, .spacing = spacing_of(sights, count, room)};
    double gap = 0;
    for (size_t i = 1; i < count; i++) {
        int64_t since = sights[i].at - sights[i - 1].at;
        double seconds = (double)since / SECOND;
        /* nobody of ours wakes a compute, so one that sleeps no longer was woken */
        bool is_woken = sights[i - 1].state == IDLE_ASLEEP && sights[i].state != IDLE_ASLEEP;
        if (since > most_silence) {
            g.unseen += seconds;
            gap = 0;
            continue;
        }
        g.observed += seconds;
        g.wakes += is_woken;
        if (is_woken) { /* it slept nearly to the end of this span */
            end_gap(&g, gap + seconds);
            gap = 0;
        } else if (sights[i].state == IDLE_ACTIVE) {
            g.active += seconds;
            end_gap(&g, gap);
            gap = 0;
        } else {
            gap += seconds;
        }
    }
    g.open = gap;
    qsort(g.seconds, g.count, sizeof *g.seconds, ascending);
    *ret_gaps = g;
}

void idle_choice_of(const idle_gaps *gaps, double timeout, double wake, idle_choice *ret_choice)
{
    idle_choice c = {.timeout = timeout, .awake = gaps->active + fmin(gaps->open, timeout)};
    for (size_t i = 0; i < gaps->count; i++) {
        c.awake += fmin(gaps->seconds[i], timeout);
        c.cold_starts += gaps->seconds[i] > timeout;
    }
    c.p95_wake = (double)c.cold_starts > TAIL_SHARE * (double)gaps->count ? wake : 0;
    *ret_choice = c;
}

static bool is_within(const idle_choice *c, const idle_bounds *bounds, double days)
{
    return c->timeout >= bounds->least && (double)c->cold_starts <= bounds->most_starts_a_day * days &&
           c->p95_wake <= bounds->most_p95_wake;
}

size_t idle_choose(const idle_gaps *gaps, const idle_choice *choices, size_t count, const idle_bounds *bounds,
                   double start_worth)
{
    double best = INFINITY, days = gaps->observed / DAY_S;
    size_t chosen = count;
    for (size_t i = 0; i < count; i++) {
        const idle_choice *c = &choices[i];
        double price = c->awake + (double)c->cold_starts * start_worth;
        if (is_within(c, bounds, days) && price < best) {
            best = price;
            chosen = i;
        }
    }
    return chosen;
}
