/* branch_memory.h: memories are kept by a branch's name. One that is deleted and made again has the name of the old
 * one, and nothing else of it: it is not to be judged by what was seen of the old one. */
#ifndef LBOPS_HEALTH_BRANCH_MEMORY_H
#define LBOPS_HEALTH_BRANCH_MEMORY_H

#include <lbops/lbops.h>

#include <json-c/json.h>

#define BRANCH_UID "branch_uid" /* in a memory */

/* The branch's uid, by the control plane. NULL: nobody knows. A server that is looked at by its address alone has no
 * control plane, and one that does not answer changes nothing. */
const char *branch_uid(lb_ctx *ctx);

/* The branch that a memory is of, or NULL; and its being of that one. */
const char *branch_uid_in(struct json_object *memory);
LB_MUST_CHECK int branch_put_uid(struct json_object *memory, const char *uid, lb_error *err);

/* lb_recall, but NULL where that was another branch's. ret_uid: whose memory this run's will be, or NULL. */
LB_MUST_CHECK int branch_recall(lb_ctx *ctx, const char **ret_json, const char **ret_uid, lb_error *err);
/* The same for a memory that is at hand. */
LB_MUST_CHECK int branch_check(lb_ctx *ctx, const char **json, const char **ret_uid, lb_error *err);

/* lb_remember, with whose it is. */
LB_MUST_CHECK int branch_remember(lb_ctx *ctx, const char *json, const char *uid, lb_error *err);

#endif
