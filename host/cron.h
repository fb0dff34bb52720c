/* cron.h: five-field cron expressions (minute hour day-of-month month day-of-week; lists, ranges, steps, names, the
 * @hourly family, and "@every 2s"). Day fields combine as cron does: when both are restricted, either one matches. */
#ifndef LBOPS_HOST_CRON_H
#define LBOPS_HOST_CRON_H

#include "zone.h"

typedef struct cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit n stands for value n; Sunday is 0 */
    bool any_day, any_weekday;
    uint32_t every_s; /* 0: by the fields; otherwise its times are the multiples of so many seconds, counted in UTC */
} cron;

/* The message names the field and the bad part. */
LB_MUST_CHECK int cron_parse(const char *text, cron *ret_cron, lb_error *err);

bool cron_matches(const cron *c, int minute, int hour, int day, int month, int weekday);

/* The first time after `after` (microseconds, UTC) that matches in UTC; INT64_MAX when none comes within 30 years ("0 0
 * 30 2 *"). */
int64_t cron_next_utc(const cron *c, int64_t after);

/* The first time after `after` in a zone (NULL: UTC), and the last one before `before` (INT64_MIN when none came within
 * 30 years). Where the clock is put forward, a time that it passes over comes at the moment of that. Where it is put
 * back, a pattern that names hours comes once, the first time; one that leaves the hours open goes on evenly. */
int64_t cron_next(const cron *c, const zone *z, int64_t after);
int64_t cron_previous(const cron *c, const zone *z, int64_t before);

/* The shortest time between two of its times, in seconds (a day that changes its length left aside): what "every so
 * often" means for it. 30 years for what comes once at most. */
int64_t cron_period_s(const cron *c);

#endif
