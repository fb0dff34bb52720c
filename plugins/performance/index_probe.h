/* index_probe.h: what the planner is asked in the statements' stead. */
#ifndef INDEX_PROBE_H
#define INDEX_PROBE_H

#include "index_missing.h"

LB_MUST_CHECK int index_compose_search(lb_ctx *ctx, const index_candidate *candidate, const lb_sql **ret_search,
                                       lb_error *err);

#endif
