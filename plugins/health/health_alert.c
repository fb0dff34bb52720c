#include "health_alert.h"

#include <math.h>

#define SIGHTS      20   /* changes that are looked back on */
#define FLAPS_FROM  0.20 /* from this share of changes on it flaps, and ... */
#define FLAPS_UNTIL 0.05 /* ... until it is below this one */
#define INSIDE      0.1
#define MICROS      1000000.0

health_habits health_habits_for(const health_habits *asked, health_alert_id id)
{
    health_habits habits = *asked;
    if (!habits.fire_after)
        habits.fire_after = health_alert_rules[id].fire_after;
    if (!habits.clear_after)
        habits.clear_after = health_alert_rules[id].clear_after;
    return habits;
}

double health_swing(uint32_t swings)
{
    double sum = 0;
    for (unsigned i = 0; i < SIGHTS; i++) /* weights fall from 1.2 to 0.8 */
        sum += swings >> i & 1 ? 1.2 - 0.4 * i / (SIGHTS - 1) : 0;
    return sum / SIGHTS;
}

static void note_side(health_alert *a, const health_sight *s)
{
    bool is_past = s->grade > HEALTH_NORMAL || (a->is_past && !s->is_clear); /* between the levels: as it was */
    a->swings = (a->swings << 1 | (is_past != a->is_past)) & ((UINT32_C(1) << SIGHTS) - 1);
    a->is_past = is_past;
    if (health_swing(a->swings) > FLAPS_FROM)
        a->is_flapping = true;
    else if (health_swing(a->swings) < FLAPS_UNTIL)
        a->is_flapping = false;
}

static void count(health_alert *a, const health_sight *s)
{
    bool breach = s->grade > HEALTH_NORMAL;
    if (breach && !a->since)
        a->since = s->at;
    a->grade = s->grade;
    a->breaches = breach ? a->breaches + 1 : 0;
    a->criticals = s->grade == HEALTH_CRITICAL ? a->criticals + 1 : 0;
    a->clears = s->is_clear && !breach ? a->clears + 1 : 0;
}

static health_change tell(health_alert *a, health_grade grade, int64_t at, health_change change)
{
    a->told = grade;
    a->told_at = at;
    a->is_silenced = false;
    return change;
}

static health_change judge_breach(health_alert *a, const health_sight *s, const health_habits *h)
{
    bool is_critical = s->grade == HEALTH_CRITICAL && (s->at_once || a->criticals >= h->fire_after);
    health_grade due = is_critical ? HEALTH_CRITICAL : HEALTH_WARNING;
    if (!is_critical && a->breaches < h->fire_after)
        return HEALTH_NOTHING;
    if (s->falls && due > a->told) /* what was told stands until it is well */
        return HEALTH_NOTHING;
    if (s->paused) {
        a->is_silenced = due > a->told;
        return HEALTH_NOTHING;
    }
    if (a->told == HEALTH_NORMAL)
        return tell(a, due, s->at, HEALTH_OPENED);
    if (due > a->told)
        return tell(a, due, s->at, HEALTH_ESCALATED);
    double wait = a->told == HEALTH_CRITICAL ? h->remind_critical_s : h->remind_warning_s;
    if (wait > 0 && (double)(s->at - a->told_at) >= wait * MICROS)
        return tell(a, a->told, s->at, HEALTH_REMINDED);
    return HEALTH_NOTHING;
}

static health_change judge_clear(health_alert *a, const health_habits *h)
{
    health_change change = a->told == HEALTH_NORMAL ? HEALTH_NOTHING : HEALTH_RESOLVED;
    if (a->clears < h->clear_after || (a->is_flapping && a->told != HEALTH_NORMAL))
        return HEALTH_NOTHING;
    a->told = HEALTH_NORMAL;
    a->since = a->told_at = 0;
    a->is_silenced = false;
    return change;
}

health_change health_judge(health_alert *a, const health_sight *s, const health_habits *h)
{
    if (!s->known) { /* no data is neither good nor bad */
        a->unknowns++;
        return HEALTH_NOTHING;
    }
    a->unknowns = 0;
    note_side(a, s);
    count(a, s);
    if (s->grade > HEALTH_NORMAL)
        return judge_breach(a, s, h);
    return judge_clear(a, h);
}

static bool is_past(const health_limits *limits, double limit, double value)
{
    return !isnan(limit) && (limits->below ? value < limit : value > limit);
}

health_grade health_grade_of(const health_limits *limits, double value)
{
    if (is_past(limits, limits->critical, value))
        return HEALTH_CRITICAL;
    return is_past(limits, limits->warning, value) ? HEALTH_WARNING : HEALTH_NORMAL;
}

static double first_limit(const health_limits *limits)
{
    return isnan(limits->warning) ? limits->critical : limits->warning;
}

double health_clear_level(const health_limits *limits)
{
    double limit = first_limit(limits);
    return limits->below ? limit + INSIDE * fabs(1 - limit) : limit - INSIDE * fabs(limit);
}

bool health_is_clear(const health_limits *limits, double value)
{
    double level = health_clear_level(limits);
    return limits->below ? value >= level : value <= level;
}
