/* explain_repair.h: statements whose constants the server's statistics have replaced by $1, $2 ... where its grammar
 * has none: `interval $1`, `extract($2 from t.day)`, or where their type chose the function: `generate_series($3, $4)`.
 * What they were is certain, and is written so that a server takes it. */
#ifndef LBOPS_HOST_EXPLAIN_REPAIR_H
#define LBOPS_HOST_EXPLAIN_REPAIR_H

#include "arena.h"
#include "effect_tree.h"

/* text is the statement, and base where it begins in what was parsed. *ret_text is text itself where nothing is wrong,
 * or where nobody can be sure of what it was. */
LB_MUST_CHECK int explain_repair(const char *text, tree statement, size_t base, arena *memory, const char **ret_text,
                                 lb_error *err);

#endif
