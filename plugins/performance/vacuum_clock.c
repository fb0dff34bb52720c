#include "vacuum_clock.h"

#include <sql/vacuum/earlier_counters.h>
#include <time.h>

#define DAY_US     86400e6
#define WRAP       INT64_C(4294967296)
#define NEAREST_US 1000000 /* readings nearer than this say nothing of a rate */
#define LOOKS_A_S  10

static double rate(int64_t moved, int64_t span_us)
{
    return span_us < NEAREST_US || moved < 0 ? -1 : (double)moved / (double)span_us * DAY_US;
}

double vacuum_xid_rate(const vacuum_counters_row *before, const vacuum_counters_row *after)
{
    return rate(after->next_xid - before->next_xid, after->read_at - before->read_at);
}

double vacuum_mxid_rate(const vacuum_counters_row *before, const vacuum_counters_row *after)
{
    int64_t moved = (after->next_mxid - before->next_mxid + WRAP) % WRAP;
    return rate(moved > WRAP / 2 ? -1 : moved, after->read_at - before->read_at);
}

double vacuum_days_left(int64_t age, double rate_per_day)
{
    int64_t left = VACUUM_SPACE - VACUUM_REFUSAL - age;
    if (rate_per_day <= 0)
        return -1;
    return left <= 0 ? 0 : (double)left / rate_per_day;
}

int vacuum_read_counters(lb_ctx *ctx, vacuum_counters_row *ret_row, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = vacuum_counters(ctx, &rows, err);
    if (r < 0)
        return r;
    return vacuum_counters_next(ctx, rows, ret_row)
               ? 0
               : lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say where its counters stand");
}

/* A history that cannot be asked is no failure of this run, unless the run is to end. */
static int no_past(lb_ctx *ctx, int code, const lb_error *failure, const char **ret_why, lb_error *err)
{
    if (code == LB_ERR_CANCELLED || code == LB_ERR_TIMEOUT || code == LB_ERR_NO_MEMORY) {
        *err = *failure;
        return code;
    }
    *ret_why = code == LB_ERR_NOT_FOUND ? "there is no earlier reading" /* nor any history yet */
                                        : lb_printf(ctx, "the history cannot be asked: %s", failure->message);
    return *ret_why ? 0 : lb_out_of_memory(err);
}

int vacuum_past_counters(lb_ctx *ctx, int64_t since, vacuum_counters_row *ret_row, const char **ret_why, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_earlier_counters_args wanted = {.project = target->project, .branch = target->branch, .since = since};
    vacuum_earlier_counters_row row;
    lb_error failure;
    lb_rows *rows = NULL;
    int found = 0, r = vacuum_earlier_counters(ctx, &wanted, &rows, &failure);
    if (r < 0)
        return no_past(ctx, r, &failure, ret_why, err);
    while (vacuum_earlier_counters_next(ctx, rows, &row)) {
        bool is_xid = strcmp(row.metric_name, "next_xid") == 0;
        *(is_xid ? &ret_row->next_xid : &ret_row->next_mxid) = (int64_t)row.metric_value;
        ret_row->read_at = row.read_at;
        found++;
    }
    *ret_why = found == 2 ? NULL : "there is no earlier reading";
    return 0;
}

void vacuum_wait(lb_ctx *ctx, double seconds)
{
    const struct timespec slice = {.tv_nsec = 1000000000 / LOOKS_A_S};
    for (long left = (long)(seconds * LOOKS_A_S); left > 0 && !lb_cancelled(ctx); left--)
        (void)nanosleep(&slice, NULL); /* a signal only ends the slice */
}
