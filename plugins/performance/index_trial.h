/* index_trial.h: a branch to try indexes out on, for those who cannot ask HypoPG. It is made when it is first needed,
 * lives for an hour at most and goes at the end of the run. */
#ifndef INDEX_TRIAL_H
#define INDEX_TRIAL_H

#include "index_missing.h"

#define INDEX_TRIAL_TOOL  "prove_index_on_branch"
#define INDEX_TRIAL_CALLS LB_NAMES("lbops_target", INDEX_TRIAL_TOOL)
#define INDEX_PROVE_PARAM(type)                                                                                        \
    LB_PARAM(type, prove, LB_TEXT, "planner",                                                                          \
             "who proves a gain: HypoPG alone, or where it cannot a branch too, made for an hour, where it is built",  \
             .choices = "planner|branch")

typedef struct index_trial {
    lb_ctx *ctx;
    bool is_wanted;
    const char *branch; /* NULL: it is not made yet */
    const char *why;    /* it could not be made, and is not tried again */
} index_trial;

bool index_trial_is_wanted(const char *prove);

/* Builds each that nobody has proven so far and asks the planner before and after. */
LB_MUST_CHECK int index_try(index_trial *trial, index_candidate **candidates, size_t count, lb_error *err);

/* Deletes the branch, if there is one, also after a failure: err is then left as it is. */
LB_MUST_CHECK int index_trial_end(index_trial *trial, int so_far, lb_error *err);

#endif
