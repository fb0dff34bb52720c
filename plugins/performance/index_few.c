/* Indexes over so few values that none of them tells rows apart. No drop is proposed: whether another column, or a
 * part of the rows, is what was meant, people know. */
#include "amount.h"
#include "index_rules.h"
#include "index_writes.h"

#include <math.h>

#define MINUTE       ((int64_t)60 * 1000000)
#define FEW_VALUES   10
#define COMMON       0.1 /* of the rows, that even the rarest value has: such a part of a table is soon read in full */
#define IN_ORDER     0.9 /* rows of a value lie side by side: even a tenth of them is read quickly */
#define RARELY_TAKEN 100 /* reads of the table for each scan of it: the planner does not care for it */
#define CHANGED      0.2 /* of the rows, since their statistics were made: these are of another table */

static const index_column *only_key(const index_info *x)
{
    bool is_plain = x->r.key_count == 1 && x->keys.count == 1 && x->keys.items[0] && !x->r.predicate &&
                    (strcmp(x->r.method, "btree") == 0 || strcmp(x->r.method, "hash") == 0);
    return is_plain ? index_find_column(x->table, x->keys.items[0]) : NULL;
}

/* Nulls are a value as well: few of them are what somebody may look for. One value alone is in order wherever it lies.
 */
bool index_tells_nothing_apart(const index_column *c)
{
    return c->has_statistics && c->distinct_values >= 1 && c->distinct_values <= FEW_VALUES &&
           c->rarest_share >= COMMON && (c->null_share <= 0 || c->null_share >= COMMON) &&
           (c->distinct_values < 2 || fabs(c->correlation) < IN_ORDER);
}

static int tell_few_values(index_work *work, const index_info *x, const index_column *c, int64_t reads, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const index_window *w = &work->set->window;
    index_write_rate writes = index_writes_per_day(work, x->table);
    double least = c->null_share > 0 && c->null_share < c->rarest_share ? c->null_share : c->rarest_share;
    return index_tell(
        work,
        &(index_finding){
            .kind = "low_cardinality_index",
            .table = x->table,
            .index = x,
            .reason = lb_printf(
                ctx,
                "%s has %s%s, and even the rarest is in %.0f %% of the rows: of %lld reads of the "
                "table %lld took it. What may help is an index with a column that tells rows apart, or over "
                "the few rows that are looked for",
                c->r.name, amount_text(ctx, c->distinct_values, "value", "values"),
                c->null_share > 0 ? " and nulls" : "", 100 * least, (long long)reads, (long long)x->tree_scans),
            .evidence = LB_ARGS(lb_text("columns", c->r.name), lb_f64("distinct_values", c->distinct_values),
                                lb_f64("rarest_share", c->rarest_share), lb_f64("null_share", c->null_share),
                                lb_f64("correlation", c->correlation), lb_f64("rows", index_table_rows(x->table)),
                                lb_i64("scans", x->tree_scans), lb_i64("table_reads", reads), lb_f64("days", w->days),
                                lb_time("counted_since", w->since), lb_i64("bytes", x->tree_bytes),
                                INDEX_WRITES_EVIDENCE(writes)),
            .terms = LB_TERMS({"statistics_name_all_values", 0.5}, {"never_scanned", x->tree_scans ? 0 : 0.1},
                              {"all_values_are_common", least >= 2 * COMMON ? 0.1 : 0},
                              {"other_computes_not_read", w->elsewhere == INDEX_ELSEWHERE_UNREAD ? -0.2 : 0}),
            .impact = LB_ARGS(lb_i64("bytes", x->tree_bytes), INDEX_WRITES_IMPACT(writes))},
        err);
}

/* Why the counts of such an index say nothing against it, or NULL. */
static const char *why_not(const index_work *work, const index_info *x, int64_t reads, const index_few_limits *limits)
{
    const char *role = index_role(work->set, x);
    return role ? role
           : reads < limits->min_reads
               ? "{it has|they have} few values, but {its table was|their tables were} read too seldom to tell"
           : x->tree_scans * RARELY_TAKEN >= reads
               ? "{it has|they have} few values, and the planner takes {it|them} all the same"
           : (double)x->table->r.changed_rows > CHANGED * index_table_rows(x->table)
               ? "{it has|they have} few values, as statistics say that are of before many changes"
               : NULL;
}

static int look_at_values(index_work *work, const index_info *x, const index_few_limits *limits, lb_error *err)
{
    if (x->parent || !index_is_whole(x) || index_is_locked(x) || index_goes(work, x)) /* others have said why */
        return 0;
    const index_column *c = only_key(x);
    if (!c || !index_tells_nothing_apart(c) || index_table_rows(x->table) < (double)limits->min_rows ||
        x->tree_bytes < limits->min_bytes)
        return 0;
    int64_t reads = index_reads(work->set, x->table);
    const char *why = why_not(work, x, reads, limits);
    if (why)
        index_pass(work, why);
    return why ? 0 : tell_few_values(work, x, c, reads, err);
}

int index_find_few_values(index_work *work, const index_few_limits *limits, lb_error *err)
{
    const index_window *w = &work->set->window;
    int r = 0;
    if (w->r.in_recovery || w->r.now - w->since < limits->min_minutes * MINUTE)
        return lb_skipped(work->ctx, "indexes over few values",
                          w->r.in_recovery ? "this is a standby: it counts its own scans only"
                                           : "insufficient data: the server has not counted for min_minutes",
                          err);
    for (size_t i = 0; r >= 0 && i < work->set->index_count; i++)
        r = look_at_values(work, &work->set->indexes[i], limits, err);
    return r < 0 ? r : index_tell_passed(work, "index", "indexes", err);
}
