/* vacuum_parent.h: partitioned tables, whose statistics nobody renews by itself. */
#ifndef LBOPS_VACUUM_PARENT_H
#define LBOPS_VACUUM_PARENT_H

#include "vacuum_due.h"

#include <sql/vacuum/others.h>

/* A finding, where the leaves hold a tenth more or fewer rows than the statistics say, and min_rows at least. */
LB_MUST_CHECK int vacuum_report_parent(lb_ctx *ctx, const vacuum_others_row *row, int64_t min_rows, lb_error *err);

#endif
