/* vacuum_trial.h: what became of an earlier tuning: each is a trial that is held against how autovacuum behaved since.
 */
#ifndef LBOPS_VACUUM_TRIAL_H
#define LBOPS_VACUUM_TRIAL_H

#include "vacuum_options.h"
#include "vacuum_scan.h"

#include <sql/vacuum/tunings.h>

typedef struct vacuum_trial {
    const char *id;   /* of the operation that set it */
    double hours;     /* since it was set */
    bool is_settled;  /* what became of it stands in history */
    bool is_in_place; /* nobody has set anything else since */
    bool was_revert;  /* it took an earlier one back */
    double runs;      /* of autovacuum since; negative: neither counters nor notes reach back */
    double base;      /* runs before; negative: unknown, or not asked for */
    double runs_per_hour;
    bool is_least;        /* they are from notes: the server has begun to count anew since */
    double time_share;    /* part of the time that vacuums took; negative: the server does not count it (before 18) */
    vacuum_options old;   /* to set again */
    vacuum_options fresh; /* to reset: there was nothing before */
} vacuum_trial;

#define VACUUM_REVERT "taken back: "

/* Whether history has a tuning of this table, and what is known of it. */
LB_MUST_CHECK int vacuum_find_trial(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v,
                                    const vacuum_tunings_row *tunings, size_t count, vacuum_trial *ret_trial,
                                    bool *ret_found, lb_error *err);

/* All tunings of the last thirty days; none where history cannot be asked. */
LB_MUST_CHECK int vacuum_read_tunings(lb_ctx *ctx, const vacuum_scan *scan, vacuum_tunings_row **ret_tunings,
                                      size_t *ret_count, lb_error *err);

#endif
