/* index_follow.h: what became of earlier recommendations. */
#ifndef INDEX_FOLLOW_H
#define INDEX_FOLLOW_H

#include "index_work.h"

#include <sql/index/recommended.h>

typedef struct index_past {
    index_recommended_row r;
    bool is_seen; /* this run found the same again */
} index_past;

typedef struct index_pasts {
    index_past *items; /* by id */
    size_t count;
} index_pasts;

/* None where there is no history; the reason is then in *ret_why. */
LB_MUST_CHECK int index_read_pasts(lb_ctx *ctx, index_pasts *ret_pasts, const char **ret_why, lb_error *err);
index_past *index_find_past(const index_pasts *pasts, const char *recommendation_id);

/* The finding's terms with what people made of earlier advice: of its kind, and of itself. NULL: out of memory. */
const lb_term *index_learned_terms(lb_ctx *ctx, const index_pasts *pasts, const index_finding *finding,
                                   const index_past *past);

/* What its statement took before an index was proposed and since it is there; means are -1 where they are not known. */
typedef struct index_gain {
    int64_t query_id; /* 0: it was not made for a statement */
    double calls_before, mean_before, calls_after, mean_after;
    int64_t statements; /* that asked for it; the times are those of the costliest */
} index_gain;

typedef struct index_keeping {
    const index_set *set;
    double days, share; /* after which it is judged, and the share of its time that a statement must have lost */
    double min_calls;   /* that must have been counted since */
    bool all;           /* every finding was looked for, so that one that was not seen again no longer holds */
    int64_t now;
} index_keeping;

typedef struct index_step {
    const char *status; /* NULL: it stays as it is */
    const char *why;
    bool wants_undo;   /* it did not prove its worth: what was done is to be taken back */
    bool is_unscanned; /* in all the time that the index is there */
} index_step;

/* The next state of a recommendation as catalogue and counts show it. */
LB_MUST_CHECK int index_next_step(lb_ctx *ctx, const index_keeping *keeping, const index_past *past,
                                  const index_gain *gain, index_step *ret_step, lb_error *err);

/* It is time to judge what was executed. */
bool index_is_due(const index_keeping *keeping, const index_past *past);
const index_info *index_of_past(const index_set *set, const index_past *past); /* NULL: there is none of that name */

#endif
