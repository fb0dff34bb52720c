/* dba_cost.h: what history has kept of the bill, as evidence. */
#ifndef LBOPS_HEALTH_DBA_COST_H
#define LBOPS_HEALTH_DBA_COST_H

#include "dba_evidence.h"

/* Nothing was billed in those days: there is no evidence, and lb_skipped says why. */
LB_MUST_CHECK int dba_gather_cost(dba_evidence *e, double weight, lb_error *err);

#endif
