/* index_store.h: recommendations in the history. */
#ifndef INDEX_STORE_H
#define INDEX_STORE_H

#include "index_work.h"

#include <sql/index/recommended.h>

double index_confidence(const index_finding *finding);
const char *index_label_of(double confidence);

/* A step of its life. since: when it was first made. */
LB_MUST_CHECK int index_store(index_work *work, const index_finding *finding, const char *id, int64_t since,
                              const char *status, lb_error *err);

/* The same for one that is known from the history only. evidence: a document, or NULL. */
LB_MUST_CHECK int index_store_step(lb_ctx *ctx, const index_recommended_row *past, const char *status, const char *why,
                                   const char *evidence, lb_error *err);

#endif
