/* sop_tell.h: what execute_low_risk_sop says of what it did, to people and to the host, which adds it to the alert. */
#ifndef LBOPS_SOP_TELL_H
#define LBOPS_SOP_TELL_H

#include "health_sop.h"

/* What was looked at afterwards; nobody looks where nothing was changed. */
typedef struct sop_came {
    bool is_looked_at, is_known, is_over;
    bool had_to_go_back;  /* it was past its limit before */
    double before, after; /* or NaN */
    const char *why;      /* it is not known */
} sop_came;

/* A line for people: what was done and what came of it, or why nothing was; and the events that say so. is_silent: its
 * alert is not told, as whoever has asked tells people himself. */
LB_MUST_CHECK int sop_tell(lb_ctx *ctx, const health_case *what, const health_deed *deed, const sop_came *came,
                           bool is_silent, const char **ret_line, lb_error *err);

#endif
