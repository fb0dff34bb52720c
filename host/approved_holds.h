/* approved_holds.h: what people have put aside since an approval was asked for. [worker] */
#ifndef LBOPS_HOST_APPROVED_HOLDS_H
#define LBOPS_HOST_APPROVED_HOLDS_H

#include "door.h"

/* What is asked for may be about "tables" that are "held_by" lists of the tool's parameters (both are members of its
 * evidence). LB_ERR_DENIED: one of them is held now, by what the manifest sets for the tool on this target, as its
 * agent uses it or for a schedule. LB_ERR_INVALID: a line of such a list names no table there. */
LB_MUST_CHECK int approved_check_holds(run_state *run, const approval *a, lb_error *err);

#endif
