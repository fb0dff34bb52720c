/* statements_source.h: pg_stat_statements as this server has it, and the reasons why it may not have it. */
#ifndef LBOPS_STATEMENTS_SOURCE_H
#define LBOPS_STATEMENTS_SOURCE_H

#include "statements_ledger.h"

#include <sql/statements/extension.h>
#include <sql/statements/info.h>

typedef struct statements_source {
    statements_extension_row extension;
    statements_info_row info; /* where it is there */
    statements_epoch epoch;
} statements_source;

/* *ret_why says why nothing can be read here; NULL: it can. */
LB_MUST_CHECK int statements_look(lb_ctx *ctx, statements_source *ret_source, const char **ret_why, lb_error *err);

/* Seconds without activity after which the compute is suspended, and its statistics are gone; 0: never, or nobody says.
 * The control plane is asked, which wakes nothing. One that does not answer is no failure, but it is told. */
LB_MUST_CHECK int statements_suspends_after(lb_ctx *ctx, double *ret_seconds, lb_error *err);

/* One of the metrics that say how complete the statistics are. */
LB_MUST_CHECK int statements_record(lb_ctx *ctx, const statements_source *s, const char *metric, double value,
                                    const char *unit, const char *kind, lb_error *err);

#endif
