/* sync_merge.h: rows of a copy that are to become those of its table: what each side has of them, and the statements
 * that make them so and hold both sides to what was planned on. */
#ifndef LBOPS_HEALTH_SYNC_MERGE_H
#define LBOPS_HEALTH_SYNC_MERGE_H

#include "sync_list.h"

#define SYNC_MERGE_ROWS  200 /* of one statement: a warehouse takes 256 parameters */
#define SYNC_MERGE_BYTES ((size_t)256 * 1024)
#define SYNC_GROUP_BYTES ((size_t)768 * 1024) /* of a document of four million, where values stand twice */

typedef struct sync_mend {
    const char *key;
    const char *source, *copy; /* the digest that each has of it; NULL: it has none */
    const char *sent;          /* its values as JSON; NULL: the table has no such row */
} sync_mend;

typedef struct sync_mends {
    sync_mend *items;
    size_t count;
} sync_mends;

/* What both sides have of the rows with these keys, of which those remain that are not alike. LB_ERR_CONFLICT: one side
 * has more than one row of a key. */
LB_MUST_CHECK int sync_find_mends(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count,
                                  sync_mends *ret_mends, lb_error *err);

/* How many of them one group takes. */
size_t sync_count_mends(const sync_mends *mends);

/* Puts into the group: the table is held to what was planned on; then for each batch the copy before, the MERGE, and
 * the copy after it, which has what the table had. */
LB_MUST_CHECK int sync_merge(lb_ctx *ctx, const sync_pair *pair, const sync_mends *mends, lb_group *group,
                             lb_error *err);

#endif
