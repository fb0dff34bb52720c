/* vacuum_rewrite.h: what writing a table anew would gain and cost. */
#ifndef LBOPS_VACUUM_REWRITE_H
#define LBOPS_VACUUM_REWRITE_H

#include "vacuum_log.h"

#include <sql/vacuum/rewrite.h>

typedef struct vacuum_rewrite {
    vacuum_relation table;
    vacuum_rewrite_row facts;
    vacuum_size_row size;
    double gain_bytes, gain_ratio; /* of the heap; 0 where nobody can tell */
    bool gain_known;
    double lock_s;                    /* how long everybody will be locked out */
    int64_t needs_bytes;              /* for the copy beside the original */
    int64_t free_bytes;               /* negative: not to be known from here */
    const char *disk;                 /* what is known of the room, as a sentence */
    const char *locked_by;            /* who has a lock now, or NULL */
    const char *hidden_by;            /* behind whose lock its size was not read, or NULL */
    const vacuum_horizon_row *holder; /* who may still see dead rows, or NULL */
    double kept_ratio; /* of the rows: dead, and copied because of the holder, as the last vacuum showed */
} vacuum_rewrite_plan;

/* Fails where there is no such table, or none that can be written anew. */
LB_MUST_CHECK int vacuum_plan_rewrite(lb_ctx *ctx, const vacuum_scan *scan, const char *schema, const char *table,
                                      double bytes_per_s, int64_t lock_timeout_ms, vacuum_rewrite_plan *ret_plan,
                                      lb_error *err);

/* Whose transaction, older than so many seconds, makes a rewrite copy dead rows. */
void vacuum_weigh_holder(const vacuum_scan *scan, double holder_seconds, vacuum_rewrite_plan *p);

/* For the person who decides. */
const lb_value *vacuum_rewrite_evidence(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p,
                                        int64_t lock_timeout_ms);

#endif
