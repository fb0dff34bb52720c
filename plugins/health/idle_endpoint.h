/* idle_endpoint.h: a branch's compute as the control plane describes it, and how its suspension is changed. */
#ifndef LBOPS_IDLE_ENDPOINT_H
#define LBOPS_IDLE_ENDPOINT_H

#include <lbops/lbops.h>

typedef struct idle_endpoint {
    const char *name;
    double min_cu;  /* 0: not said */
    double timeout; /* seconds; INFINITY: it never sleeps; 0: not said */
} idle_endpoint;

/* Of the read-write one, whatever it is called. *ret_found NULL: there is none, or nobody who would know. A branch
 * that is not in its project is LB_ERR_NOT_FOUND. */
LB_MUST_CHECK int idle_endpoint_read(lb_ctx *ctx, const idle_endpoint **ret_found, lb_error *err);

/* "5 min", "never": for people. */
const char *idle_timeout_text(lb_ctx *ctx, double timeout);

LB_MUST_CHECK int idle_endpoint_set(lb_ctx *ctx, const idle_endpoint *e, double timeout, const char *reason,
                                    const lb_value *evidence, lb_outcome *ret_outcome, lb_error *err);

#endif
