#include "forecast_series.h"

#include "amount.h"

#include <math.h>
#include <sql/forecast/earlier.h>
#include <sql/forecast/readings.h>
#include <string.h>

#define DAY_US       INT64_C(86400000000)
#define LEAST_SPAN   INT64_C(600000000) /* of an hour, for its rate to count: ten minutes */
#define STALE_DAYS   3
#define MOST_MISSING 0.3  /* of the days */
#define POOR_SHARE   0.25 /* of the usual readings: a day with fewer has not seen its peak */

typedef enum reduction { SUM_OF_LAST, PEAK, PEAK_RATE, COUNTER } reduction;

static const struct source {
    const char *name, *metric, *unit, *measure;
    reduction way;
} sources[FORECAST_SERIES] = {
    [FORECAST_STORAGE] = {"storage", "database_size_bytes", "bytes", "sum of the databases at the end of the day",
                          SUM_OF_LAST},
    [FORECAST_BUSY_SESSIONS] = {"busy_sessions", "active_time", "sessions",
                                "mean sessions that execute, in the day's busiest hour", PEAK_RATE},
    [FORECAST_CONNECTIONS] = {"connections", "connections_total", "connections", "most clients at once in the day",
                              PEAK},
    [FORECAST_TRANSACTION_IDS] = {"transaction_ids", "next_xid", "ids", "next transaction id at the end of the day",
                                  COUNTER},
};

static void empty(forecast_past *past, int64_t first_day, size_t days)
{
    memset(past, 0, sizeof *past);
    past->connections_limit = past->txid_age = NAN;
    for (size_t s = 0; s < FORECAST_SERIES; s++) {
        forecast_series *series = &past->series[s];
        series->name = sources[s].name;
        series->unit = sources[s].unit;
        series->measure = sources[s].measure;
        series->first_day = first_day;
        series->count = days;
        for (size_t i = 0; i < days; i++)
            series->values[i] = NAN;
    }
}

/* An hour in which the counter began anew tells nothing; its busy neighbours do. */
static double rate_of(const forecast_readings_row *row)
{
    bool is_whole = row->last_at - row->first_at >= LEAST_SPAN && row->last_value >= row->first_value;
    return is_whole ? (row->last_value - row->first_value) * 1000 / (double)(row->last_at - row->first_at) : NAN;
}

static void add(forecast_series *series, reduction way, const forecast_readings_row *row)
{
    int64_t day = row->span / DAY_US - series->first_day;
    if (day < 0 || day >= (int64_t)series->count)
        return;
    double *value = &series->values[day];
    double now = way == PEAK_RATE ? rate_of(row) : way == PEAK ? row->highest : row->last_value;
    series->readings[day] += row->readings;
    if (isnan(*value))
        *value = now;
    else if (way == SUM_OF_LAST)
        *value += now;
    else
        *value = fmax(*value, now); /* which passes over what is not a number */
}

static void latest(double *value, int64_t *at, const forecast_readings_row *row)
{
    if (isnan(*value) || row->last_at >= *at) {
        *value = row->last_value;
        *at = row->last_at;
    }
}

static int take_rows(lb_ctx *ctx, lb_rows *rows, forecast_past *past, lb_error *err)
{
    forecast_readings_row row;
    while (forecast_readings_next(ctx, rows, &row)) {
        for (size_t s = 0; s < FORECAST_SERIES; s++)
            if (strcmp(sources[s].metric, row.metric_name) == 0)
                add(&past->series[s], sources[s].way, &row);
        if (strcmp(row.metric_name, "connections_limit") == 0)
            latest(&past->connections_limit, &past->limit_at, &row);
        else if (strcmp(row.metric_name, "txid_age") == 0)
            latest(&past->txid_age, &past->age_at, &row);
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "stopped while history was read");
    }
    return 0;
}

/* ---- from readings to a series ---- */

static void drop_poor_days(forecast_series *series)
{
    double known[FORECAST_MOST_DAYS];
    size_t n = 0;
    for (size_t i = 0; i < series->count; i++)
        if (series->readings[i])
            known[n++] = (double)series->readings[i];
    if (!n)
        return;
    forecast_sort(known, n);
    double usual = forecast_quantile(known, n, 0.5);
    for (size_t i = 0; i < series->count; i++)
        if ((double)series->readings[i] < POOR_SHARE * usual)
            series->values[i] = NAN;
    for (size_t i = 0; i < series->count; i++)
        if (isnan(series->values[i]))
            series->readings[i] = 0;
}

static void cut_front(forecast_series *series, size_t days)
{
    memmove(series->values, series->values + days, (series->count - days) * sizeof *series->values);
    memmove(series->readings, series->readings + days, (series->count - days) * sizeof *series->readings);
    series->count -= days;
    series->first_day += (int64_t)days;
}

/* A counter that fell is that of another cluster: what was before says nothing of this one. */
static size_t last_fall(const forecast_series *series)
{
    size_t fall = 0, before = 0;
    for (size_t i = 1; i < series->count; i++) {
        if (isnan(series->values[i]))
            continue;
        if (series->values[i] < series->values[before])
            fall = i;
        before = i;
    }
    return fall;
}

static const char *shape(lb_ctx *ctx, forecast_series *series, const struct source *source)
{
    size_t lead = 0, tail = 0;
    drop_poor_days(series);
    while (lead < series->count && isnan(series->values[lead]))
        lead++;
    if (lead == series->count)
        return lb_printf(ctx, "history has no readings of %s", source->metric);
    cut_front(series, lead);
    while (isnan(series->values[series->count - 1 - tail]))
        tail++;
    if (tail >= STALE_DAYS)
        return lb_printf(ctx, "its last good day was %s ago", amount_text(ctx, (double)tail + 1, "day", "days"));
    series->count -= tail;
    if (source->way == COUNTER)
        cut_front(series, last_fall(series));
    size_t days = series->count;
    if (days < FORECAST_LEAST)
        return lb_printf(ctx, "%s known; from %d on a forecast can be tested",
                         amount_text(ctx, (double)days, "day is", "days are"), FORECAST_LEAST);
    series->missing = forecast_fill(series->values, days);
    if ((double)series->missing > MOST_MISSING * (double)days)
        return lb_printf(ctx, "%zu of its %zu days have no readings, or few", series->missing, days);
    return NULL;
}

/* ---- what earlier runs said ---- */

static void hold_against(forecast_series *series, const forecast_earlier_row *row)
{
    int64_t day = row->forecast_for / DAY_US - series->first_day;
    if (series->refused || day < 0 || day >= (int64_t)series->count || !series->readings[day])
        return; /* a day that was filled in is no truth */
    double truth = series->values[day];
    series->earlier++;
    series->earlier_held += truth >= row->lower_bound && truth <= row->upper_bound;
    series->earlier_error += (fabs(row->forecast_value - truth) - series->earlier_error) / (double)series->earlier;
}

static int read_earlier(lb_ctx *ctx, int64_t today, int64_t days, forecast_past *past, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const forecast_earlier_args wanted = {.project = target->project,
                                          .branch = target->branch,
                                          .since = (today - days) * DAY_US,
                                          .today = today * DAY_US};
    forecast_earlier_row row;
    lb_rows *rows = NULL;
    int r = forecast_earlier(ctx, &wanted, &rows, err);
    if (r == LB_ERR_NOT_FOUND)
        return 0; /* this run makes the first */
    while (r >= 0 && forecast_earlier_next(ctx, rows, &row))
        for (size_t s = 0; s < FORECAST_SERIES; s++)
            if (strcmp(sources[s].name, row.metric_name) == 0)
                hold_against(&past->series[s], &row);
    return r < 0 ? lb_wrap(err, "earlier forecasts") : 0;
}

/* What has not begun yet is no failure; a history that does not answer is. */
static int begun(lb_ctx *ctx, int r, forecast_past *past, lb_error *err)
{
    if (!lb_no_history(r))
        return lb_wrap(err, "history");
    const char *why = lb_printf(ctx, "there is no history: %s", err->message);
    for (size_t s = 0; s < FORECAST_SERIES; s++)
        past->series[s].refused = why;
    return why ? 0 : lb_out_of_memory(err);
}

int forecast_read(lb_ctx *ctx, int64_t days, forecast_past *ret_past, lb_error *err)
{
    static const char *const metrics[] = {"database_size_bytes", "active_time", "connections_total", "next_xid",
                                          "connections_limit",   "txid_age"};
    static const char *const hourly[] = {"active_time"};
    const lb_target *target = lb_run_target(ctx);
    int64_t today = lb_now(ctx) / DAY_US;
    const forecast_readings_args wanted = {.project = target->project,
                                           .branch = target->branch,
                                           .metrics = {metrics, sizeof metrics / sizeof *metrics},
                                           .hourly = {hourly, 1},
                                           .since = (today - days) * DAY_US};
    lb_rows *rows = NULL;
    empty(ret_past, today - days, (size_t)days);
    int r = forecast_readings(ctx, &wanted, &rows, err);
    if (r < 0)
        return begun(ctx, r, ret_past, err);
    r = take_rows(ctx, rows, ret_past, err);
    for (size_t s = 0; r >= 0 && s < FORECAST_SERIES; s++)
        ret_past->series[s].refused = shape(ctx, &ret_past->series[s], &sources[s]);
    return r < 0 ? r : read_earlier(ctx, today, days, ret_past, err);
}
