/* health_alert.h: when a breach is told, and when it is over. Pure: no clock, no host.
 *
 * Between the limit and the clear level nothing changes. A value that swings across both is told once as flapping and
 * resolves when it has come to rest. What was told once is told again only when it gets worse, or as a reminder. */
#ifndef LBOPS_HEALTH_ALERT_H
#define LBOPS_HEALTH_ALERT_H

#include "health_metrics.h"

typedef enum health_grade { HEALTH_NORMAL, HEALTH_WARNING, HEALTH_CRITICAL } health_grade;

typedef enum health_change {
    HEALTH_NOTHING,
    HEALTH_OPENED,
    HEALTH_ESCALATED,
    HEALTH_REMINDED, /* still open, after its time */
    HEALTH_RESOLVED
} health_change;

/* What is remembered of one alert: of a metric and, where there is one, an object. */
typedef struct health_alert {
    health_grade grade, told;  /* of the last sight; the worst that was told, HEALTH_NORMAL: it is closed */
    int breaches, clears;      /* in a row */
    int criticals, unknowns;   /* likewise */
    int64_t since, told_at;    /* when it was first past its limit; when it was last told */
    uint32_t swings;           /* a bit for each of the last sights, the newest lowest: did it change sides? */
    bool is_past, is_flapping; /* the side that it was last on */
    bool is_silenced;          /* it would be told, but for a pause */
} health_alert;

typedef struct health_sight {
    bool known;
    health_grade grade;
    bool is_clear; /* at the clear level or better */
    bool at_once;  /* so bad that one sight is enough */
    bool paused;
    bool falls; /* it gets better by itself */
    int64_t at; /* microseconds */
} health_sight;

typedef struct health_habits {
    int64_t fire_after, clear_after; /* sights in a row; 0: as the metric's rule has it */
    double remind_critical_s, remind_warning_s;
} health_habits;

/* What was asked for, for one metric: nothing in it is 0 because nobody said. */
health_habits health_habits_for(const health_habits *asked, health_alert_id id);

health_grade health_grade_of(const health_limits *limits, double value);

health_change health_judge(health_alert *alert, const health_sight *sight, const health_habits *habits);

/* The share of the last sights at which it changed sides, newer ones counting for more: 0 to 1. */
double health_swing(uint32_t swings);

/* The level that counts as clear: a tenth inside the first limit, of the way to 0 or, of what is breached from below,
 * to 1. */
double health_clear_level(const health_limits *limits);
bool health_is_clear(const health_limits *limits, double value);

#endif
