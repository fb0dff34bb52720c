/* vacuum_pace.h: whether upkeep may go on: the hours of the day that it was given, and the load that it sees. */
#ifndef LBOPS_VACUUM_PACE_H
#define LBOPS_VACUUM_PACE_H

#include "vacuum_window.h"

typedef struct vacuum_pace {
    const char *window;
    int64_t most_active; /* client sessions at work */
    double growth;       /* times as many as at the start */
    double look_seconds; /* while a table is worked on: so often, */
    int64_t looks;       /* and in so many looks in a row they have to be too many */
    int64_t active_at_start;
} vacuum_pace;

/* How busy it is before we begin. */
LB_MUST_CHECK int vacuum_pace_begin(lb_ctx *ctx, vacuum_pace *pace, lb_error *err);

/* Why nothing further is to be begun; NULL in *ret_why: go on. */
LB_MUST_CHECK int vacuum_pace_ask(lb_ctx *ctx, const vacuum_pace *pace, const char **ret_why, lb_error *err);

/* Has what is done in the group yield to others: see lb_group_yield. */
LB_MUST_CHECK int vacuum_pace_watch(lb_ctx *ctx, const vacuum_pace *pace, lb_group *group, lb_error *err);

#endif
