#include "vacuum_pace.h"

#include <sql/vacuum/load.h>

#define QUIET 5 /* sessions at work that are no load to grow from */

/* Sessions that may work before there are too many. */
static int64_t most_of(const vacuum_pace *pace)
{
    double grown = pace->growth * (double)(pace->active_at_start > QUIET ? pace->active_at_start : QUIET);
    return grown < (double)pace->most_active ? (int64_t)grown : pace->most_active;
}

static int read_load(lb_ctx *ctx, const vacuum_pace *pace, vacuum_load_row *ret_load, lb_error *err)
{
    const vacuum_load_args args = {.most = most_of(pace)};
    lb_rows *rows = NULL;
    *ret_load = (vacuum_load_row){.active = 0};
    int r = vacuum_load(ctx, &args, &rows, err);
    if (r >= 0)
        (void)vacuum_load_next(ctx, rows, ret_load); /* a count is one row */
    return r < 0 ? r : 0;
}

int vacuum_pace_begin(lb_ctx *ctx, vacuum_pace *pace, lb_error *err)
{
    vacuum_load_row load;
    int r = read_load(ctx, pace, &load, err);
    pace->active_at_start = load.active;
    return r;
}

int vacuum_pace_ask(lb_ctx *ctx, const vacuum_pace *pace, const char **ret_why, lb_error *err)
{
    vacuum_load_row load;
    int r = read_load(ctx, pace, &load, err);
    if (r < 0)
        return r;
    *ret_why = NULL;
    if (load.is_over)
        *ret_why = lb_printf(ctx, "%lld sessions work, and %lld did at the start", (long long)load.active,
                             (long long)pace->active_at_start);
    else if (!vacuum_in_window(pace->window, lb_now(ctx)))
        *ret_why = lb_printf(ctx, "it is not within %s", pace->window);
    return 0;
}

int vacuum_pace_watch(lb_ctx *ctx, const vacuum_pace *pace, lb_group *group, lb_error *err)
{
    const lb_yield to = {.size = sizeof to,
                         .statement = &vacuum_load_sql,
                         .args = LB_ARGS(lb_i64("most", most_of(pace))),
                         .every_us = (int64_t)(pace->look_seconds * 1e6),
                         .looks = pace->looks};
    return lb_group_yield(ctx, group, &to, err);
}
