/* bind.h: argument values in the two forms that reach a server: text for $n, and literals. */
#ifndef LBOPS_HOST_BIND_H
#define LBOPS_HOST_BIND_H

#include "arena.h"
#include "buf.h"

/* Where a literal will stand. A utility statement's grammar takes bare constants and comma-separated lists; an
 * expression takes casts and arrays, and then says the type that $n would have had. */
typedef enum bind_place { BIND_UTILITY, BIND_EXPRESSION } bind_place;

/* Is this a value for that parameter: type, items, null, range, UTF-8, JSON? For value parameters only. */
LB_MUST_CHECK int bind_check(const lb_statement_param *param, const lb_value *value, lb_error *err);

/* The text form of a checked value, lists as {1,2,NULL}; *ret_text is NULL for null. */
LB_MUST_CHECK int bind_text(const lb_value *value, arena *memory, const char **ret_text, lb_error *err);

/* The literal of a checked value. */
void bind_literal(buf *b, const lb_statement_param *param, const lb_value *value, bind_place place);

/* An exact decimal as the server reads and prints it, NaN and Infinity included. */
bool bind_is_numeric(const char *text);

const char *bind_type_name(lb_type type); /* "text", "list of identifier": for messages */

/* What IN () holds where a list is empty, for every engine that may answer. */
const char *bind_empty_list(lb_type element);

#endif
