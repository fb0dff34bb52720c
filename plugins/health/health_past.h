/* health_past.h: what a figure of now is measured against: earlier readings of one number that rises, in the order of
 * time. Pure: no clock, no host. */
#ifndef LBOPS_HEALTH_PAST_H
#define LBOPS_HEALTH_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_MOST_PAST    128
#define HEALTH_HOUR_US      (INT64_C(3600) * 1000000)
#define HEALTH_HOUR_MOST_US (INT64_C(4500) * 1000000) /* what is called an hour is no longer than that */

typedef struct health_point {
    int64_t at, value; /* at: microseconds */
} health_point;

/* What a count of the last hour begins with: the youngest point that is an hour old, or the oldest that is younger.
 * false: all of them are older than that, or there are none. */
bool health_past_hour(const health_point *points, size_t count, int64_t now, health_point *ret_first);

/* What was counted over so many seconds gives a rate of an hour: a quarter of it at least was seen, and no more than
 * what is called an hour. One in a moment would be thousands. */
bool health_past_tells_rate(double seconds);

/* Seconds since the number has been above a value, as far as is known for certain; 0: it is not, or only now. */
double health_past_above(const health_point *points, size_t count, const health_point *now, int64_t value);

/* What is to be remembered: the points since then, of a number that has not fallen, and the one of now. Where there is
 * no room, older ones are thinned out. Returns how many there are. */
size_t health_past_keep(const health_point *points, size_t count, const health_point *now, int64_t since,
                        health_point ret_kept[HEALTH_MOST_PAST]);

/* A number that falls from time to time, as an age does while tables are frozen one after the other. */
typedef struct health_fall {
    double value, top; /* of the last reading; what it has fallen from */
    int64_t at;        /* when it fell last; 0: it did not, or is at its top again */
} health_fall;

/* before: all 0 where there is none. */
health_fall health_fall_after(const health_fall *before, double value, int64_t at);
/* It has fallen within the last hour, and is not where it was. */
bool health_falls(const health_fall *fall, int64_t now);

#endif
