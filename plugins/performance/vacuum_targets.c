#include "vacuum_targets.h"

#include "vacuum_parent.h"

#include <sql/vacuum/leaves.h>
#include <stdlib.h>

typedef struct others {
    vacuum_others_row *rows;
    size_t count;
} others;

static int worse_first(const void *a, const void *b)
{
    const vacuum_target *x = a, *y = b;
    return (x->urgency < y->urgency) - (x->urgency > y->urgency);
}

/* Room for each relation and each partitioned table once. */
static int prepare(lb_ctx *ctx, const vacuum_scan *scan, vacuum_targets *ret_targets, others *ret_others, lb_error *err)
{
    lb_rows *rows = NULL;
    *ret_others = (others){0};
    int r = vacuum_scan_others(ctx, &rows, err);
    if (r < 0)
        return r;
    size_t most = (size_t)lb_row_count(ctx, rows) + 1;
    ret_others->rows = lb_alloc(ctx, most * sizeof *ret_others->rows);
    *ret_targets = (vacuum_targets){.items = lb_alloc(ctx, (scan->count + most) * sizeof(vacuum_target))};
    if (!ret_targets->items || !ret_others->rows)
        return lb_out_of_memory(err);
    while (vacuum_others_next(ctx, rows, &ret_others->rows[ret_others->count]))
        ret_others->count++;
    return 0;
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
    targets->items[targets->count++] = (vacuum_target){.relation = main, .due = due, .urgency = urgency};
}

static const vacuum_relation *find_main(const vacuum_scan *scan, int64_t relation)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->relations[i].row.relation == relation)
            return &scan->relations[i];
    return NULL;
}

/* The scan has no partitioned tables: they hold no rows. */
static vacuum_relation *relation_of(lb_ctx *ctx, const vacuum_others_row *row)
{
    vacuum_relation *v = lb_alloc(ctx, sizeof *v);
    if (!v)
        return NULL;
    *v = (vacuum_relation){.row = {.schema = row->schema,
                                   .name = row->name,
                                   .relation = row->relation,
                                   .main = row->relation,
                                   .kind = row->kind,
                                   .persistence = "p",
                                   .may_maintain = row->may_maintain,
                                   .rows_known = row->rows_known},
                           .need = {.enabled = false,
                                    .rows = row->leaf_rows,
                                    .last_vacuum = LB_TIME_NONE,
                                    .last_analyze = row->last_analyze_is_null ? LB_TIME_NONE : row->last_analyze},
                           .label = vacuum_name(ctx, row->schema, row->name)};
    return v->label ? v : NULL;
}

/* Behind what is as overdue and has dead rows: old statistics hurt less. */
static int add_parent(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_others_row *row, const vacuum_limits *limits,
                      vacuum_targets *targets, lb_error *err)
{
    vacuum_parent p;
    int r = vacuum_weigh_parent(ctx, scan, row, limits->min_rows, &p, err);
    if (r < 0 || !p.why)
        return r;
    vacuum_relation *v = relation_of(ctx, row);
    if (!v)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].relation->row.relation == row->relation)
            return 0; /* named twice */
    targets->items[targets->count++] = (vacuum_target){.relation = v,
                                                       .why = p.why,
                                                       .due = VACUUM_ANALYZE,
                                                       .urgency = vacuum_share(p.changed, 0.1 * row->leaf_rows) / 4};
    return 0;
}

int vacuum_targets_due(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_limits *limits, vacuum_targets *ret_targets,
                       lb_error *err)
{
    others all;
    int r = prepare(ctx, scan, ret_targets, &all, err);
    for (size_t i = 0; r >= 0 && i < all.count && !scan->server.is_standby; i++)
        if (all.rows[i].kind[0] == 'p')
            r = add_parent(ctx, scan, &all.rows[i], limits, ret_targets, err);
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

static int add_other(lb_ctx *ctx, const vacuum_scan *scan, const char *wanted, const others *all,
                     const vacuum_limits *limits, vacuum_targets *targets, lb_error *err)
{
    for (size_t i = 0; i < all->count; i++) {
        const vacuum_others_row *row = &all->rows[i];
        if (!is_called(ctx, wanted, row->schema, row->name))
            continue;
        if (row->kind[0] != 'p')
            return lb_skipped(ctx, wanted, "a foreign table holds no rows here", err);
        int r = add_leaves(ctx, scan, row, targets, err);
        return r < 0 ? r : add_parent(ctx, scan, row, limits, targets, err);
    }
    return lb_skipped(ctx, wanted, "there is no such table", err);
}

static int add_named(lb_ctx *ctx, const vacuum_scan *scan, const char *wanted, const others *all,
                     const vacuum_limits *limits, vacuum_targets *targets, lb_error *err)
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
    return r < 0 || found ? r : add_other(ctx, scan, wanted, all, limits, targets, err);
}

int vacuum_targets_named(lb_ctx *ctx, const vacuum_scan *scan, const lb_texts *names, const vacuum_limits *limits,
                         vacuum_targets *ret_targets, lb_error *err)
{
    others all;
    int r = prepare(ctx, scan, ret_targets, &all, err);
    for (size_t i = 0; r >= 0 && i < names->count; i++)
        r = add_named(ctx, scan, names->items[i], &all, limits, ret_targets, err);
    if (r >= 0)
        qsort(ret_targets->items, ret_targets->count, sizeof *ret_targets->items, worse_first);
    return r;
}
