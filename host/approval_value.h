/* approval_value.h: arguments in approval documents: typed, as text, so that no store changes them. Composed pieces of
 * SQL are left out: the statement's text has them. */
#ifndef LBOPS_HOST_APPROVAL_VALUE_H
#define LBOPS_HOST_APPROVAL_VALUE_H

#include "approval_doc.h"

/* One text, or that there is none, so that no two lists of texts give the same hash. */
void approval_hash_text(sha256 *s, const char *text);
void approval_hash_values(sha256 *s, const lb_value *values); /* ends with LB_END */

void approval_put_values(buf *into, const lb_value *values);
bool approval_values_are_writable(const lb_value *values); /* UTF-8; NULL is fine */
LB_MUST_CHECK int approval_get_values(struct json_object *list, arena *memory, const lb_value **ret_values,
                                      lb_error *err);

#endif
