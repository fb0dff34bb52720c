#include "vacuum_targets.h"

#include <sql/vacuum/leaves.h>
#include <sql/vacuum/others.h>
#include <stdlib.h>

static int worse_first(const void *a, const void *b)
{
    const vacuum_target *x = a, *y = b;
    return (x->urgency < y->urgency) - (x->urgency > y->urgency);
}

static int prepare(lb_ctx *ctx, const vacuum_scan *scan, vacuum_targets *ret_targets, lb_error *err)
{
    *ret_targets = (vacuum_targets){.items = lb_alloc(ctx, (scan->count + 1) * sizeof(vacuum_target))};
    return ret_targets->items ? 0 : lb_out_of_memory(err);
}

/* A relation once, whether it is due itself, its TOAST table is, or it was named twice. */
static void add(vacuum_targets *targets, const vacuum_relation *main, unsigned due, double urgency)
{
    for (size_t i = 0; i < targets->count; i++) {
        vacuum_target *t = &targets->items[i];
        if (t->relation != main)
            continue;
        t->due |= due;
        t->urgency = urgency > t->urgency ? urgency : t->urgency;
        return;
    }
    targets->items[targets->count++] = (vacuum_target){main, due, urgency};
}

static const vacuum_relation *find_main(const vacuum_scan *scan, int64_t relation)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->relations[i].row.relation == relation)
            return &scan->relations[i];
    return NULL;
}

int vacuum_targets_due(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_limits *limits, vacuum_targets *ret_targets,
                       lb_error *err)
{
    int r = prepare(ctx, scan, ret_targets, err);
    for (size_t i = 0; r >= 0 && i < scan->count; i++) {
        const vacuum_relation *v = &scan->relations[i], *main = find_main(scan, v->row.main);
        unsigned due = vacuum_due(v, limits, scan->now);
        if (!due || !main)
            continue;
        if (v->row.persistence[0] == 't')
            r = lb_skipped(ctx, v->label, "only the session that made a temporary table can vacuum it", err);
        else
            add(ret_targets, main, due, vacuum_urgency(v));
    }
    if (r >= 0)
        qsort(ret_targets->items, ret_targets->count, sizeof *ret_targets->items, worse_first);
    return r;
}

/* ---- by name ---- */

static bool is_called(lb_ctx *ctx, const char *wanted, const char *schema, const char *name)
{
    const char *full = vacuum_name(ctx, schema, name);
    return strcmp(wanted, name) == 0 || (full && strcmp(wanted, full) == 0);
}

static int add_leaves(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *parent, vacuum_targets *targets,
                      lb_error *err)
{
    const vacuum_leaves_args of = {.relation = parent->relation};
    vacuum_leaves_row row;
    lb_rows *rows = NULL;
    int r = vacuum_leaves(ctx, &of, &rows, err);
    while (r >= 0 && vacuum_leaves_next(ctx, rows, &row)) {
        const vacuum_relation *leaf = find_main(scan, row.relation);
        if (leaf)
            add(targets, leaf, VACUUM_DEAD | VACUUM_ANALYZE, vacuum_urgency(leaf));
    }
    return r;
}

static int add_other(lb_ctx *ctx, const vacuum_scan *scan, const char *wanted, vacuum_targets *targets, lb_error *err)
{
    vacuum_others_row row;
    lb_rows *rows = NULL;
    int r = vacuum_others(ctx, &rows, err);
    while (r >= 0 && vacuum_others_next(ctx, rows, &row)) {
        if (!is_called(ctx, wanted, row.schema, row.name))
            continue;
        return row.kind[0] == 'p' ? add_leaves(ctx, scan, &row, targets, err)
                                  : lb_skipped(ctx, wanted, "a foreign table holds no rows here", err);
    }
    return r < 0 ? r : lb_skipped(ctx, wanted, "there is no such table", err);
}

static int add_named(lb_ctx *ctx, const vacuum_scan *scan, const char *wanted, vacuum_targets *targets, lb_error *err)
{
    bool found = false;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < scan->count; i++) {
        const vacuum_relation *v = &scan->relations[i];
        if (v->row.kind[0] == 't' || !is_called(ctx, wanted, v->row.schema, v->row.name))
            continue;
        found = true;
        if (v->row.persistence[0] == 't')
            r = lb_skipped(ctx, v->label, "only the session that made a temporary table can vacuum it", err);
        else
            add(targets, v, VACUUM_DEAD | VACUUM_ANALYZE, vacuum_urgency(v));
    }
    return r < 0 || found ? r : add_other(ctx, scan, wanted, targets, err);
}

int vacuum_targets_named(lb_ctx *ctx, const vacuum_scan *scan, const lb_texts *names, vacuum_targets *ret_targets,
                         lb_error *err)
{
    int r = prepare(ctx, scan, ret_targets, err);
    for (size_t i = 0; r >= 0 && i < names->count; i++)
        r = add_named(ctx, scan, names->items[i], ret_targets, err);
    if (r >= 0)
        qsort(ret_targets->items, ret_targets->count, sizeof *ret_targets->items, worse_first);
    return r;
}
