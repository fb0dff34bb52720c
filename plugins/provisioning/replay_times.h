/* replay_times.h: how long the workload's statements took before, during and after the migration, from the log that
 * pgbench writes. Pure. */
#ifndef LBOPS_PROVISIONING_REPLAY_TIMES_H
#define LBOPS_PROVISIONING_REPLAY_TIMES_H

#include <lbops/lbops.h>

/* A duration is in the bucket of its 32nd part of a power of two, so that a figure is at most 3 % too small. */
#define REPLAY_BUCKETS ((size_t)32 * 60)

typedef enum replay_phase { REPLAY_BEFORE, REPLAY_DURING, REPLAY_AFTER, REPLAY_PHASES } replay_phase;

typedef struct replay_spread {
    int64_t count, longest_us;
    int64_t buckets[REPLAY_BUCKETS];
} replay_spread;

typedef struct replay_times {
    int64_t from, to; /* of the migration, in microseconds since 1970 */
    replay_spread phases[REPLAY_PHASES];
} replay_times;

const char *replay_phase_name(replay_phase phase); /* "before" "during" "after" */

/* One line of the log; what is none is left out. A statement that was under way at any moment of the migration belongs
 * to "during". */
void replay_take_line(replay_times *times, const char *line);

/* The duration that this part of all (0.5, 0.99) did not exceed; 0 where there are none. */
int64_t replay_percentile(const replay_spread *spread, double part);

#endif
