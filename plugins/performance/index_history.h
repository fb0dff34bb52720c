/* index_history.h: what earlier runs have noted of the use of indexes. A server forgets its counts when it restarts,
 * and a compute that sleeps forgets them each time: the history adds the epochs up, so that weeks without a scan can be
 * proven. */
#ifndef INDEX_HISTORY_H
#define INDEX_HISTORY_H

#include "index_model.h"

#include <sql/index/written.h>

typedef struct index_epoch {
    int64_t from, until; /* counted from, last read at */
} index_epoch;

typedef struct index_sight {
    const char *object;
    int64_t first_seen, last_seen, last_used; /* last_used 0: never seen in use */
    int64_t uses;                             /* epochs in which it was */
} index_sight;

/* Looks that noted no smaller indexes than of so many bytes. */
typedef struct index_floor {
    double bytes;
    int64_t first, last;
} index_floor;

typedef struct index_history {
    index_epoch *epochs; /* by their start */
    size_t epoch_count;
    index_floor *floors;
    size_t floor_count;
    index_sight *sights; /* by object */
    size_t sight_count;
    index_written_row *written; /* by object: what tables took into their indexes */
    size_t written_count;
} index_history;

/* NULL in *ret_history, and a reason, where there is no history to ask. */
LB_MUST_CHECK int index_read_history(lb_ctx *ctx, const char *database, const index_history **ret_history,
                                     const char **ret_why, lb_error *err);

/* Days that were counted without a scan of the index: in this epoch, and in earlier ones after its last use. */
typedef struct index_idle {
    double days;
    double earlier_days;  /* of these, in earlier epochs */
    int64_t month_ends;   /* midnights (UTC) among them with which a month begins */
    int64_t quarter_ends; /* of these, with which a quarter does */
} index_idle;

/* While it was there for sure: since somebody saw it first. */
index_idle index_proven_idle(const index_history *history, const index_window *window, const char *object);

/* As far back as it may have been there: what an earlier look at those of its size did not see was made since, of the
 * rest nobody knows when it was made. */
index_idle index_likely_idle(const index_history *history, const index_window *window, const char *object,
                             int64_t bytes);

/* Where the history knows of a use of it that this epoch does not: when it was; else 0. */
int64_t index_last_use(const index_history *history, const char *object, int64_t *ret_uses);

/* Days since it was first seen, which it is at least old. */
double index_seen_days(const index_history *history, const index_window *window, const char *object);

/* Notes that somebody looked, and of each index that it is there or used, once in an epoch; and each month again, since
 * the history forgets. */
LB_MUST_CHECK int index_note_history(lb_ctx *ctx, const index_history *history, const index_set *set, int64_t min_bytes,
                                     lb_error *err);

#endif
