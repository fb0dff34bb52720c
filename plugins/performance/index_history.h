/* index_history.h: what earlier runs have noted of the use of indexes. A server forgets its counts when it restarts,
 * and a compute that sleeps forgets them each time: the history adds the epochs up, so that weeks without a scan can be
 * proven. */
#ifndef INDEX_HISTORY_H
#define INDEX_HISTORY_H

#include "index_model.h"

typedef struct index_epoch {
    int64_t from, until; /* counted from, last read at */
} index_epoch;

typedef struct index_sight {
    const char *object;
    int64_t first_seen, last_used; /* last_used 0: never seen in use */
} index_sight;

typedef struct index_history {
    index_epoch *epochs;
    size_t epoch_count;
    index_sight *sights; /* by object */
    size_t sight_count;
} index_history;

/* NULL in *ret_history, and a reason, where there is no history to ask. */
LB_MUST_CHECK int index_read_history(lb_ctx *ctx, const index_history **ret_history, const char **ret_why,
                                     lb_error *err);

const index_sight *index_find_sight(const index_history *history, const char *object);

/* Days that were counted without a scan of the index, as far back as it is known to have been there: in this epoch, and
 * in earlier ones after its last use. */
double index_proven_days(const index_history *history, const index_window *window, const char *object);

/* Notes that somebody looked, and of each index that it is there or used, once in an epoch. */
LB_MUST_CHECK int index_note_history(lb_ctx *ctx, const index_history *history, const index_set *set, int64_t min_bytes,
                                     lb_error *err);

#endif
