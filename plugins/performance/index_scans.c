/* Tables that are read in full again and again: a finding where nobody counts statements, else what these leave open.
 */
#include "amount.h"
#include "index_missing.h"
#include "index_rules.h"
#include <math.h>

#define BUSY_FACTOR 10
#define MINUTE      (INT64_C(60) * 1000000)

static bool is_read_in_full(const index_table *t, const index_missing_limits *limits)
{
    int64_t scans = t->r.seq_scans;
    return t->r.kind[0] != 'p' && !t->r.is_of_extension && index_table_rows(t) >= (double)limits->min_rows &&
           t->r.bytes >= limits->min_bytes && scans >= limits->min_scans && t->r.seq_rows / scans >= limits->min_rows &&
           t->r.index_scans < BUSY_FACTOR * scans;
}

static int tell_scans(index_work *work, const index_table *t, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    return index_tell(
        work,
        &(index_finding){
            .kind = "sequential_scans",
            .table = t,
            .reason =
                lb_printf(ctx, "read in full %lld times, %.0f rows each; by which columns only statements can tell",
                          (long long)t->r.seq_scans, (double)t->r.seq_rows / (double)t->r.seq_scans),
            .evidence = LB_ARGS(lb_i64("sequential_scans", t->r.seq_scans), lb_i64("rows_read_by_them", t->r.seq_rows),
                                lb_i64("index_scans", t->r.index_scans), lb_f64("rows", index_table_rows(t)),
                                lb_i64("bytes", t->r.bytes), lb_time("counted_since", work->set->window.own_since)),
            .terms = LB_TERMS({"scans_counted", 0.3},
                              {"hardly_any_index_scan", t->r.index_scans < t->r.seq_scans ? 0.1 : 0}),
            .impact = LB_ARGS(lb_i64("rows_read", t->r.seq_rows))},
        err);
}

/* By a statement that was looked at: it, or a table that it is a part of. */
static bool is_named(const index_set *set, const index_candidates *list, const index_table *t)
{
    for (; t; t = t->parent)
        if (list->is_named[t - set->tables])
            return true;
    return false;
}

/* That no index would help is more than a run can know: some statements are below its limits, are counted no more, or
 * run inside of functions. */
static int skip_scans(index_work *work, const index_candidates *list, const index_table *t, lb_error *err)
{
    const char *object = index_label(work->ctx, t->r.schema, t->r.name);
    const char *reason =
        lb_printf(work->ctx, "read in full %lld times, %.0f rows each; %s", (long long)t->r.seq_scans,
                  (double)t->r.seq_rows / (double)t->r.seq_scans,
                  is_named(work->set, list, t)
                      ? "no index follows from the statements that were looked at, and which others read it is not "
                        "known"
                      : "by which statements is not known: none that was looked at is known to name it");
    return object && reason ? lb_skipped(work->ctx, object, reason, err) : lb_out_of_memory(err);
}

static bool has_counted(const index_window *w, const index_missing_limits *limits)
{
    return w->r.now - w->own_since >= limits->min_minutes * MINUTE;
}

/* Which statements it will serve has been told, and that some index would help. */
static bool is_awaited(const index_table *t)
{
    for (size_t i = 0; i < t->index_count; i++)
        if (index_coming(t->indexes[i]))
            return true;
    return false;
}

/* What became of an index that somebody asks for is told, and a partition is read for those who name its parent. */
static bool is_asked_for(const index_candidates *list, const index_table *t)
{
    for (size_t k = 0; k < list->count; k++)
        if (index_is_below(t, list->items[k].table))
            return true;
    return false;
}

int index_look_at_scans(index_work *work, const index_missing_limits *limits, const index_candidates *list,
                        bool statements, lb_error *err)
{
    const index_window *w = &work->set->window;
    int r = 0;
    if (!has_counted(w, limits))
        return lb_skipped(work->ctx, "scans of tables",
                          lb_printf(work->ctx, "insufficient data: the server has counted for %s, and %lld are needed",
                                    amount_text(work->ctx, floor((double)(w->r.now - w->own_since) / (double)MINUTE),
                                                "minute", "minutes"),
                                    (long long)limits->min_minutes),
                          err);
    for (size_t i = 0; i < work->set->table_count && r >= 0; i++) {
        const index_table *t = &work->set->tables[i];
        if (t->r.bytes_is_null)
            index_pass(work, "{it is|they are} locked: looking closer would wait");
        if ((statements && is_awaited(t)) || is_asked_for(list, t) || !is_read_in_full(t, limits))
            continue;
        r = statements ? skip_scans(work, list, t, err) : tell_scans(work, t, err);
    }
    return r < 0 ? r : index_tell_passed(work, "table", "tables", err);
}
