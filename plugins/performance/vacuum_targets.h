/* vacuum_targets.h: which tables a run of schedule_vacuum_analyze takes up, and in which order. */
#ifndef LBOPS_VACUUM_TARGETS_H
#define LBOPS_VACUUM_TARGETS_H

#include "vacuum_due.h"

typedef struct vacuum_target {
    const vacuum_relation *relation; /* never a TOAST table: its main table's vacuum does it too */
    const char *why;                 /* of a partitioned one; NULL: what is due says it */
    unsigned due;
    double urgency;
} vacuum_target;

typedef struct vacuum_targets {
    vacuum_target *items; /* worst first */
    size_t count;
} vacuum_targets;

/* What is due, partitioned tables that want an ANALYZE too; what cannot be vacuumed from here is skipped with its
 * reason. */
LB_MUST_CHECK int vacuum_targets_due(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_limits *limits,
                                     vacuum_targets *ret_targets, lb_error *err);

/* Those that were asked for ("orders" or "public.orders"), due or not; a partitioned table stands for its leaves, and
 * is analyzed itself where that is due: limits. */
LB_MUST_CHECK int vacuum_targets_named(lb_ctx *ctx, const vacuum_scan *scan, const lb_texts *names,
                                       const vacuum_limits *limits, vacuum_targets *ret_targets, lb_error *err);

#endif
