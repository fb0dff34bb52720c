#include "cold_report.h"

#include <string.h>

#define DAY       (86400.0 * 1000000)
#define GB        1e9
#define READS     "Postgres does not record which rows are read: scans are of the whole table"
#define NAMES_MAX 20 /* of partitions in one finding */

int64_t cold_bytes(const cold_table *t)
{
    return t->r.table_bytes + t->r.index_bytes;
}

/* ---- what was left out ---- */

void cold_pass(cold_work *work, const char *of_one, const char *of_many)
{
    size_t most = sizeof work->passed / sizeof *work->passed;
    for (size_t i = 0; i < most; i++) {
        cold_passed *p = &work->passed[i];
        if (p->reason && strcmp(p->reason, of_many) != 0)
            continue;
        p->of_one = of_one;
        p->reason = of_many;
        p->count++;
        return;
    }
}

int cold_tell_passed(cold_work *work, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < sizeof work->passed / sizeof *work->passed && work->passed[i].reason; i++) {
        const cold_passed *p = &work->passed[i];
        const char *told = lb_printf(work->ctx, "%lld %s", (long long)p->count, p->count == 1 ? "table" : "tables");
        r = told ? lb_skipped(work->ctx, told, p->count == 1 ? p->of_one : p->reason, err) : lb_out_of_memory(err);
    }
    return r;
}

int cold_skip(cold_work *work, const cold_table *table, const char *reason, lb_error *err)
{
    const char *label = cold_label(work->ctx, table);
    return label ? lb_skipped(work->ctx, label, reason, err) : lb_out_of_memory(err);
}

/* ---- pieces of evidence ---- */

static lb_value maybe_time(const char *name, int64_t moment, bool is_null)
{
    return is_null ? lb_null(name) : lb_time(name, moment);
}

static bool takes_rows_along(const cold_table *t)
{
    bool along = false;
    for (size_t i = 0; i < t->reference_count; i++)
        along = along || strcmp(t->references[i].on_delete, "cascade") == 0;
    return along;
}

/* "public.items (order_id_fkey): refuse". */
static lb_value references_of(lb_ctx *ctx, const cold_table *t)
{
    lb_value *items = lb_alloc(ctx, (t->reference_count + 1) * sizeof *items);
    size_t count = 0;
    for (size_t i = 0; items && i < t->reference_count; i++) {
        const archival_references_row *f = &t->references[i];
        const char *text = lb_printf(ctx, "%s.%s (%s): %s", f->schema, f->name, f->constraint_name, f->on_delete);
        items[count++] = lb_text(NULL, text ? text : f->constraint_name);
    }
    return lb_list("foreign_keys_to_it", LB_TEXT, items, count);
}

static double reference_points(const cold_table *t)
{
    return t->reference_count == 0 ? 0.05 : takes_rows_along(t) ? -0.15 : -0.1;
}

static lb_value cost_of(const cold_work *work, int64_t bytes)
{
    return work->price_per_gb_month > 0 ? lb_f64("monthly_cost", (double)bytes / GB * work->price_per_gb_month)
                                        : lb_null("monthly_cost");
}

static const lb_value *impact_of(const cold_work *work, int64_t rows, int64_t bytes, const char *how)
{
    const lb_value values[] = {
        lb_i64("rows", rows), lb_i64("bytes", bytes), cost_of(work, bytes), lb_text("how", how), {.type = LB_END}};
    lb_value *copy = lb_alloc(work->ctx, sizeof values);
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

static const char *but_of(lb_ctx *ctx, const char *unfit)
{
    return unfit ? lb_printf(ctx, "; they cannot be archived: %s", unfit) : "";
}

/* ---- its place in the result and in history ---- */

static int metric(cold_work *work, const char *object, const char *name, const char *unit, int64_t value, lb_error *err)
{
    return lb_record(work->ctx, "lakebase_metrics",
                     LB_ARGS(lb_text("metric_name", name), lb_f64("metric_value", (double)value), lb_text("unit", unit),
                             lb_text("kind", "gauge"), lb_text("object_name", object),
                             lb_time("snapshot_timestamp", work->set->now)),
                     err);
}

static int note(cold_work *work, const cold_table *table, const char *kind, int64_t rows, int64_t bytes, lb_error *err)
{
    const char *object = cold_label(work->ctx, table);
    if (!object)
        return lb_out_of_memory(err);
    work->found++;
    work->rows += rows;
    work->bytes += bytes;
    int r = metric(work, object, "cold_rows", "count", rows, err);
    if (r >= 0)
        r = metric(work, object, "cold_bytes", "bytes", bytes, err);
    return r < 0 ? r
                 : lb_append(work->ctx, "candidates",
                             LB_ARGS(lb_text("schema", table->r.schema), lb_text("table", table->r.name),
                                     lb_text("kind", kind), lb_i64("live_tuples", table->r.live_rows),
                                     lb_i64("estimated_cold_rows", rows),
                                     lb_f64("estimated_size_mb", (double)bytes / 1048576)),
                             err);
}

/* ---- rows ---- */

static double ground_points(const cold_rows *cold)
{
    return cold->column->r.default_is_now ? 0.3 : strncmp(cold->ground, "named", 5) == 0 ? 0.35 : 0.2;
}

static double freshness_points(const cold_table *t)
{
    return t->r.rows > 0 && (double)t->r.changed_rows > 0.1 * t->r.rows ? -0.1 : 0.1;
}

static double update_points(const cold_set *set, const cold_table *t)
{
    if (t->r.updated > 0)
        return -0.15; /* of cold rows or of others: nobody knows */
    return set->counts_since <= set->cutoff ? 0.1 : 0;
}

int cold_tell_rows(cold_work *work, const cold_table *t, const cold_rows *cold, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const cold_set *set = work->set;
    const archival_time_columns_row *c = &cold->column->r;
    int64_t rows = (int64_t)cold->rows, bytes = (int64_t)(cold->share * (double)cold_bytes(t));
    bool is_probed = cold->oldest != LB_TIME_NONE;
    const char *unfit = cold_unfit(ctx, t);
    int r = lb_report(
        ctx,
        LB_FINDING(.object = cold_label(ctx, t), .kind = "cold_rows",
                   .reason = lb_printf(ctx, "about %.0f %% of its rows have a %s more than %g days ago (%s)%s",
                                       100 * cold->share, c->name, work->policy->threshold_days, cold->ground,
                                       but_of(ctx, unfit)),
                   .evidence = LB_ARGS(
                       lb_text("time_column", c->name), lb_text("ground", cold->ground), lb_time("cutoff", set->cutoff),
                       lb_f64("cold_share", cold->share),
                       lb_f64("share_error", cold_share_error(&cold->column->spread)), lb_f64("rows", t->r.rows),
                       lb_f64("rows_without_a_moment", t->r.rows * cold->column->spread.null_share),
                       maybe_time("oldest", cold->oldest, !is_probed), maybe_time("newest", cold->newest, !is_probed),
                       maybe_time("last_analyze", t->r.last_analyze, t->r.last_analyze_is_null),
                       lb_i64("changed_since_analyze", t->r.changed_rows), lb_time("counted_since", set->counts_since),
                       lb_i64("updates_counted", t->r.updated), lb_i64("deletes_counted", t->r.deleted),
                       lb_time("unwritten_since", t->sight.unwritten_since),
                       lb_time("unread_since", t->sight.unread_since),
                       maybe_time("last_seq_scan", t->r.last_seq_scan, t->r.last_seq_scan_is_null),
                       maybe_time("last_index_scan", t->r.last_index_scan, t->r.last_index_scan_is_null),
                       references_of(ctx, t), lb_i64("delete_triggers", t->r.delete_triggers),
                       lb_bool("is_published", t->r.is_published), lb_text("cannot_be_archived", unfit),
                       lb_text("reads", is_probed ? READS " (by this tool too, which asks the index)" : READS)),
                   .terms =
                       LB_TERMS({"share_by_statistics", 0.3}, {"column_tells_of_writes", ground_points(cold)},
                                {"statistics_are_fresh", freshness_points(t)}, {"an_index_agrees", is_probed ? 0.1 : 0},
                                {"updates_of_old_rows", update_points(set, t)}, {"reads_of_rows_unknown", -0.1},
                                {"foreign_keys_to_it", reference_points(t)}),
                   .impact = impact_of(
                       work, rows, bytes,
                       "new rows reuse the space of deleted ones; the files shrink when the table is rewritten")),
        err);
    return r < 0 ? r : note(work, t, "cold_rows", rows, bytes, err);
}

/* ---- partitions ---- */

static lb_value names_of(lb_ctx *ctx, const cold_leaves *leaves)
{
    size_t count = leaves->count < NAMES_MAX ? leaves->count : NAMES_MAX;
    lb_value *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = lb_text(NULL, cold_label(ctx, leaves->items[i].table));
    return lb_list("partitions", LB_TEXT, items, items ? count : 0);
}

static int64_t last_end(const cold_leaves *leaves)
{
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < leaves->count; i++)
        for (const cold_table *t = leaves->items[i].table; t; t = t->parent)
            if (t->range && !t->range->upper_bound_is_null && t->range->upper_bound > last)
                last = t->range->upper_bound;
    return last;
}

static const char *key_of(const cold_leaves *leaves)
{
    for (const cold_table *t = leaves->items[0].table; t; t = t->parent)
        if (t->range)
            return t->range->key_column;
    return NULL;
}

bool cold_read_lately(const cold_set *set, const cold_table *t)
{
    bool seq = !t->r.last_seq_scan_is_null && t->r.last_seq_scan > set->cutoff;
    bool index = !t->r.last_index_scan_is_null && t->r.last_index_scan > set->cutoff;
    return seq || index || (cold_reads(t) > 0 && t->sight.unread_since > set->cutoff);
}

int cold_tell_leaves(cold_work *work, const cold_leaves *leaves, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const cold_set *set = work->set;
    bool counted = set->counts_since <= set->cutoff;
    const char *unfit = cold_unfit(ctx, leaves->root);
    int r = lb_report(
        ctx,
        LB_FINDING(.object = cold_label(ctx, leaves->root), .kind = "cold_partitions",
                   .reason = lb_printf(
                       ctx, "%zu of its %zu partitions hold only rows with a %s more than %g days ago%s", leaves->count,
                       leaves->of, key_of(leaves), work->policy->threshold_days, but_of(ctx, unfit)),
                   .evidence = LB_ARGS(
                       lb_text("time_column", key_of(leaves)), lb_text("ground", "bounds of partitions"),
                       lb_time("cutoff", set->cutoff), lb_i64("cold_partitions", (int64_t)leaves->count),
                       lb_i64("partitions_in_all", (int64_t)leaves->of), names_of(ctx, leaves),
                       lb_time("last_bound", last_end(leaves)), lb_i64("partitions_changed", (int64_t)leaves->changed),
                       lb_i64("partitions_read_lately", (int64_t)leaves->read_lately),
                       lb_time("counted_since", set->counts_since), references_of(ctx, leaves->root),
                       lb_i64("delete_triggers", leaves->root->r.delete_triggers),
                       lb_bool("is_published", leaves->root->r.is_published), lb_text("cannot_be_archived", unfit)),
                   .terms = LB_TERMS({"bounds_say_so", 0.7}, {"none_was_changed", leaves->changed ? -0.15 : 0.1},
                                     {"none_was_read", leaves->read_lately ? -0.15
                                                       : counted           ? 0.1
                                                                           : 0},
                                     {"foreign_keys_to_it", reference_points(leaves->root)}),
                   .impact =
                       impact_of(work, leaves->rows, leaves->bytes, "all of it at once: partitions go as a whole")),
        err);
    return r < 0 ? r : note(work, leaves->root, "cold_partitions", leaves->rows, leaves->bytes, err);
}

/* ---- whole tables ---- */

int cold_tell_unused(cold_work *work, const cold_table *t, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const cold_set *set = work->set;
    int64_t since = t->sight.unread_since > t->sight.unwritten_since ? t->sight.unread_since : t->sight.unwritten_since;
    int r = lb_report(
        ctx,
        LB_FINDING(.object = cold_label(ctx, t), .kind = "unused_table",
                   .reason = lb_printf(ctx, "nobody has read or written it for %.0f days that were counted",
                                       (double)(set->now - since) / DAY),
                   .evidence = LB_ARGS(
                       lb_text("ground", "counters of the server"), lb_time("cutoff", set->cutoff),
                       lb_time("counted_since", set->counts_since),
                       lb_time("unwritten_since", t->sight.unwritten_since),
                       lb_time("unread_since", t->sight.unread_since), lb_i64("writes_counted", cold_writes(t)),
                       lb_i64("scans_counted", cold_reads(t)), lb_f64("rows", t->r.rows), references_of(ctx, t),
                       lb_i64("delete_triggers", t->r.delete_triggers), lb_bool("is_published", t->r.is_published)),
                   .terms = LB_TERMS({"counters_stand_still", 0.6}, {"foreign_keys_to_it", reference_points(t)},
                                     {"other_computes_count_their_own_reads", -0.05}),
                   .impact = impact_of(work, (int64_t)t->r.rows, cold_bytes(t), "all of it when the table is dropped")),
        err);
    return r < 0 ? r : note(work, t, "unused_table", (int64_t)t->r.rows, cold_bytes(t), err);
}
