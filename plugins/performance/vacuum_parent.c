#include "vacuum_parent.h"

#include <math.h>
#include <sql/vacuum/analyze.h>
#include <sql/vacuum/leaves.h>

#define PART 0.1

/* Autovacuum analyzes a leaf when so much of it had changed that it was due. A person's ANALYZE, of the parent or of
 * all that there is, tells nothing of that. */
double vacuum_leaf_changed(const vacuum_relation *leaf, int64_t since)
{
    bool is_later =
        !leaf->row.last_autoanalyze_is_null && (since == LB_TIME_NONE || leaf->row.last_autoanalyze > since);
    return (double)leaf->row.modified_since_analyze + (is_later ? fmax(leaf->need.analyze_trigger, 0) : 0);
}

static const vacuum_relation *find_leaf(const vacuum_scan *scan, int64_t relation)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->relations[i].row.relation == relation)
            return &scan->relations[i];
    return NULL;
}

static int add_changes(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row, double *ret_changed,
                       lb_error *err)
{
    const vacuum_leaves_args of = {.relation = row->relation};
    vacuum_leaves_row leaf;
    lb_rows *rows = NULL;
    int r = vacuum_leaves(ctx, &of, &rows, err);
    while (r >= 0 && vacuum_leaves_next(ctx, rows, &leaf)) {
        const vacuum_relation *v = find_leaf(scan, leaf.relation);
        *ret_changed += v ? vacuum_leaf_changed(v, row->last_analyze_is_null ? LB_TIME_NONE : row->last_analyze) : 0;
    }
    return r;
}

int vacuum_weigh_parent(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row, int64_t min_rows,
                        vacuum_parent *ret_parent, lb_error *err)
{
    vacuum_parent p = {0};
    double off = fabs(row->leaf_rows - fmax(row->rows_known, 0)), least = fmax((double)min_rows, PART * row->leaf_rows);
    int r = add_changes(ctx, scan, row, &p.changed, err);
    if (row->rows_known < 0 && (row->leaf_rows >= (double)min_rows || p.changed >= (double)min_rows))
        p.why = "autovacuum never analyzes a partitioned table, and nobody else has";
    else if (off >= (double)min_rows && off > PART * row->leaf_rows)
        p.why = "autovacuum never analyzes a partitioned table, and its leaves hold other numbers of rows by now";
    else if (p.changed > least)
        p.why = lb_printf(ctx,
                          "autovacuum never analyzes a partitioned table, and %.0f rows of its leaves' %.0f were "
                          "changed since its last ANALYZE, at least",
                          p.changed, row->leaf_rows);
    *ret_parent = p;
    return r;
}

/* The planner reads the parent's statistics, which only an ANALYZE by hand renews. */
int vacuum_report_parent(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row, int64_t min_rows,
                         lb_error *err)
{
    const vacuum_analyze_args table = {.schema = row->schema, .table = row->name};
    const char *name = vacuum_name(ctx, row->schema, row->name);
    const lb_sql *fix = NULL;
    vacuum_parent p;
    int r = vacuum_weigh_parent(ctx, scan, row, min_rows, &p, err);
    if (r < 0 || !p.why)
        return r;
    r = vacuum_analyze_compose(ctx, &table, &fix, err);
    if (r < 0)
        return r;
    return lb_report(
        ctx,
        LB_FINDING(.object = name, .kind = "partitioned_statistics_overdue", .reason = p.why,
                   .evidence = LB_ARGS(lb_f64("rows_of_its_statistics", row->rows_known),
                                       lb_f64("rows_of_its_leaves", row->leaf_rows), lb_i64("leaves", row->leaves),
                                       lb_f64("changed_rows_at_least", p.changed),
                                       row->last_analyze_is_null ? lb_null("last_analyze")
                                                                 : lb_time("last_analyze", row->last_analyze)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.5}, {"a_tenth_of_its_leaves_has_changed", 0.4}),
                   .fix = fix),
        err);
}
