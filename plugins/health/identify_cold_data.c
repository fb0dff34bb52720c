/* identify_cold_data: rows, partitions and whole tables that have not been written for a long time, with the evidence.
 *
 * Postgres does not know when a row was written or read. What can be known without reading tables: the moments in a
 * column that is shown to tell of writes (its default is the moment, rows lie in the order of it, or a person has named
 * it), the bounds of partitions, and counters that stand still. Where none of these speaks nothing is claimed. */
#include "branch_memory.h"
#include "cold_report.h"

#include <sql/archival/time_range.h>
#include <stdlib.h>

#define SECOND 1000000.0

struct args {
    double cold_threshold_days, price_per_gb_month;
    int64_t min_rows, min_bytes;
    lb_texts tables, time_columns, legal_hold, keep;
};

static const lb_param params[] = {
    LB_PARAM(struct args, cold_threshold_days, LB_F64, "90", "rows that were not written for so many days are cold",
             .min = "0", .max = "36500"),
    LB_PARAM(struct args, min_rows, LB_I64, "100000",
             "fewer cold rows of a table are no finding, unless they are large", .min = "1"),
    LB_PARAM(struct args, min_bytes, LB_I64, "1073741824", "cold bytes that are one however few rows they are",
             .min = "1"),
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_TEXT), NULL,
             "only these, orders or public.orders, with a * at the end for any rest; none given: all"),
    LB_PARAM(struct args, time_columns, LB_LIST_OF(LB_TEXT), NULL,
             "columns that tell when a row was last written: public.orders=placed_at"),
    LB_PARAM(struct args, legal_hold, LB_LIST_OF(LB_TEXT), NULL, "tables of which nothing may leave"),
    LB_PARAM(struct args, keep, LB_LIST_OF(LB_TEXT), NULL, "tables that are to stay whole for other reasons"),
    LB_PARAM(struct args, price_per_gb_month, LB_F64, "0",
             "what a gigabyte of storage costs a month, to state savings in money; 0: not known", .min = "0"),
    LB_PARAMS_END,
};

static bool is_large(const cold_policy *policy, double rows, int64_t bytes)
{
    return rows >= (double)policy->min_rows || bytes >= policy->min_bytes;
}

/* Its rows, as the last ANALYZE or the counters know them. */
static double rows_of(const cold_table *t)
{
    return t->r.rows > 0 ? t->r.rows : (double)t->r.live_rows;
}

static bool is_chosen(const cold_policy *policy, const cold_table *t)
{
    bool chosen = policy->tables.count == 0;
    for (; t && !chosen; t = t->parent)
        chosen = cold_listed(&policy->tables, t->r.schema, t->r.name);
    return chosen;
}

/* Columns and references of those that may become findings; of a tree its root, for the references. */
static bool is_wanted(const cold_table *t, const void *policy)
{
    return is_chosen(policy, t) && (t->r.kind[0] == 'p' || is_large(policy, rows_of(t), cold_bytes(t)));
}

/* ---- one table ---- */

/* What an index says of the ends. A table without cold rows after all: *ret_none. */
static int probe(cold_work *work, const cold_table *t, cold_rows *cold, bool *ret_none, lb_error *err)
{
    const archival_time_range_args args = {t->r.schema, t->r.name, cold->column->r.name};
    archival_time_range_row range;
    lb_rows *rows = NULL;
    if (!cold->column->r.is_indexed)
        return 0;
    int r = archival_time_range(work->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    if (!archival_time_range_next(work->ctx, rows, &range) || range.oldest_is_null)
        return 0;
    cold->oldest = range.oldest;
    cold->newest = range.newest;
    *ret_none = range.oldest >= work->set->cutoff;
    return 0;
}

static bool is_unused(const cold_set *set, const cold_table *t)
{
    return !set->is_standby && t->sight.unwritten_since <= set->cutoff && t->sight.unread_since <= set->cutoff;
}

static int judge_rows(cold_work *work, const cold_table *t, const cold_column *column, const char *ground,
                      lb_error *err)
{
    double share = cold_share_before(&column->spread, (double)work->set->cutoff / SECOND);
    cold_rows cold = {column, ground, share, share * rows_of(t), LB_TIME_NONE, LB_TIME_NONE};
    bool none = false;
    if (!is_large(work->policy, cold.rows, (int64_t)(share * (double)cold_bytes(t))) || cold.rows < 1)
        return 0;
    int r = probe(work, t, &cold, &none, err);
    return r < 0 || none ? r : cold_tell_rows(work, t, &cold, err);
}

static int judge_table(cold_work *work, const cold_table *t, lb_error *err)
{
    const char *ground = NULL, *obstacle = cold_obstacle(work->policy, t);
    if (obstacle)
        return cold_skip(work, t, obstacle, err);
    const cold_column *column = cold_choose(work->ctx, work->policy, work->set, t, &ground);
    work->examined++;
    if (column)
        return judge_rows(work, t, column, ground, err);
    return is_unused(work->set, t) ? cold_tell_unused(work, t, err) : cold_skip(work, t, ground, err);
}

/* ---- a table that is partitioned by time ---- */

static void add_leaf(cold_work *work, cold_leaves *leaves, const cold_table *leaf)
{
    if (!cold_is_past(work->set, leaf))
        return;
    leaves->items[leaves->count++].table = leaf;
    leaves->rows += (int64_t)rows_of(leaf);
    leaves->bytes += cold_bytes(leaf);
    leaves->read_lately += cold_read_lately(work->set, leaf);
    leaves->changed += leaf->r.updated + leaf->r.deleted > 0;
}

static int judge_tree(cold_work *work, const cold_table *root, lb_error *err)
{
    cold_leaves leaves = {.root = root, .items = lb_alloc(work->ctx, (work->set->count + 1) * sizeof(cold_leaf))};
    const char *obstacle = cold_obstacle(work->policy, root);
    int r = 0;
    if (!leaves.items)
        return lb_out_of_memory(err);
    if (obstacle)
        return cold_skip(work, root, obstacle, err);
    for (size_t i = 0; r >= 0 && i < work->set->count; i++) {
        const cold_table *leaf = &work->set->tables[i];
        if (leaf == root || leaf->r.kind[0] == 'p' || cold_root(leaf) != root)
            continue;
        obstacle = cold_obstacle(work->policy, leaf);
        leaves.of++;
        if (obstacle || !cold_has_range(leaf))
            r = cold_skip(work, leaf, obstacle ? obstacle : "its bounds say nothing of the age of its rows", err);
        else
            add_leaf(work, &leaves, leaf);
    }
    work->examined += (int64_t)leaves.of;
    return r < 0 || !leaves.count || !is_large(work->policy, (double)leaves.rows, leaves.bytes)
               ? r
               : cold_tell_leaves(work, &leaves, err);
}

static int judge(cold_work *work, const cold_table *t, lb_error *err)
{
    const cold_table *root = cold_root(t);
    if (!is_chosen(work->policy, t))
        return 0;
    if (t->r.kind[0] == 'p')
        return t == root && t->has_ranges ? judge_tree(work, t, err) : 0;
    if (root->has_ranges) /* it is judged with its tree */
        return is_chosen(work->policy, root) ? 0 : cold_skip(work, t, "it is a partition: name the whole table", err);
    if (t->r.kind[0] == 'f' || t->r.persistence[0] == 't' || is_large(work->policy, rows_of(t), cold_bytes(t)))
        return judge_table(work, t, err);
    work->examined++;
    cold_pass(work, "it holds less than min_rows and min_bytes", "they hold less than min_rows and min_bytes");
    return 0;
}

/* ---- the run ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const cold_sight *)a)->table_id, y = ((const cold_sight *)b)->table_id;
    return (x > y) - (x < y);
}

/* What counters prove, with what the last run saw of them; and that for the next run. */
static int look_at_counters(lb_ctx *ctx, cold_set *set, const cold_policy *policy, const char **ret_memory,
                            const char **ret_uid, lb_error *err)
{
    const char *json = NULL;
    cold_ledger past, next = {.counts_since = set->counts_since};
    int r = branch_recall(ctx, &json, ret_uid, err);
    if (r >= 0)
        r = cold_ledger_read(ctx, json, &past, err);
    if (r < 0)
        return r;
    next.sights = lb_alloc(ctx, (set->count + 1) * sizeof *next.sights);
    if (!next.sights)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        cold_table *t = &set->tables[i];
        t->sight = cold_look(&past, set->counts_since, set->now, t->r.table_id, cold_writes(t), cold_reads(t));
        if (next.count < COLD_SIGHTS_MAX && t->r.kind[0] == 'r' && is_large(policy, rows_of(t), cold_bytes(t)))
            next.sights[next.count++] = t->sight;
    }
    qsort(next.sights, next.count, sizeof *next.sights, by_id);
    *ret_memory = cold_ledger_text(ctx, &next);
    return *ret_memory ? 0 : lb_out_of_memory(err);
}

static int say(cold_work *work, lb_error *err)
{
    int r = cold_tell_passed(work, err);
    if (r >= 0)
        r = lb_examined(work->ctx, "tables", work->examined, err);
    return r < 0 ? r
                 : lb_result(
                       work->ctx,
                       LB_ARGS(lb_i64("cold_candidates", work->found), lb_i64("total_estimated_cold_rows", work->rows),
                               lb_i64("total_estimated_bytes", work->bytes), lb_time("cutoff", work->set->cutoff)),
                       err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const cold_policy policy = {args->tables,       args->legal_hold,          args->keep,
                                args->time_columns, args->cold_threshold_days, args->min_rows,
                                args->min_bytes};
    cold_set set;
    cold_work work = {.ctx = ctx, .policy = &policy, .set = &set, .price_per_gb_month = args->price_per_gb_month};
    const char *memory = NULL, *uid = NULL;
    int r = cold_read(ctx, policy.threshold_days, &set, err);
    if (r >= 0)
        r = cold_check_policy(ctx, &policy, &set, err);
    if (r >= 0)
        r = cold_read_details(ctx, &set, is_wanted, &policy, err);
    if (r >= 0)
        r = look_at_counters(ctx, &set, &policy, &memory, &uid, err);
    for (size_t i = 0; r >= 0 && i < set.count && !lb_cancelled(ctx); i++)
        r = judge(&work, &set.tables[i], err);
    if (r >= 0)
        r = say(&work, err);
    return r < 0 ? r : branch_remember(ctx, memory, uid, err);
}

LB_TOOL(identify_cold_data, "rows, partitions and tables that nobody has written for a long time", .agent = "health",
        .risk = LB_RISK_LOW, .schedule = "0 3 * * 0", .detector = true, .remembers = true, .timeout_s = 600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"), .run = run);
