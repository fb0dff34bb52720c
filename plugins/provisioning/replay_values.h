/* replay_values.h: values for the holes of a statement, of rows that are there, so that it finds something. */
#ifndef LBOPS_PROVISIONING_REPLAY_VALUES_H
#define LBOPS_PROVISIONING_REPLAY_VALUES_H

#include "replay_text.h"

#define REPLAY_VARIANTS 8 /* rows of a table that values are taken of */

/* Rows of each table are read once. */
typedef struct replay_rows replay_rows;
replay_rows *replay_rows_new(lb_ctx *ctx); /* NULL: out of memory */

/* One for each hole, of the row of this variant or the next one that has a value; NULL: nobody knows. A table that is
 * not ours to read is as one without rows. */
LB_MUST_CHECK int replay_values_of(replay_rows *rows, const replay_text *text, size_t variant, const char **ret_values,
                                   lb_error *err);

/* Values that fit many types each, for holes of which nobody knows anything; NULL past the last one. */
const char *replay_guess(size_t at);

#endif
