/* branch_census.h: branches that are there and of which history knows nothing, and the other way round: made and
 * deleted by hand, by the platform, or by a run that was cut off before it could write that down. */
#ifndef LBOPS_BRANCH_CENSUS_H
#define LBOPS_BRANCH_CENSUS_H

#include "branch_plane.h"
#include "branch_policy.h"

typedef struct branch_memory branch_memory; /* what history knows of */

typedef struct branch_census {
    const branch_policy *policy;
    const branch_memory *memory; /* NULL: there is no history, which is told of already */
    int64_t settle_s;            /* what is younger may be on its way into history */
    int64_t made, gone;          /* how many were written down */
} branch_census;

LB_MUST_CHECK int branch_census_begin(lb_ctx *ctx, branch_census *census, lb_error *err);
/* Writes down what is missing of one project. */
LB_MUST_CHECK int branch_census_take(lb_ctx *ctx, branch_census *census, const char *project,
                                     const plane_branches *branches, lb_error *err);

#endif
