#include "vacuum_parent.h"

#include <sql/vacuum/analyze.h>

/* The planner reads the parent's statistics, which only an ANALYZE by hand renews. */
int vacuum_report_parent(lb_ctx *ctx, const vacuum_others_row *row, int64_t min_rows, lb_error *err)
{
    const vacuum_analyze_args table = {.schema = row->schema, .table = row->name};
    const char *name = vacuum_name(ctx, row->schema, row->name);
    const lb_sql *fix = NULL;
    double known = row->rows_known < 0 ? 0 : row->rows_known, off = row->leaf_rows - known;
    off = off < 0 ? -off : off;
    if (off < (double)min_rows || off <= 0.1 * row->leaf_rows)
        return 0;
    int r = vacuum_analyze_compose(ctx, &table, &fix, err);
    if (r < 0)
        return r;
    return lb_report(
        ctx,
        LB_FINDING(.object = name, .kind = "partitioned_statistics_overdue",
                   .reason = "autovacuum never analyzes a partitioned table, and its leaves have changed",
                   .evidence = LB_ARGS(lb_f64("rows_of_its_statistics", row->rows_known),
                                       lb_f64("rows_of_its_leaves", row->leaf_rows), lb_i64("leaves", row->leaves),
                                       row->last_analyze_is_null ? lb_null("last_analyze")
                                                                 : lb_time("last_analyze", row->last_analyze)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.5}, {"leaves_differ_by_a_tenth", 0.4}), .fix = fix),
        err);
}
