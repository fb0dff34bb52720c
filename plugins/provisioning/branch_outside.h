/* branch_outside.h: what a branch has brought along from its source that acts on the world outside of it. */
#ifndef LBOPS_BRANCH_OUTSIDE_H
#define LBOPS_BRANCH_OUTSIDE_H

#include <lbops/lbops.h>

/* Adds to the result's lists "outside" and, where a right is missing, "unseen". */
LB_MUST_CHECK int branch_list_outside(lb_ctx *ctx, lb_error *err);

#endif
