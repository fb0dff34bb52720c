/* forecast_series.h: the daily series that history holds of a branch, each with its limit as last read. */
#ifndef LBOPS_FORECAST_SERIES_H
#define LBOPS_FORECAST_SERIES_H

#include "forecast.h"

#include <lbops/lbops.h>

typedef enum forecast_what {
    FORECAST_STORAGE,
    FORECAST_BUSY_SESSIONS,
    FORECAST_CONNECTIONS,
    FORECAST_TRANSACTION_IDS,
    FORECAST_SERIES
} forecast_what;

typedef struct forecast_series {
    const char *name, *unit;
    const char *measure; /* what a day's value is */
    const char *refused; /* why nothing can be forecast from it, or NULL */
    double values[FORECAST_MOST_DAYS];
    int64_t readings[FORECAST_MOST_DAYS];
    size_t count, missing; /* days, and how many of them were filled in */
    int64_t first_day;     /* days since 1970 */
    /* forecasts of earlier runs whose day has come: how many, how many of them had it in their 90 % interval, and what
     * they were wrong by in the mean */
    size_t earlier, earlier_held;
    double earlier_error;
} forecast_series;

typedef struct forecast_past {
    forecast_series series[FORECAST_SERIES];
    double connections_limit, txid_age; /* NAN: not in history */
    int64_t limit_at, age_at;
} forecast_past;

/* Whole days only: the present one is left out. Where the workspace has no history yet, each series is refused. */
LB_MUST_CHECK int forecast_read(lb_ctx *ctx, int64_t days, forecast_past *ret_past, lb_error *err);

#endif
