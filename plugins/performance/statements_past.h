/* statements_past.h: what history has of the epoch that runs: the last snapshot, and the texts that are known. */
#ifndef LBOPS_STATEMENTS_PAST_H
#define LBOPS_STATEMENTS_PAST_H

#include "statements_source.h"

/* Written with each snapshot, so that one in which nothing moved is known as well; its value are the evictions so far.
 */
#define STATEMENTS_SNAPSHOT_METRIC "pg_stat_statements_dealloc_at_snapshot"

typedef struct statements_past {
    statements_ledger *ledger;
    int64_t taken_at;    /* of the last snapshot in this epoch; LB_TIME_NONE: there is none */
    bool is_first;       /* there is no history yet */
    const char *why_not; /* why history could not be asked, or NULL */
} statements_past;

LB_MUST_CHECK int statements_read_past(lb_ctx *ctx, const statements_source *s, int server_version,
                                       statements_past *ret_past, lb_error *err);

#endif
