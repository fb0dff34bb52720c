/* index_watch.h: who suffers by an index that is gone, by what snapshots of the statements have counted before its drop
 * was proposed and since. */
#ifndef INDEX_WATCH_H
#define INDEX_WATCH_H

#include "index_follow.h"

#include <sql/index/watched.h>

/* Of a drop that was executed. */
LB_MUST_CHECK int index_watch(lb_ctx *ctx, const index_keeping *keeping, const index_past *past, index_harm *ret_harm,
                              lb_error *err);

/* ---- the parts that tests look at ---- */

/* Does a statement name the table, or one that it is a part of or that is a part of it? */
bool index_speaks_of(const index_set *set, const char *text, const index_table *table);

void index_add_watched(index_harm *harm, const index_watched_row *row, const index_keeping *keeping);

#endif
