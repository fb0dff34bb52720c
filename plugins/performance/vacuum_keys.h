/* vacuum_keys.h: keys that run out of values: sequences, and the columns that they feed or that applications number
 * themselves, held against the end of their range. */
#ifndef LBOPS_VACUUM_KEYS_H
#define LBOPS_VACUUM_KEYS_H

#include <lbops/lbops.h>

/* How far a counter has come on its way from start to end, downwards where step is negative. */
typedef struct vacuum_key_range {
    double value, start, step;
    double lowest;      /* of the sequence itself; the highest where step is negative */
    double bottom, top; /* of whichever is narrower, it or its column */
} vacuum_key_range;

/* From 0 to 1: a start within the range is none that leaves room behind it, unless it is the range's own. */
double vacuum_key_share(const vacuum_key_range *range);

/* Until no value is left, when it moved so far in so long; -1: it did not move on, or nobody knows. */
double vacuum_key_days(const vacuum_key_range *range, double earlier, double seconds);

typedef struct vacuum_keys_limits {
    double warning, critical; /* shares */
    double rate_hours;
} vacuum_keys_limits;

typedef struct vacuum_keys {
    int64_t examined, past;
    double worst;           /* share */
    const char *worst_name; /* NULL: none is near its end */
} vacuum_keys;

/* Reports each key past a limit, and notes how far those stand that have used half of their range. What cannot be read
 * is said and no failure. */
LB_MUST_CHECK int vacuum_keys_look(lb_ctx *ctx, const vacuum_keys_limits *limits, vacuum_keys *ret_keys, lb_error *err);

#endif
