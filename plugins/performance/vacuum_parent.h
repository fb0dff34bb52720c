/* vacuum_parent.h: partitioned tables, whose statistics nobody renews by itself. */
#ifndef LBOPS_VACUUM_PARENT_H
#define LBOPS_VACUUM_PARENT_H

#include "vacuum_due.h"

#include <sql/vacuum/others.h>

/* What has become of the leaves since the parent's statistics are from. changed: rows at least, as each ANALYZE of a
 * leaf resets its counter. */
typedef struct vacuum_parent {
    double changed;
    const char *why; /* NULL: nothing is due */
} vacuum_parent;

/* Due: its leaves differ in rows by a tenth, or a tenth of their rows was changed, or it never had statistics; and
 * min_rows at least. Reads which leaves are below it. */
LB_MUST_CHECK int vacuum_weigh_parent(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row,
                                      int64_t min_rows, vacuum_parent *ret_parent, lb_error *err);

/* A leaf's part of what has changed since a moment (LB_TIME_NONE: not known when). Pure. */
double vacuum_leaf_changed(const vacuum_relation *leaf, int64_t since);

/* A finding where it is due. */
LB_MUST_CHECK int vacuum_report_parent(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row,
                                       int64_t min_rows, lb_error *err);

#endif
