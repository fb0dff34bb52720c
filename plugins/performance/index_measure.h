/* index_measure.h: what an index has done for the statement that it was made for, by what snapshots of the statements
 * have counted before it was proposed and since it is there. */
#ifndef INDEX_MEASURE_H
#define INDEX_MEASURE_H

#include "index_follow.h"

#include <sql/index/measured.h>

typedef struct index_span {
    int64_t from, until;
    double calls, total_ms;
} index_span;

/* Sums up what lies wholly before the one time or wholly after the other; what lies across says nothing. */
void index_add_span(index_gain *gain, const index_span *span, int64_t proposed_at, int64_t built_at);

/* The span of a row of the history: in a roll-up the statement was counted at some time up to the hour's end. */
index_span index_span_of(const index_measured_row *row);

/* Of a recommendation that was executed. Without history, or where its evidence names no statement, it is not known. */
LB_MUST_CHECK int index_measure(lb_ctx *ctx, const index_keeping *keeping, const index_past *past, index_gain *ret_gain,
                                lb_error *err);

/* The evidence of the recommendation with what was measured. NULL: out of memory. */
const char *index_measured_evidence(lb_ctx *ctx, const index_past *past, const index_gain *gain);

#endif
