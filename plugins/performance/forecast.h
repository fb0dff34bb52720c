/* forecast.h: where a daily series is going, and how sure that is. Arithmetic alone: no host, no clock, no memory.
 *
 * Several methods are tried on the series' own past: from each of some days of it they forecast days that are known by
 * now. The one with the least mean error is taken, the seasonal naive one (a day is like the same weekday before) among
 * them, and the errors it made then are the intervals that it gets now. */
#ifndef LBOPS_FORECAST_H
#define LBOPS_FORECAST_H

#include <stddef.h>

#define FORECAST_SEASON    7  /* days */
#define FORECAST_LEAST     28 /* days without which nothing is forecast */
#define FORECAST_MOST_DAYS 400
#define FORECAST_HORIZON   365 /* days that are computed; how many of them were tested is another figure */

typedef enum forecast_method {
    FORECAST_SEASONAL_NAIVE,
    FORECAST_SEASONAL_DRIFT,
    FORECAST_THEIL_SEN,
    FORECAST_THETA,
    FORECAST_SMOOTHING,
    FORECAST_LOG_SMOOTHING,
    FORECAST_COMBINED,
    FORECAST_METHODS
} forecast_method;

typedef struct forecast {
    forecast_method method;
    size_t tested;                                             /* days ahead that the back-test covers */
    size_t origins;                                            /* days of the past from which it forecast */
    double error, naive_error;                                 /* mean absolute errors over all of that */
    double bias;                                               /* mean of forecast less truth */
    double fit;                                                /* share of the variance explained there, 0 to 1 */
    double growth;                                             /* per day, robust */
    double value[FORECAST_HORIZON];                            /* [0] is the day after the last one */
    double half50[FORECAST_HORIZON], half90[FORECAST_HORIZON]; /* half widths of the intervals */
} forecast;

const char *forecast_name(forecast_method method);

/* How far ahead a series of that many days can be tested. */
size_t forecast_reach(size_t count);

/* Puts something plausible in place of days that are missing (NAN): the line between their neighbours, with what the
 * weekday usually adds. The first and the last day have to be there. Returns how many were missing. */
size_t forecast_fill(double *values, size_t count);

/* Forecasts from `count` daily values, tested `ahead` days ahead at most. Returns NULL, or why it cannot be done. */
const char *forecast_make(const double *values, size_t count, size_t ahead, forecast *ret);

/* The first day ahead (from 1 on) on which the value reaches the limit, with `widths` of the 90 % interval's halves
 * added; 0: not within FORECAST_HORIZON. */
size_t forecast_reaches(const forecast *f, double limit, double widths);

/* One method, without any test of it. */
void forecast_apply(forecast_method method, const double *values, size_t count, size_t ahead, double *ret_values);

/* The median slope per day between days of the same weekday. */
double forecast_slope(const double *values, size_t count);

/* What each weekday adds to the level, by index modulo 7; nothing where that cannot be told from noise. */
void forecast_season(const double *values, size_t count, double *ret_season);

/* The value below which a share of the sorted ones lies. */
double forecast_quantile(const double *sorted, size_t count, double share);

void forecast_sort(double *values, size_t count);

#endif
