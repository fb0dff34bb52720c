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
    double warning, high, critical;     /* shares */
    double warning_days, critical_days; /* that are left */
    double rate_hours;                  /* that a rate is taken over */
} vacuum_keys_limits;

typedef enum vacuum_key_level {
    VACUUM_KEY_SAFE = 0,
    VACUUM_KEY_WARNING,
    VACUUM_KEY_HIGH,
    VACUUM_KEY_CRITICAL
} vacuum_key_level;

vacuum_key_level vacuum_key_level_of_share(double share, const vacuum_keys_limits *limits);

/* By the days that are left at a rate that was seen for so long. What a load of minutes has used up says nothing of the
 * days to come: a quarter of rate_hours has to be seen. */
vacuum_key_level vacuum_key_level_of_days(double days, double seconds, const vacuum_keys_limits *limits);

typedef struct vacuum_keys {
    int64_t examined, past;
    double worst;           /* share */
    const char *worst_name; /* NULL: none is near its end */
    double days;            /* the fewest that are left, where a rate was seen for long enough; -1: of none */
    const char *days_name;
    double days_share;    /* of that key */
    bool has_unseen_rate; /* of one that has come a good part of its way */
} vacuum_keys;

/* Reports each key past a limit, and notes how far those stand that have used a quarter of their range. What cannot be
 * read is said and no failure. */
LB_MUST_CHECK int vacuum_keys_look(lb_ctx *ctx, const char *database, const vacuum_keys_limits *limits,
                                   vacuum_keys *ret_keys, lb_error *err);

#endif
