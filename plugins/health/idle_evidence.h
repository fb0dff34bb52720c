/* idle_evidence.h: what history has seen of a branch's idleness, and what its compute costs. */
#ifndef LBOPS_IDLE_EVIDENCE_H
#define LBOPS_IDLE_EVIDENCE_H

#include "idle_gaps.h"

#include <lbops/lbops.h>

typedef struct idle_wish {
    int64_t days, most_silence_minutes;
    double quiet_calls;   /* executions between two readings that count as nobody's work */
    double price_per_dbu; /* 0: the last one in the billing data that history keeps */
} idle_wish;

typedef struct idle_evidence {
    idle_gaps gaps;
    int64_t sights;
    bool sees_statements; /* else samples of sessions are all there is */
    double price_per_dbu; /* 0: not known */
    const char *currency, *price_from;
} idle_evidence;

/* Where there is no history yet, there are no sights, and *ret_why says so; else it is NULL. */
LB_MUST_CHECK int idle_evidence_read(lb_ctx *ctx, const idle_wish *wish, idle_evidence *ret_evidence,
                                     const char **ret_why, lb_error *err);

#endif
