/* sync_tell.h: what is said of a comparison: a row of history, an event where a copy is not what it should be, a
 * finding, and the pair's part of the result. */
#ifndef LBOPS_HEALTH_SYNC_TELL_H
#define LBOPS_HEALTH_SYNC_TELL_H

#include "sync_alarm.h"
#include "sync_book.h"
#include "sync_compare.h"
#include "sync_platform.h"

#define SYNC_WRITES "sync_validation_history"
#define SYNC_EMITS  SYNC_RAISED, SYNC_CALMED

#define SYNC_NOT_COMPARED "not_compared"
#define SYNC_WAITING      "waiting" /* compared, and what differs may be on its way: no verdict */
#define SYNC_NO_MARK      "without a timestamp column on both sides nobody can tell any more"

typedef struct sync_tally {
    const char *const *kinds; /* of checks, of which a pair that is not compared has a row each; the last is NULL */
    int64_t pairs, healthy, waiting, issues, not_compared;
    sync_book *book;         /* NULL: no digests are compared */
    bool asks_platform;      /* for its own states */
    sync_platform *platform; /* NULL: not asked yet */
    sync_alarms alarms;
} sync_tally;

/* sync_scope.c: which rows are compared. */
typedef struct sync_scope {
    int64_t since;   /* rows that have changed after that; SYNC_NO_TIME: all */
    bool is_charged; /* to the day's budget: nobody asked for it out of turn */
    bool stands;     /* the last comparison of all rows found differences */
    bool waits;      /* one is due, and the day's budget is spent */
    bool in_part;    /* the one that has been begun in slices has found differences */
    bool is_unsure;  /* the last comparison of all rows came to no verdict yet */
} sync_scope;

typedef struct sync_integrity {
    const char *why; /* nothing is compared now, and why; NULL: it was */
    sync_scope scope;
    sync_difference difference;
} sync_integrity;

/* sync_slice.c: which keys of a comparison of all rows are for this run; all of them where that fits. */
LB_MUST_CHECK int sync_cut_slice(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, const sync_book *book,
                                 const sync_entry *e, const sync_counts *counts, sync_span *ret_keys, lb_error *err);
bool sync_is_begun(const sync_pair *pair, const sync_entry *e);
/* A slice that others follow, and the end of the last one, or of the only one. */
void sync_note_slice(const sync_pair *pair, const sync_span *keys, const sync_counts *counts, const sync_difference *d,
                     int64_t took, sync_entry *e);
void sync_end_slices(const sync_span *keys, sync_entry *e);
void sync_fail_slice(int64_t took, sync_entry *e);

/* Counts where the check has not, compares, and notes it in the book. */
LB_MUST_CHECK int sync_check_integrity(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally,
                                       sync_counts *counts, sync_integrity *ret_found, lb_error *err);
/* sync_wait.c: of the rows that may be in flight, which are drift; e knows of the others. */
LB_MUST_CHECK int sync_await(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_difference *d,
                             sync_entry *e, lb_error *err);
LB_MUST_CHECK int sync_count_pair(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_book *book,
                                  sync_counts *ret_counts, lb_error *err);
/* LB_ERR_CONFLICT where the pair's columns are others by now: what was seen is of neither. */
LB_MUST_CHECK int sync_keeps_shape(lb_ctx *ctx, const sync_pair *pair, lb_error *err);

/* A row of each kind that has no figures, and says why. */
LB_MUST_CHECK int sync_record_not_compared(lb_ctx *ctx, const sync_wish *wish, const char *const *kinds,
                                           const char *why, lb_error *err);
/* Counts and latest changes of one pair; *ret_status is what the row says. */
LB_MUST_CHECK int sync_tell_completeness(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally,
                                         const sync_counts *counts, const char **ret_status, lb_error *err);
LB_MUST_CHECK int sync_tell_integrity(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, const sync_counts *counts,
                                      const sync_integrity *found, const char **ret_status, lb_error *err);
LB_MUST_CHECK int sync_tell_freshness(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, const sync_counts *counts,
                                      const char **ret_status, lb_error *err);

/* Rows that are not compared because of their time, and transactions that hold others back. Completeness and
 * freshness tell it as well. */
LB_MUST_CHECK int sync_tell_clock(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, lb_error *err);

/* sync_pipeline.c: what the platform says of the pair, beside what was measured; pair and counts NULL: nothing was. A
 * pipeline that has failed is a finding. *status becomes the pipeline's where it was healthy. */
LB_MUST_CHECK int sync_tell_pipelines(lb_ctx *ctx, sync_tally *tally, const sync_wish *wish, const sync_pair *pair,
                                      const sync_counts *counts, const char **status, lb_error *err);
/* Where the platform says nothing: that, in one line. */
LB_MUST_CHECK int sync_tell_platform(lb_ctx *ctx, const sync_tally *tally, lb_error *err);

/* Does `check` for each pair that the parameters mean, counts and ends the run. A check that fails because the pair's
 * columns have changed under it is done again. */
typedef int (*sync_check)(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally, lb_error *err);
LB_MUST_CHECK int sync_each_pair(lb_ctx *ctx, const char *tool, sync_check check, const char *const *kinds,
                                 lb_error *err); /* asks the platform, too */
/* With a book: those that have waited longest for a comparison of all rows come first. */
LB_MUST_CHECK int sync_each_by_book(lb_ctx *ctx, const char *tool, sync_check check, const char *const *kinds,
                                    bool asks_platform, lb_error *err);
/* The pair has had its turn, whatever comes of it, and the book is worth keeping. */
void sync_take_turn(lb_ctx *ctx, sync_book *book, const sync_wish *wish);
bool sync_is_issue(const char *status);
void sync_note(sync_tally *tally, const char *status);

#endif
