/* decode.h: result cells, as the server prints them, to typed values by the statement's declared columns. */
#ifndef LBOPS_HOST_DECODE_H
#define LBOPS_HOST_DECODE_H

#include "arena.h"

/* A cell of a column. NULL in a column that is not declared nullable, a number out of range, broken UTF-8, an array
 * that is not one: LB_ERR_INVALID, naming the column. Lists take Postgres array text ({1,2,NULL}) of one dimension. */
LB_MUST_CHECK int decode_cell(const lb_column *column, const char *cell, arena *memory, lb_value *ret_value,
                              lb_error *err);

/* Do the server's column names agree with the declared ones, in order? */
LB_MUST_CHECK int decode_check_columns(const lb_statement *statement, uint32_t count, const char *const *names,
                                       lb_error *err);

#endif
