/* Every rule, one after the other, over one read: those first that let an index go. */
#include "index_analysis.h"

static int find_all(index_work *work, const index_limits *l, lb_error *err)
{
    const index_unused_limits unused = {l->days,      l->min_minutes, l->min_unused_bytes,
                                        l->min_reads, l->rare_scans,  l->min_written};
    const index_bloat_limits bloat = {l->threshold, l->min_bloat_bytes, l->wasted_bytes, l->max_rebuilds};
    const index_few_limits few = {l->min_minutes, l->min_reads, l->min_rows, l->min_unused_bytes};
    const index_many_limits many = {l->max_indexes, l->min_table_bytes, l->min_writes};
    const index_missing_key_limits keys = {l->min_rows, l->min_table_bytes};
    const index_missing_limits missing = {.min_rows = l->min_rows,
                                          .min_bytes = l->min_table_bytes,
                                          .min_scans = l->min_scans,
                                          .min_calls = l->min_calls,
                                          .min_mean_ms = l->min_mean_ms,
                                          .min_share = l->min_share,
                                          .max_statements = l->max_statements,
                                          .max_proofs = l->max_proofs,
                                          .min_minutes = l->min_minutes,
                                          .min_brin_bytes = l->min_brin_bytes,
                                          .write_us = l->write_us};
    const char *why = NULL;
    int r = index_read(work->ctx, true, &work->set, err);
    if (r >= 0)
        r = index_read_history(work->ctx, work->set->window.r.database, &work->history, &why, err);
    if (r >= 0 && !work->history)
        r = lb_skipped(work->ctx, "history", why, err);
    if (r >= 0 && work->has_read)
        r = work->has_read(work, err);
    if (r >= 0)
        r = index_use_marks(work, err);
    if (r >= 0)
        r = index_find_invalid(work, err);
    if (r >= 0)
        r = index_find_duplicates(work, err);
    if (r >= 0)
        r = index_find_duplicate_keys(work, err);
    if (r >= 0)
        r = index_find_unused(work, &unused, err);
    if (r >= 0)
        r = index_find_bloated(work, &bloat, err);
    if (r >= 0)
        r = index_find_few_values(work, &few, err);
    if (r >= 0)
        r = index_find_many(work, &many, err);
    if (r >= 0)
        r = index_find_missing_keys(work, &keys, err);
    if (r >= 0)
        r = index_find_missing(work, &missing, err);
    if (r >= 0 && work->told_all)
        r = work->told_all(work, err);
    return r < 0 ? r : lb_examined(work->ctx, "indexes", (int64_t)work->set->index_count, err);
}

int index_analyze(index_work *work, const index_limits *l, lb_error *err)
{
    index_trial trial = {.ctx = work->ctx, .is_wanted = index_trial_is_wanted(l->prove)};
    work->trial = &trial;
    int r = index_trial_end(&trial, find_all(work, l, err), err);
    work->trial = NULL;
    return r;
}
