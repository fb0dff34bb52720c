/* health_values.h: the text of a statement without its values. Pure but for the run's memory. */
#ifndef LBOPS_HEALTH_VALUES_H
#define LBOPS_HEALTH_VALUES_H

#include <lbops/lbops.h>

/* Each value becomes the next $n, as pg_stat_statements has it, and comments go. NULL: it is cut off, or it is not sure
 * where a value ends. */
const char *health_without_values(lb_ctx *ctx, const char *text);

#define HEALTH_LONGEST_VALUE 12 /* "$2147483647" */
/* The same, into so much room: HEALTH_LONGEST_VALUE for each byte of the text and its end. False: NULL above. */
bool health_take_values(const char *text, char *into);

#endif
