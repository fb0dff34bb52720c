/* index_without.h: what statements that have run would lose if an index were gone. HypoPG hides it from the planner of
 * this session alone, and each plan that takes it now is asked for again: nothing is executed or dropped. Where HypoPG
 * cannot, and a branch may be made, it is dropped there, and made again for the next one to be asked about. */
#ifndef INDEX_WITHOUT_H
#define INDEX_WITHOUT_H

#include "index_trial.h"

typedef struct index_without {
    const char *text; /* what was tried and how it ended, or why nothing was tried */
    bool is_tried;
    int64_t asked, unknown; /* statements with a plan, and those whose plan could not be had */
    int64_t takers, worse;  /* plans that take it now, and those that cost more without it */
    bool is_open;           /* what one of them costs without it could not be had */
    const char *worst;      /* the statement that would lose most, or NULL */
    const char *worst_query;
    int64_t worst_seen; /* when history saw it last, where the server does not count it among its costliest; or 0 */
    double cost_now, cost_without;
    int64_t plans_us;                    /* that plans took on a branch */
    const struct index_trial *on_branch; /* where it was dropped; NULL: nowhere */
} index_without;

LB_MUST_CHECK int index_try_without(index_work *work, const index_info *x, index_without *ret_without, lb_error *err);

/* For a run on a throwaway branch, which knows no statements of its own: those to ask about, as index_statements_text
 * has written them, and that indexes are dropped rather than hidden. Their plans may take so long in all.
 * LB_ERR_INVALID: it is no such list. */
LB_MUST_CHECK int index_give_statements(index_work *work, const char *json, int64_t plans_ms, lb_error *err);
/* The statements that cost most, for that; NULL: none is known. At most so many. */
LB_MUST_CHECK int index_statements_text(index_work *work, int64_t most, const char **ret_json, lb_error *err);

/* Their plans anew, where something but an index has moved since: rows that a trial wrote and undid take room. */
LB_MUST_CHECK int index_plan_again(index_work *work, lb_error *err);

/* What all of the statements that were given cost, by how often they run, when they were planned last and now. */
typedef struct index_mix {
    double before, after;
    int64_t asked, worse; /* worse: they cost more by a tenth */
    const char *worst;
} index_mix;
struct index_load;
/* What load (or NULL) has executed is worse by its time alone, which is told apart: there the planner is not asked. */
LB_MUST_CHECK int index_weigh_mix(index_work *work, const struct index_load *load, index_mix *ret_mix, lb_error *err);

/* The outcome as a result, and back. */
LB_MUST_CHECK int index_tell_without(lb_ctx *ctx, const index_without *w, lb_error *err);

/* Costs more without it than an estimate is off by. */
bool index_is_worse(double cost_now, double cost_without);
/* Points of the outcome, where nothing being lost is worth `none` and a plan that is `worse`. */
double index_without_points(const index_without *w, double none, double worse);
/* Does this plan, as EXPLAIN prints it, take the index, or a part of it where it is partitioned? */
bool index_plan_takes(const index_set *set, const char *plan_json, const index_info *x, double *ret_cost);

/* For a finding's evidence. */
#define INDEX_WITHOUT_EVIDENCE(w)                                                                                      \
    lb_text("without_it", (w).text), lb_bool("is_tried_without", (w).is_tried),                                        \
        lb_text("tried_at_lsn", (w).on_branch ? (w).on_branch->lsn : NULL),                                            \
        (w).is_tried ? lb_i64("statements_asked", (w).asked) : lb_null("statements_asked"),                            \
        (w).is_tried ? lb_i64("statements_worse", (w).worse) : lb_null("statements_worse"),                            \
        lb_text("worst_statement", (w).worst), lb_text("worst_statement_text", (w).worst_query),                       \
        (w).worst_seen ? lb_time("worst_statement_last_seen", (w).worst_seen) : lb_null("worst_statement_last_seen"),  \
        (w).worst ? lb_f64("its_cost_now", (w).cost_now) : lb_null("its_cost_now"),                                    \
        (w).worst ? lb_f64("its_cost_without", (w).cost_without) : lb_null("its_cost_without")

#endif
