/* health_what_if.h: other limits for a figure, held against what history has of it: what they would have told, and
 * what they would have missed. Nothing is judged anew, told or remembered. */
#ifndef LBOPS_HEALTH_WHAT_IF_H
#define LBOPS_HEALTH_WHAT_IF_H

#include "health_alert.h"
#include "health_measure.h"

/* So many days back, of each figure at most so many readings, the newest; and whose statements are no slow queries. */
typedef struct health_what_if_span {
    int64_t days, most;
    HEALTH_BATCH_MEMBERS;
} health_what_if_span;

/* question: {"txid_age": {"warning": 6e8, "critical": 1.2e9, "fire_after": 2, "clear_after": 3}}, each optional. */
LB_MUST_CHECK int health_what_if(lb_ctx *ctx, const char *question, const health_what_if_span *asked,
                                 const health_policy *policy, const health_habits *habits, lb_error *err);

#endif
