/* params_value.h: one parameter's text to typed values. Exact: the whole text counts, ranges are checked, and the
 * locale that a plugin may have set changes nothing. */
#ifndef LBOPS_HOST_PARAMS_VALUE_H
#define LBOPS_HOST_PARAMS_VALUE_H

#include "params.h"

#define PARAM_TEXT_MAX ((size_t)4 * 1024 * 1024) /* bytes of one argument */

/* One scalar of the row's type or element type, held against choices and bounds. The value's text points into `text`.
 */
LB_MUST_CHECK int param_parse_scalar(const lb_param *row, const char *text, lb_value *ret_value, lb_error *err);

/* Calls fn for each value that the text stands for: one for a scalar, the elements of a JSON array for a list (or a
 * bare scalar as the only one). The value lives during the call. A negative return of fn ends the walk. */
typedef int param_visit(void *arg, const lb_value *value, lb_error *err);
LB_MUST_CHECK int param_each(const lb_param *row, const char *text, param_visit *fn, void *arg, lb_error *err);

/* Bytes that the type's member takes in a plugin's struct; 0: no type for parameters. */
size_t param_width(lb_type type);

/* The next of the choices "fast|safe": moves *p past it; false at the end. */
bool param_next_choice(const char **p, const char **ret_choice, size_t *ret_length);

/* What the bounds allow, for people: "from 0 to 10", "at least 0", "at most 10", or "". */
#define PARAM_RANGE_TEXT 96
const char *param_range(const lb_param *row, char text[PARAM_RANGE_TEXT]);

#endif
