#include "statements_past.h"

#include <math.h>
#include <sql/statements/last_snapshot.h>

#define DAY_US INT64_C(86400000000)
#define LOOKBACK_DAYS                                                                                                  \
    7 /* older snapshots are rolled up by the hour, and scanning them costs more than they are worth */

/* Without history there are totals still; what ends the run ends it here as well. */
static int without_history(lb_ctx *ctx, int code, const lb_error *failure, statements_past *past, lb_error *err)
{
    if (code == LB_ERR_CANCELLED || code == LB_ERR_TIMEOUT || code == LB_ERR_NO_MEMORY) {
        *err = *failure;
        return code;
    }
    past->ledger = statements_ledger_new(ctx, 0, LB_TIME_NONE, 0);
    past->is_first = code == LB_ERR_NOT_FOUND; /* this run begins the history */
    if (!past->is_first)
        past->why_not = lb_printf(ctx, "the history cannot be asked, so there are no deltas: %s", failure->message);
    return past->ledger && (past->is_first || past->why_not) ? 0 : lb_out_of_memory(err);
}

/* The statement hands on what is 0 as nothing. */
static statements_totals totals_of(const statements_last_snapshot_row *row)
{
    statements_totals t = {
        .key = {.userid = row->userid, .dbid = row->dbid, .queryid = row->queryid, .toplevel = row->toplevel},
        .since = row->stats_since_is_null ? LB_TIME_NONE : row->stats_since,
        .has_text = row->has_text,
    };
#define TAKE(id, name)                                                                                                 \
    if (!row->name##_is_null)                                                                                          \
        t.counters[STATEMENTS_##id] = row->name < 0 ? STATEMENTS_NOT_COUNTED : row->name;
    STATEMENTS_EACH_COUNTER(TAKE)
#undef TAKE
#define TAKE(id, name)                                                                                                 \
    if (!row->name##_is_null)                                                                                          \
        t.times[STATEMENTS_MS_##id] = row->name < 0 ? NAN : row->name;
    STATEMENTS_EACH_TIME(TAKE)
#undef TAKE
    return t;
}

/* Since when history was asked, where the epoch is older than that; else LB_TIME_NONE. */
static int64_t reach_of(const statements_epoch *epoch, int64_t since)
{
    return epoch->postmaster_start < since && epoch->stats_reset < since ? since : LB_TIME_NONE;
}

static int fill_ledger(lb_ctx *ctx, lb_rows *rows, int64_t from, statements_past *past, lb_error *err)
{
    statements_last_snapshot_row row;
    while (statements_last_snapshot_next(ctx, rows, &row)) {
        if (!past->ledger) {
            past->taken_at = row.taken_at_is_null ? LB_TIME_NONE : row.taken_at;
            past->ledger = statements_ledger_new(ctx, (size_t)lb_row_count(ctx, rows), past->taken_at,
                                                 row.dealloc_is_null ? 0 : (int64_t)row.dealloc);
            if (!past->ledger)
                return lb_out_of_memory(err);
            statements_ledger_reaches(past->ledger, from);
        }
        if (row.queryid_is_null)
            continue;
        const statements_totals totals = totals_of(&row);
        if (!statements_ledger_add(past->ledger, &totals))
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "the last snapshot has more statements than rows");
    }
    return past->ledger ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "the history has no answer");
}

int statements_read_past(lb_ctx *ctx, const statements_source *s, int server_version, statements_past *ret_past,
                         lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const statements_last_snapshot_args wanted = {.project = target->project,
                                                  .branch = target->branch,
                                                  .system_identifier = s->epoch.system_identifier,
                                                  .postmaster_start = s->epoch.postmaster_start,
                                                  .stats_reset = s->epoch.stats_reset,
                                                  .server_version = server_version,
                                                  .since = s->info.read_at - LOOKBACK_DAYS * DAY_US,
                                                  .metric = STATEMENTS_SNAPSHOT_METRIC};
    lb_error failure;
    lb_rows *rows = NULL;
    *ret_past = (statements_past){.taken_at = LB_TIME_NONE};
    int r = statements_last_snapshot(ctx, &wanted, &rows, &failure);
    return r < 0 ? without_history(ctx, r, &failure, ret_past, err)
                 : fill_ledger(ctx, rows, reach_of(&s->epoch, wanted.since), ret_past, err);
}
