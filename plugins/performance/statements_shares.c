#include "statements_shares.h"

#include <math.h>

#define LEAST_SHARE 0.05

/* Wholes below these are not worth dividing: milliseconds, blocks, bytes. */
static const double floors[STATEMENTS_AXES] = {1000, 1000, 10000, 100000, 1000, 1048576};

int statements_shares_begin(lb_ctx *ctx, statements_shares *shares, size_t most, lb_error *err)
{
    *shares = (statements_shares){.items = lb_alloc(ctx, (most + 1) * sizeof *shares->items)};
    return shares->items ? 0 : lb_out_of_memory(err);
}

static double counted(const statements_totals *delta, statements_counter which)
{
    return delta->counters[which] == STATEMENTS_NOT_COUNTED ? 0 : (double)delta->counters[which];
}

static double timed(const statements_totals *delta, statements_time which)
{
    return isnan(delta->times[which]) ? 0 : delta->times[which];
}

void statements_shares_add(statements_shares *shares, const statements_totals *delta)
{
    statements_taken *one = &shares->items[shares->count++];
    *one = (statements_taken){
        .key = delta->key,
        .calls = counted(delta, STATEMENTS_CALLS),
        .amounts = {timed(delta, STATEMENTS_MS_EXEC), timed(delta, STATEMENTS_MS_PLAN),
                    counted(delta, STATEMENTS_SHARED_READ), counted(delta, STATEMENTS_SHARED_HIT),
                    counted(delta, STATEMENTS_TEMP_READ) + counted(delta, STATEMENTS_TEMP_WRITTEN),
                    counted(delta, STATEMENTS_WAL_BYTES)},
    };
    for (int i = 0; i < STATEMENTS_AXES; i++)
        shares->sums[i] += one->amounts[i];
}

double statements_share_of(const statements_shares *shares, const statements_taken *one, statements_axis axis)
{
    return shares->sums[axis] >= floors[axis] ? one->amounts[axis] / shares->sums[axis] : 0;
}

static double largest_of(const statements_shares *shares, const statements_taken *one)
{
    double largest = 0;
    for (int i = 0; i < STATEMENTS_AXES; i++)
        largest = fmax(largest, statements_share_of(shares, one, (statements_axis)i));
    return largest;
}

static void swap(statements_taken *a, statements_taken *b)
{
    statements_taken kept = *a;
    *a = *b;
    *b = kept;
}

/* Those that are told move to the front, the largest part first; how many they are. */
static size_t pick(statements_shares *shares)
{
    size_t told = 0;
    for (size_t i = 0; i < shares->count; i++)
        if (largest_of(shares, &shares->items[i]) >= LEAST_SHARE)
            swap(&shares->items[told++], &shares->items[i]);
    for (size_t k = 0; k < told; k++)
        for (size_t i = k + 1; i < told; i++) /* twenty on each axis at most */
            if (largest_of(shares, &shares->items[i]) > largest_of(shares, &shares->items[k]))
                swap(&shares->items[i], &shares->items[k]);
    return told;
}

static int tell(lb_ctx *ctx, const statements_shares *shares, const statements_taken *one, lb_error *err)
{
    const char *id = lb_printf(ctx, "%lld", (long long)one->key.queryid);
    if (!id)
        return lb_out_of_memory(err);
    return lb_append(ctx, "largest_shares",
                     LB_ARGS(lb_text("query_id", id), lb_i64("userid", one->key.userid), lb_i64("dbid", one->key.dbid),
                             lb_bool("toplevel", one->key.toplevel), lb_f64("calls", one->calls),
                             lb_f64("of_exec_time", statements_share_of(shares, one, STATEMENTS_OF_EXEC_TIME)),
                             lb_f64("of_plan_time", statements_share_of(shares, one, STATEMENTS_OF_PLAN_TIME)),
                             lb_f64("of_blocks_read", statements_share_of(shares, one, STATEMENTS_OF_BLOCKS_READ)),
                             lb_f64("of_blocks_hit", statements_share_of(shares, one, STATEMENTS_OF_BLOCKS_HIT)),
                             lb_f64("of_temp_blocks", statements_share_of(shares, one, STATEMENTS_OF_TEMP_BLOCKS)),
                             lb_f64("of_wal_bytes", statements_share_of(shares, one, STATEMENTS_OF_WAL))),
                     err);
}

int statements_shares_tell(lb_ctx *ctx, statements_shares *shares, lb_error *err)
{
    size_t told = pick(shares);
    int r = 0;
    for (size_t i = 0; i < told && r >= 0; i++)
        r = tell(ctx, shares, &shares->items[i], err);
    return r;
}
