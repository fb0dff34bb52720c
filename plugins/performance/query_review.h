/* query_review.h: slow statements that wait for a person, and how long they took before: what history has of them. */
#ifndef LBOPS_QUERY_REVIEW_H
#define LBOPS_QUERY_REVIEW_H

#include "query_evidence.h"

#define QUERY_BASELINE_DAYS 14
#define QUERY_BASELINE_US   (QUERY_BASELINE_DAYS * INT64_C(86400000000))
#define QUERY_LEAST_CALLS   10 /* fewer tell nothing of how long a call takes */

typedef struct query_past query_past;

/* From when on a statement has regressed, and, as far as it is not slow, is worth a look for that alone. */
typedef struct query_regression {
    double times, more_ms; /* than a call took before: both */
    int64_t calls;         /* of late */
    double share;          /* of the time that all statements of the database took of late */
} query_regression;

bool query_has_regressed(const query_regression *limits, double before_ms, double recent_ms);

/* For the statements of one run, of one database. No history is no failure: nothing is known then, and the run says so.
 */
LB_MUST_CHECK int query_read_past(lb_ctx *ctx, int64_t database_id, int64_t recent_us, const int64_t *query_ids,
                                  size_t count, query_past **ret_past, lb_error *err);

typedef struct query_slower {
    const char *query_id;
    double before_ms, recent_ms; /* a call */
    double share;
    int64_t recent_calls;
} query_slower;

/* Ids of statements by what history has of them of late: those that were slow, the worst first, and those that were
 * not. why_not: history cannot say, and what the server counted in all decides; or NULL. slower: of those that were
 * not slow, the ones that have regressed, those that added the most time first. */
typedef struct query_recent {
    lb_texts slow, fine;
    const query_slower *slower;
    size_t slower_count;
    const char *why_not;
} query_recent;

LB_MUST_CHECK int query_read_recent(const query_evidence *evidence, int64_t recent_us, int64_t min_calls,
                                    double min_mean_ms, query_recent *ret_recent, lb_error *err);

/* Into recent->slower, once query_read_recent has filled the rest (query_slower.c). */
LB_MUST_CHECK int query_read_slower(const query_evidence *evidence, int64_t recent_us, const query_regression *limits,
                                    query_recent *recent, lb_error *err);

typedef struct query_verdict {
    const char *reason;            /* slow, regressed, spilling */
    const char *severity;          /* warning, critical */
    double mean_ms;                /* since the server counts, which may be months */
    double baseline_ms, recent_ms; /* of two weeks until of late, and since then; -1: too few calls, or no history */
    double evictions; /* times that the server dropped statements in these two weeks, as far as history knows */
} query_verdict;

/* Of one that takes longer than it did: more rows, more blocks for each, or more time for a block. Nothing where
 * history has no rows and blocks of both. */
LB_MUST_CHECK int query_say_slower(query_evidence *evidence, const query_past *past, const query_verdict *verdict,
                                   lb_error *err);

/* What is said of a statement rests on counts, and those that were dropped are in none: a finding is less certain then,
 * the more so where it compares what was counted then and now. *reason, and the remark's terms. */
LB_MUST_CHECK int query_doubt(lb_ctx *ctx, const query_verdict *verdict, query_remark *remark, const char **ret_reason,
                              lb_error *err);

/* It was slow once, and is no more. */
bool query_is_over(const query_verdict *verdict, double min_mean_ms);

query_verdict query_judge(const query_evidence *evidence, const query_past *past, double min_mean_ms,
                          const query_regression *regression);

/* Into the review queue, unless it stands there already or a person has said no. *ret_queued: it is new there. */
LB_MUST_CHECK int query_queue(query_evidence *evidence, const query_past *past, const query_verdict *verdict,
                              bool *ret_queued, lb_error *err);

/* What weighs most; NULL: no rule had anything to say. */
const query_remark *query_top_remark(const query_evidence *evidence);

#endif
