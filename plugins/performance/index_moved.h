/* index_moved.h: what tables were before a branch was made of them. What was tried there says nothing of a table that
 * has become another one meanwhile, so it is not asked for. */
#ifndef INDEX_MOVED_H
#define INDEX_MOVED_H

#include "index_trial.h"

/* Of all tables, before there is a branch. */
LB_MUST_CHECK int index_note_states(index_trial *trial, lb_error *err);

/* Is it another one now, or gone? Without a branch nothing has moved. */
LB_MUST_CHECK int index_has_moved(const index_trial *trial, const index_table *table, bool *ret_moved, lb_error *err);

/* After a change of our own. What cannot be read then counts as moved. */
void index_note_state(index_trial *trial, const index_table *table);

#endif
