#include "vacuum_pace.h"

#include <sql/vacuum/load.h>

#define DAY_MINUTES 1440
#define QUIET       5 /* sessions at work that are no load to grow from */

/* Two digits; -1 where they are none. */
static int two_digits(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

static int minute_of(const char *p)
{
    int hour = two_digits(p), minute = hour < 0 || p[2] != ':' ? -1 : two_digits(p + 3);
    return hour > 23 || minute > 59 || minute < 0 ? -1 : hour * 60 + minute;
}

static bool parse(const char *window, int *ret_from, int *ret_to)
{
    if (strlen(window) != 11 || window[5] != '-')
        return false;
    *ret_from = minute_of(window);
    *ret_to = minute_of(window + 6);
    return *ret_from >= 0 && *ret_to >= 0 && *ret_from != *ret_to;
}

int vacuum_check_window(const char *window, lb_error *err)
{
    int from, to;
    if (!window || parse(window, &from, &to))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "write it as 22:00-05:30, in UTC", "%s is no window of the day", window);
}

bool vacuum_in_window(const char *window, int64_t now)
{
    int from, to;
    if (!window || !parse(window, &from, &to))
        return true;
    int minute = (int)(now / 60000000 % DAY_MINUTES);
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/* ---- load ---- */

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
