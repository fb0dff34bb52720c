/* index_tree.h: indexes of partitioned tables, built without blocking writers. One statement for all of them would hold
 * them up until the last partition is done. Instead the table's own index is made without any, each partition's is
 * built concurrently and attached, and with the last one the whole is valid. Where that was cut off, what is missing is
 * done. */
#ifndef INDEX_TREE_H
#define INDEX_TREE_H

#include "index_work.h"

/* The steps that make the index, in fix->steps; none where a partition can have no index of its own, or is not seen. */
LB_MUST_CHECK int index_tree_create(index_work *work, const index_wanted *wanted, const char *name, const lb_sql *body,
                                    index_fix *fix, lb_error *err);
/* Those that are still to be done for one that is not valid. */
LB_MUST_CHECK int index_tree_finish(index_work *work, const index_info *x, index_fix *fix, lb_error *err);
/* Why one that is not valid cannot be finished now; NULL: it can. */
const char *index_tree_hindrance(const index_set *set, const index_info *x);
bool index_tree_is_open(const index_set *set, const index_info *x);
/* The one above that is not valid, and of which this one of a partition is to be a part. */
const index_info *index_tree_above(const index_set *set, const index_info *x);

#endif
