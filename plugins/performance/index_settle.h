/* index_settle.h: recommendations before the gate, and what becomes of them afterwards. */
#ifndef INDEX_SETTLE_H
#define INDEX_SETTLE_H

#include "index_follow.h"

/* A group of its own for the finding's fix. database: that the request names, or NULL (see index_past). */
LB_MUST_CHECK int index_ask(index_work *work, const index_finding *finding, const char *object, const char *database,
                            lb_outcome *ret_outcome, lb_error *err);

/* Each earlier recommendation takes its next step, which the history keeps. What did not prove its worth is a finding,
 * and its undo goes before the gate where undo says so. */
LB_MUST_CHECK int index_settle(index_work *work, const index_pasts *pasts, const index_keeping *keeping, bool undo,
                               lb_error *err);

#endif
