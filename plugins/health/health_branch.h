/* health_branch.h: is a branch still the one whose alerts are remembered? One that is deleted and made again has the
 * name of the old one, and nothing else of it. */
#ifndef LBOPS_HEALTH_BRANCH_H
#define LBOPS_HEALTH_BRANCH_H

#include "health_book.h"

/* before: what is remembered, or NULL. Where it is another branch's, that one's alerts are told to be over, and before
 * becomes NULL. The control plane is asked only where an alert is remembered; what it does not say changes nothing.
 * ret_uid: whose they are, or NULL where that was not asked. */
LB_MUST_CHECK int health_same_branch(lb_ctx *ctx, const char **before, const char **ret_uid, lb_error *err);

/* Whose the alerts are that the reading will remember; uid NULL: it is asked, where there are any. */
LB_MUST_CHECK int health_note_branch(lb_ctx *ctx, health_reading *reading, const char *uid, lb_error *err);

#endif
