#include "replay_times.h"

#include <stdio.h>
#include <stdlib.h>

#define FINE 32

const char *replay_phase_name(replay_phase phase)
{
    static const char *const names[] = {
        [REPLAY_BEFORE] = "before", [REPLAY_DURING] = "during", [REPLAY_AFTER] = "after"};
    return names[phase];
}

static size_t bucket_of(int64_t us)
{
    unsigned shift = 0;
    for (uint64_t rest = us > 0 ? (uint64_t)us : 0; rest >= (uint64_t)2 * FINE; rest >>= 1)
        shift++;
    size_t bucket = (size_t)shift * FINE + (size_t)((uint64_t)(us > 0 ? us : 0) >> shift);
    return bucket < REPLAY_BUCKETS ? bucket : REPLAY_BUCKETS - 1;
}

/* The least duration of a bucket. */
static int64_t least_of(size_t bucket)
{
    size_t shift = bucket < (size_t)2 * FINE ? 0 : bucket / FINE - 1;
    return (int64_t)((bucket - shift * FINE) << shift);
}

/* client, number, duration, script, seconds, microseconds; and with a rate, how long after its turn it began, which is
 * part of the duration: the session was still busy with the one before. */
void replay_take_line(replay_times *times, const char *line)
{
    enum { DURATION = 2, SECONDS = 4, MICROSECONDS = 5, LAG = 6 };
    int64_t fields[LAG + 1] = {0};
    size_t count = 0;
    for (char *end = NULL; count <= LAG; line = end, count++) {
        fields[count] = strtoll(line, &end, 10);
        if (end == line)
            break;
    }
    if (count <= MICROSECONDS || fields[DURATION] < fields[LAG])
        return;
    int64_t took = fields[DURATION] - fields[LAG], ended = fields[SECONDS] * 1000000 + fields[MICROSECONDS];
    replay_phase phase = ended <= times->from        ? REPLAY_BEFORE
                         : ended - took >= times->to ? REPLAY_AFTER
                                                     : REPLAY_DURING;
    replay_spread *spread = &times->phases[phase];
    spread->count++;
    spread->longest_us = took > spread->longest_us ? took : spread->longest_us;
    spread->buckets[bucket_of(took)]++;
}

int64_t replay_percentile(const replay_spread *spread, double part)
{
    int64_t seen = 0, wanted = (int64_t)(part * (double)spread->count);
    for (size_t i = 0; i < REPLAY_BUCKETS; i++) {
        seen += spread->buckets[i];
        if (seen > wanted || (seen && seen == spread->count))
            return least_of(i);
    }
    return 0;
}
