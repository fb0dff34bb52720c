/* index_store.h: recommendations in the history. */
#ifndef INDEX_STORE_H
#define INDEX_STORE_H

#include "index_work.h"

double index_confidence(const index_finding *finding);
const char *index_label_of(double confidence);

/* The same for the same advice on the same branch, whatever its figures are that day. NULL: out of memory. */
const char *index_recommendation_id(lb_ctx *ctx, const index_finding *finding, const char *object);

LB_MUST_CHECK int index_store(index_work *work, const index_finding *finding, const char *id, const char *status,
                              lb_error *err);

#endif
