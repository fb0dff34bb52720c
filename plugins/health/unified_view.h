/* unified_view.h: a table on the server, its archive, and the view of both. */
#ifndef LBOPS_UNIFIED_VIEW_H
#define LBOPS_UNIFIED_VIEW_H

#include "archival_source.h"

typedef struct unified {
    lb_ctx *ctx;
    const char *label; /* schema.table, on the server */
    lb_lake_name hot, cold, view;
    const lb_lake_table *hot_table, *cold_table;
    archival_pieces hot_columns, cold_columns;
} unified;

/* Fills the two lists. Those of the server in their order, then those that only the archive has, without the archive's
 * own; what one side lacks is null there, and where types differ the archive's holds, or the wider of two numbers. */
LB_MUST_CHECK int unified_match_columns(unified *u, lb_error *err);

#endif
