/* vacuum_pace.h: whether upkeep may go on: the hours of the day that it was given, and the load that it sees. */
#ifndef LBOPS_VACUUM_PACE_H
#define LBOPS_VACUUM_PACE_H

#include <lbops/lbops.h>

/* "22:00-05:30", UTC; the end is not part of it. LB_ERR_INVALID where it is no window; "auto" is one to be learned,
 * NULL one that never ends. */
LB_MUST_CHECK int vacuum_check_window(const char *window, lb_error *err);
bool vacuum_in_window(const char *window, int64_t now);

/* "auto": the three hours in a row of least traffic, from two weeks of history; *ret_window is NULL where history has
 * too little of it, and *ret_from says so. Any other window is itself. */
LB_MUST_CHECK int vacuum_learn_window(lb_ctx *ctx, const char *wanted, const char **ret_window, const char **ret_from,
                                      lb_error *err);

/* The first of the three known hours in a row with the least of 24 sums; -1: there are none, as unknown ones (negative)
 * lie between. Pure. */
int vacuum_quiet_hour(const double calls[24]);

typedef struct vacuum_pace {
    const char *window;
    int64_t most_active; /* client sessions at work */
    double growth;       /* times as many as at the start */
    int64_t active_at_start;
} vacuum_pace;

/* How busy it is before we begin. */
LB_MUST_CHECK int vacuum_pace_begin(lb_ctx *ctx, vacuum_pace *pace, lb_error *err);

/* Why nothing further is to be begun; NULL in *ret_why: go on. */
LB_MUST_CHECK int vacuum_pace_ask(lb_ctx *ctx, const vacuum_pace *pace, const char **ret_why, lb_error *err);

#endif
