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

/* The next state of a recommendation as the catalogue shows it, with a sentence why; NULL: it stays as it is. all:
 * every finding was looked for, so that one that was not seen again no longer holds. */
const char *index_next_state(const index_set *set, const index_past *past, double keep_days, bool all, int64_t now,
                             const char **ret_why);

#endif
