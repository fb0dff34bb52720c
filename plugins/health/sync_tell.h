/* sync_tell.h: what is said of a comparison: a row of history, an event where a copy is not what it should be, a
 * finding, and the pair's part of the result. */
#ifndef LBOPS_HEALTH_SYNC_TELL_H
#define LBOPS_HEALTH_SYNC_TELL_H

#include "sync_compare.h"

#define SYNC_WRITES "sync_validation_history"
#define SYNC_EMITS  "sync.drift_detected"

typedef struct sync_tally {
    int64_t pairs, healthy, issues, not_compared;
} sync_tally;

/* Counts and latest changes of one pair; *ret_status is what the row says. */
LB_MUST_CHECK int sync_tell_completeness(lb_ctx *ctx, const sync_args *args, const sync_pair *pair,
                                         const sync_counts *counts, const char **ret_status, lb_error *err);
LB_MUST_CHECK int sync_tell_integrity(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                                      const sync_difference *difference, const char **ret_status, lb_error *err);
LB_MUST_CHECK int sync_tell_freshness(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                                      const char **ret_status, lb_error *err);

/* Does `check` for each pair that the parameters mean, counts and ends the run. */
typedef int (*sync_check)(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err);
LB_MUST_CHECK int sync_each_pair(lb_ctx *ctx, sync_check check, lb_error *err);
void sync_note(sync_tally *tally, const char *status);

/* Compares, and once more where the copy has moved meanwhile and a difference was found. */
LB_MUST_CHECK int sync_compare_settled(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts,
                                       sync_difference *difference, lb_error *err);

#endif
