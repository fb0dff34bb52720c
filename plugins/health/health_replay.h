/* health_replay.h: what other limits would have told of the same readings. Pure: no clock, no host. */
#ifndef LBOPS_HEALTH_REPLAY_H
#define LBOPS_HEALTH_REPLAY_H

#include "health_alert.h"

#define HEALTH_EVALUATION_US (INT64_C(300) * 1000000) /* how often limits are held against figures */

typedef struct health_moment {
    int64_t at;
    double value;
    const char *object; /* or NULL; moments of one object stand together, in the order of time */
} health_moment;

/* From when it was told until it was over; until 0: it was not, by the last reading. */
typedef struct health_episode {
    int64_t from, until;
    double worst;
    const char *object;
    bool is_shared; /* the other side told of it, too */
} health_episode;

typedef struct health_side {
    health_limits limits;
    health_habits habits;
    double at_once; /* as in the rule */
    bool may_fall;  /* nothing opens by it while it does */
    int64_t told;   /* messages: opened, escalated, reminded */
    double open_s;
    health_episode *episodes;
    size_t count, capacity; /* the caller gives room for as many as there are moments */
} health_side;

/* At which interval the figure is read, and until when it has been, whether or not there was something to read. */
typedef struct health_span {
    int64_t interval, until;
} health_span;

/* The median of what lies between two moments of one object, and no less than the interval of an evaluation. The caller
 * gives room for as many numbers as there are moments. */
int64_t health_replay_interval(const health_moment *moments, size_t count, int64_t *room);

/* Judges the moments for each of the two as an evaluation at that time would have. What was not read for several
 * intervals has gone, and that is a clear sight. */
void health_replay(const health_moment *moments, size_t count, const health_span *span, health_side *now,
                   health_side *then);

#endif
