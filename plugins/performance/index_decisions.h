/* index_decisions.h: what people have said to what was asked of them. A run that asks ends before anybody answers, so
 * that the answer is the next one's to hear. */
#ifndef INDEX_DECISIONS_H
#define INDEX_DECISIONS_H

#include "index_follow.h"

/* How a request for such a change is called, and found again. database NULL: as when none was named. NULL: out of
 * memory.
 */
const char *index_title(lb_ctx *ctx, const char *type, const char *object, const char *database);

/* Takes over what was decided since: what was denied is rejected, and what was rebuilt is executed, which no catalogue
 * shows. */
LB_MUST_CHECK int index_hear_people(lb_ctx *ctx, index_pasts *pasts, lb_error *err);

#endif
