/* idle_gaps.h: how long a branch was left alone each time, and what another suspend timeout would have made of that.
 * Arithmetic alone. */
#ifndef LBOPS_IDLE_GAPS_H
#define LBOPS_IDLE_GAPS_H

#include <stddef.h>
#include <stdint.h>

typedef enum idle_state { IDLE_ACTIVE, IDLE_QUIET, IDLE_ASLEEP } idle_state;

/* What was seen at a moment: of the time since the sight before, or of the moment itself. */
typedef struct idle_sight {
    int64_t at; /* microseconds */
    idle_state state;
} idle_sight;

typedef struct idle_gaps {
    double *seconds; /* each gap, sorted; those that had not ended are not among them */
    size_t count;    /* gaps that ended with activity: each could have been a cold start */
    double open;     /* the last one, which goes on; 0: none */
    double active;   /* seconds in which something was done */
    double observed; /* seconds between sights that are near enough */
    double unseen;   /* seconds for which nobody looked */
    double spacing;  /* median seconds between sights while awake: gaps are known no better than that */
    size_t wakes;    /* times that somebody woke a sleeping compute */
} idle_gaps;

/* Sights in order of time. `room` holds as many doubles as there are sights. Where nobody looked for longer than
 * most_silence microseconds, a gap is given up rather than guessed. */
void idle_gaps_find(const idle_sight *sights, size_t count, int64_t most_silence, double *room, idle_gaps *ret_gaps);

/* What a timeout would have done in the time observed. */
typedef struct idle_choice {
    double timeout;     /* seconds; INFINITY: it never sleeps */
    double awake;       /* seconds */
    size_t cold_starts; /* gaps that are longer */
    double p95_wake;    /* seconds: of 100 times that work begins anew, 95 wait no longer; 0 where it is mostly awake */
} idle_choice;

/* wake: seconds that a start takes. */
void idle_choice_of(const idle_gaps *gaps, double timeout, double wake, idle_choice *ret_choice);

typedef struct idle_bounds {
    double least;             /* timeouts below so many seconds are left out, */
    double most_starts_a_day; /* those with more cold starts, */
    double most_p95_wake;     /* and those with longer waits */
} idle_bounds;

/* The best of the choices within the bounds: least time awake, with each cold start counted as so many seconds of it.
 * Returns its index, or `count` if none is left. */
size_t idle_choose(const idle_gaps *gaps, const idle_choice *choices, size_t count, const idle_bounds *bounds,
                   double start_worth);

#endif
