#include "vacuum_since.h"

#include "vacuum_clock.h"

#include <sql/vacuum/reading_past.h>

#define LOOKBACK_US (INT64_C(30) * 86400000000)

static int find_reading(lb_ctx *ctx, const vacuum_counters_row *now, int64_t xid, vacuum_reading_past_row *ret_row,
                        lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_reading_past_args wanted = {.project = target->project,
                                             .branch = target->branch,
                                             .since = now->read_at - LOOKBACK_US,
                                             .xid = xid,
                                             .next_xid = now->next_xid};
    lb_rows *rows = NULL;
    int r = vacuum_reading_past(ctx, &wanted, &rows, err);
    if (r < 0)
        return lb_no_history(r) ? 0 : lb_wrap(err, "since when rows are held back");
    if (!vacuum_reading_past_next(ctx, rows, ret_row))
        ret_row->read_at_is_null = true;
    return 0;
}

int vacuum_date_holder(lb_ctx *ctx, vacuum_scan *scan, double seconds, lb_error *err)
{
    const vacuum_horizon_row *oldest = vacuum_holder(scan, seconds, false);
    vacuum_reading_past_row reading = {.read_at_is_null = true};
    vacuum_counters_row now;
    if (!oldest || !oldest->since_is_null)
        return 0;
    int r = vacuum_read_counters(ctx, &now, err);
    if (r >= 0)
        r = find_reading(ctx, &now, now.next_xid - oldest->horizon_age, &reading, err);
    if (r < 0 || reading.read_at_is_null)
        return r;
    vacuum_horizon_row *holder = &scan->holders[oldest - scan->holders];
    holder->since = reading.read_at;
    holder->since_is_null = false;
    return 0;
}
