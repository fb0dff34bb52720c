/* index_trial.h: a branch to try indexes out on, for those who cannot ask HypoPG. It is made when it is first needed,
 * lives for an hour at most and goes at the end of the run. */
#ifndef INDEX_TRIAL_H
#define INDEX_TRIAL_H

#include "index_missing.h"

#define INDEX_TRIAL_TOOL   "prove_index_on_branch"
#define INDEX_REBUILD_TOOL "rebuild_index_on_branch"
#define INDEX_TRIAL_CALLS  LB_NAMES("lbops_target", INDEX_TRIAL_TOOL, INDEX_REBUILD_TOOL)
#define INDEX_PROVE_PARAM(type)                                                                                        \
    LB_PARAM(type, prove, LB_TEXT, "planner",                                                                          \
             "who proves a gain: HypoPG alone, or where it cannot a branch too, made for an hour, where it is built",  \
             .choices = "planner|branch")

#define INDEX_REBUILDS_PARAM(type)                                                                                     \
    LB_PARAM(type, max_rebuilds, LB_I64, "10",                                                                         \
             "bloated indexes that are measured where a branch proves: built anew there, the worst first", .min = "0", \
             .max = "100")

#define INDEX_MISSING_PARAMS(type)                                                                                     \
    LB_PARAM(type, min_brin_bytes, LB_I64, "1073741824",                                                               \
             "size of a table from which an index of its order (BRIN) is proposed", .min = "0"),                       \
        LB_PARAM(type, write_us, LB_F64, "10", "microseconds that an index takes for each row that is written",        \
                 .min = "0")

typedef struct index_trial {
    lb_ctx *ctx;
    bool is_wanted;
    const char *branch; /* NULL: it is not made yet */
    const char *lsn;    /* the place in the log of what it was made from; NULL: the control plane does not say */
    const char *why;    /* it could not be made or reached, and is not tried again */
    struct index_table_states *states; /* what tables were before it was made: index_moved.h */
    const char *statements;            /* that must not suffer by what is built there, as a list; or NULL */
} index_trial;

bool index_trial_is_wanted(const char *prove);

/* Builds each that nobody has proven so far and asks the planner before and after. */
LB_MUST_CHECK int index_try(index_trial *trial, index_candidate **candidates, size_t count, lb_error *err);

/* Runs a tool there, which makes the branch if there is none yet. *ret_json NULL: it could not be, for the reason in
 * *ret_why: its own, and the next one is tried; or trial->why, which has been said. */
LB_MUST_CHECK int index_trial_call(index_trial *trial, const char *tool, const lb_value *args, const char **ret_json,
                                   const char **ret_why, lb_error *err);

/* For the tools that run there: LB_ERR_DENIED where this is no branch to throw away, so that nothing is "built" on it.
 */
LB_MUST_CHECK int index_trial_is_here(lb_ctx *ctx, const char *done, lb_error *err);
/* A change that is made there to see what comes of it. */
LB_MUST_CHECK int index_trial_change(lb_ctx *ctx, const char *title, const char *reason, const lb_statement *statement,
                                     const lb_value *values, lb_error *err);

/* Deletes the branch, if there is one, also after a failure: err is then left as it is. */
LB_MUST_CHECK int index_trial_end(index_trial *trial, int so_far, lb_error *err);

#endif
