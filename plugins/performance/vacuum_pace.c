#include "vacuum_pace.h"

#include <sql/vacuum/load.h>

#define QUIET 5 /* sessions at work that are no load to grow from */

static int read_active(lb_ctx *ctx, int64_t *ret_active, lb_error *err)
{
    vacuum_load_row row;
    lb_rows *rows = NULL;
    int r = vacuum_load(ctx, &rows, err);
    if (r < 0)
        return r;
    *ret_active = vacuum_load_next(ctx, rows, &row) ? row.active : 0;
    return 0;
}

int vacuum_pace_begin(lb_ctx *ctx, vacuum_pace *pace, lb_error *err)
{
    return read_active(ctx, &pace->active_at_start, err);
}

int vacuum_pace_ask(lb_ctx *ctx, const vacuum_pace *pace, const char **ret_why, lb_error *err)
{
    int64_t active = 0, base = pace->active_at_start > QUIET ? pace->active_at_start : QUIET;
    int r = read_active(ctx, &active, err);
    if (r < 0)
        return r;
    *ret_why = NULL;
    if (active > pace->most_active || (double)active > pace->growth * (double)base)
        *ret_why = lb_printf(ctx, "%lld sessions work, and %lld did at the start", (long long)active,
                             (long long)pace->active_at_start);
    else if (!vacuum_in_window(pace->window, lb_now(ctx)))
        *ret_why = lb_printf(ctx, "it is not within %s", pace->window);
    return 0;
}
