/* index_follow.h: what became of earlier recommendations. */
#ifndef INDEX_FOLLOW_H
#define INDEX_FOLLOW_H

#include "index_work.h"

#include <sql/index/recommended.h>

typedef struct index_past {
    index_recommended_row r;
    bool is_seen;         /* this run found the same again */
    bool is_denied;       /* a person's last word on it was no (index_decisions.h) */
    const char *database; /* what its id and requests for it name; NULL: they are older than that */
} index_past;

typedef struct index_pasts {
    index_past *items; /* by id */
    size_t count;
} index_pasts;

/* The same for the same advice on the same database of a branch, whatever its figures are that day. new_index: that it
 * would make, or NULL. database NULL: as it was when only the branch was told. NULL: out of memory. */
const char *index_recommendation_id(lb_ctx *ctx, const char *database, const char *type, const char *object,
                                    const char *new_index);

/* Those of a database. None where there is no history; the reason is then in *ret_why. */
LB_MUST_CHECK int index_read_pasts(lb_ctx *ctx, const char *database, index_pasts *ret_pasts, const char **ret_why,
                                   lb_error *err);
index_past *index_find_past(const index_pasts *pasts, const char *recommendation_id);

/* What it is about: its index, or the table that is to get one. NULL: out of memory. */
const char *index_object_of_past(lb_ctx *ctx, const index_past *past);

/* The finding's terms with what people made of earlier advice: of its kind, and of itself. NULL: out of memory. */
const lb_term *index_learned_terms(lb_ctx *ctx, const index_pasts *pasts, const index_finding *finding,
                                   const index_past *past);

/* One index of a table goes at a time, so that what its going does is seen before the next: why this drop has to wait
 * for another of the last day, or for one that is not decided yet. NULL: it need not. */
const char *index_drop_waits(lb_ctx *ctx, const index_pasts *pasts, const index_finding *finding,
                             const char *recommendation_id, int64_t now);

/* The same for one that would be made, while another that begins with the same column goes, or has gone and is watched:
 * what is missed comes back as it was. */
const char *index_creation_waits(const index_pasts *pasts, const index_finding *finding, const char *first_column);

bool index_drop_is_felt(const index_finding *finding); /* it is a drop of what plans may take */

/* What statements on its table took before an index was dropped and since it is gone. */
typedef struct index_harm {
    int64_t compared; /* that ran often enough both before and since */
    int64_t awaited;  /* that did before, and not yet since */
    int64_t slower;   /* of the compared ones: clearly longer on average, and for more blocks */
    int64_t worst;    /* the one of them that lost most, with its figures */
    double calls_since, mean_before, mean_since;
    double blocks_before, blocks_since; /* a call; -1: not counted */
} index_harm;

/* What its statement took before an index was proposed and since it is there; means are -1 where they are not known. */
typedef struct index_gain {
    int64_t query_id; /* 0: it was not made for a statement */
    double calls_before, mean_before, calls_after, mean_after;
    int64_t statements; /* that asked for it; the times are those of the costliest */
    index_harm harm;
} index_gain;

typedef struct index_keeping {
    const index_set *set;
    double days, share; /* after which it is judged, and the share of its time that a statement must have lost */
    double min_calls;   /* that must have been counted since */
    double watch_days;  /* at least, for which statements are watched after a drop */
    double slowdown;    /* times their mean from which they suffer by it */
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
const index_table *index_table_of_past(const index_set *set, const index_past *past);
bool index_is_drop(const char *type); /* of a recommendation */

#endif
