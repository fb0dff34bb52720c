/* health_values.h: the text of a statement without its values. Pure but for the run's memory. */
#ifndef LBOPS_HEALTH_VALUES_H
#define LBOPS_HEALTH_VALUES_H

#include <lbops/lbops.h>

/* Each value becomes the next $n, as pg_stat_statements has it, and comments go. NULL: it is cut off, or it is not sure
 * where a value ends. */
const char *health_without_values(lb_ctx *ctx, const char *text);

#endif
