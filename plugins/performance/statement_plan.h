/* statement_plan.h: the server's plan of a statement, where it can be had. */
#ifndef LBOPS_STATEMENT_PLAN_H
#define LBOPS_STATEMENT_PLAN_H

#include <lbops/lbops.h>

/* The plan as lb_explain answers it. That there is none is no failure, unless it ends the run: *ret_plan is NULL then,
 * and *ret_why says why. */
LB_MUST_CHECK int statement_plan(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_plan, const char **ret_why,
                                 lb_error *err);

#endif
