#include "vacuum_pace.h"

#include <sql/vacuum/load.h>
#include <sql/vacuum/traffic.h>

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
    if (!window || strcmp(window, "auto") == 0 || parse(window, &from, &to))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "write it as 22:00-05:30, in UTC, or auto", "%s is no window of the day",
                   window);
}

bool vacuum_in_window(const char *window, int64_t now)
{
    int from, to;
    if (!window || !parse(window, &from, &to))
        return true;
    int minute = (int)(now / 60000000 % DAY_MINUTES);
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/* ---- learning ---- */

#define LEARN_US   (INT64_C(14) * 86400000000)
#define LEAST_DAYS 3
#define WINDOW     3                                        /* hours */
#define SNAPSHOT   "pg_stat_statements_dealloc_at_snapshot" /* each reading of the statements leaves one */

/* Negative: one of the hours is unknown. */
static double calls_from(const double calls[24], int hour)
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        if (calls[(hour + i) % 24] < 0)
            return -1;
        sum += calls[(hour + i) % 24];
    }
    return sum;
}

int vacuum_quiet_hour(const double calls[24])
{
    int best = -1;
    double least = 0;
    for (int hour = 0; hour < 24; hour++) {
        double sum = calls_from(calls, hour);
        if (sum >= 0 && (best < 0 || sum < least)) {
            best = hour;
            least = sum;
        }
    }
    return best;
}

/* An hour that has been seen on too few days counts as unknown: a compute that sleeps then is not woken for a vacuum.
 */
static void read_hours(lb_ctx *ctx, lb_rows *rows, double calls[24])
{
    vacuum_traffic_row row;
    for (int i = 0; i < 24; i++)
        calls[i] = -1;
    while (vacuum_traffic_next(ctx, rows, &row))
        if (row.hour >= 0 && row.hour < 24 && row.days >= LEAST_DAYS)
            calls[row.hour] = row.calls / (double)row.days;
}

int vacuum_learn_window(lb_ctx *ctx, const char *wanted, const char **ret_window, const char **ret_from, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_traffic_args since = {
        .project = target->project, .branch = target->branch, .since = lb_now(ctx) - LEARN_US, .metric = SNAPSHOT};
    double calls[24];
    lb_rows *rows = NULL;
    *ret_window = wanted;
    *ret_from = wanted ? "given" : "none given: any time will do";
    if (!wanted || strcmp(wanted, "auto") != 0)
        return 0;
    *ret_window = NULL;
    *ret_from = "any time: history has too little to learn from: three hours in a row, seen on three days";
    int r = vacuum_traffic(ctx, &since, &rows, err);
    if (r < 0)
        return lb_no_history(r) ? 0 : lb_wrap(err, "hours of little traffic");
    read_hours(ctx, rows, calls);
    int hour = vacuum_quiet_hour(calls);
    if (hour < 0)
        return 0;
    *ret_from = "learned from history";
    *ret_window = lb_printf(ctx, "%02d:00-%02d:00", hour, (hour + WINDOW) % 24);
    return *ret_window ? 0 : lb_out_of_memory(err);
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
