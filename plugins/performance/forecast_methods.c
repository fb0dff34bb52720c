/* The methods. Most work on the series without its week, and put the week back at the end. */
#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS       7
#define TRENDS       4
#define DAMPINGS     3
#define PAIRS        4096
#define SEASON_WEEKS 10 /* older weeks say little about this one */
#define NORMAL_MAD   1.4826
#define MEDIAN_WASTE 1.57 /* the variance of a median, beside that of a mean */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void forecast_sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
}

double forecast_quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1), below = floor(at);
    size_t i = (size_t)below;
    return i + 1 < count ? sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]) : sorted[count - 1];
}

static double median(double *values, size_t count)
{
    forecast_sort(values, count);
    return forecast_quantile(values, count, 0.5);
}

/* Whole weeks apart, so that the week itself cannot be taken for growth. */
double forecast_slope(const double *values, size_t count)
{
    double slopes[PAIRS];
    size_t n = 0;
    for (size_t weeks = 1; weeks * FORECAST_SEASON < count; weeks++)
        for (size_t i = weeks * FORECAST_SEASON; i < count; i += 1 + count / 128)
            if (n < PAIRS)
                slopes[n++] = (values[i] - values[i - weeks * FORECAST_SEASON]) / (double)(weeks * FORECAST_SEASON);
    return n ? median(slopes, n) : 0;
}

/* Less the mean of the seven days around each, so that neither growth nor a step in the level counts as a week. */
static size_t around(const double *values, size_t count, size_t weekday, double *ret)
{
    size_t first = count > (size_t)SEASON_WEEKS * FORECAST_SEASON ? count - (size_t)SEASON_WEEKS * FORECAST_SEASON : 0;
    size_t n = 0;
    for (size_t i = first < 3 ? 3 : first; i + 3 < count; i++) {
        double sum = 0;
        for (size_t k = i - 3; k <= i + 3; k++)
            sum += values[k];
        if (i % FORECAST_SEASON == weekday)
            ret[n++] = values[i] - sum / FORECAST_SEASON;
    }
    return n;
}

/* The share of what weekdays differ by that is more than chance would make of noise. */
static double worth(const double *season, const double *noise, size_t noises, size_t weeks)
{
    double sorted[SEASON_WEEKS * FORECAST_SEASON], spread = 0;
    for (size_t i = 0; i < noises; i++)
        sorted[i] = fabs(noise[i]);
    double sigma = NORMAL_MAD * median(sorted, noises);
    for (size_t d = 0; d < FORECAST_SEASON; d++)
        spread += season[d] * season[d] / (FORECAST_SEASON - 1);
    return spread > 0 ? fmax(0, 1 - MEDIAN_WASTE * sigma * sigma / (double)weeks / spread) : 0;
}

void forecast_season(const double *values, size_t count, double *ret_season)
{
    double noise[SEASON_WEEKS * FORECAST_SEASON], day[SEASON_WEEKS + 1], mean = 0;
    size_t noises = 0, least = SEASON_WEEKS;
    for (size_t d = 0; d < FORECAST_SEASON; d++) {
        size_t n = around(values, count, d, day);
        ret_season[d] = n ? median(day, n) : 0;
        mean += ret_season[d] / FORECAST_SEASON;
        least = n < least ? n : least;
        for (size_t i = 0; i < n; i++)
            noise[noises++] = day[i] - ret_season[d];
    }
    for (size_t d = 0; d < FORECAST_SEASON; d++)
        ret_season[d] -= mean;
    double share = least ? worth(ret_season, noise, noises, least) : 0;
    for (size_t d = 0; d < FORECAST_SEASON; d++)
        ret_season[d] *= share;
}

static void seasonal_naive(const double *values, size_t count, size_t ahead, double *ret)
{
    for (size_t h = 0; h < ahead; h++)
        ret[h] = values[count - FORECAST_SEASON + h % FORECAST_SEASON];
}

static void seasonal_drift(const double *values, size_t count, size_t ahead, double *ret)
{
    double slope = forecast_slope(values, count);
    seasonal_naive(values, count, ahead, ret);
    for (size_t h = 0; h < ahead; h++) {
        size_t weeks = 1 + h / FORECAST_SEASON;
        ret[h] += slope * FORECAST_SEASON * (double)weeks;
    }
}

/* The robust line, through the median of what the last week was beside it. */
static void theil_sen(const double *flat, size_t count, size_t ahead, double *ret)
{
    double slope = forecast_slope(flat, count), last[FORECAST_SEASON];
    for (size_t i = 0; i < FORECAST_SEASON; i++)
        last[i] = flat[count - 1 - i] + slope * (double)i;
    double level = median(last, FORECAST_SEASON);
    for (size_t h = 0; h < ahead; h++)
        ret[h] = level + slope * (double)(h + 1);
}

/* Holt's damped smoothing from given weights: what a step ahead was wrong by, squared, and the state at the end. */
static double smooth(const double *flat, size_t count, const double *weights, double *ret_level, double *ret_trend)
{
    double start = (flat[FORECAST_SEASON] - flat[0]) / FORECAST_SEASON, level = flat[0], trend = start, sum = 0;
    for (size_t i = 1; i < count; i++) {
        double expected = level + weights[2] * trend, wrong = flat[i] - expected;
        level = expected + weights[0] * wrong;
        trend = weights[2] * trend + weights[0] * weights[1] * wrong;
        sum += i >= FORECAST_SEASON ? wrong * wrong : 0;
    }
    *ret_level = level;
    *ret_trend = trend;
    return sum;
}

static void smoothing(const double *flat, size_t count, size_t ahead, double *ret)
{
    static const double levels[LEVELS] = {0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.99};
    static const double trends[TRENDS] = {0, 0.05, 0.15, 0.3}, dampings[DAMPINGS] = {0.9, 0.97, 1};
    double best = INFINITY, level = flat[count - 1], trend = 0, damping = 1, l, t;
    for (size_t i = 0; i < (size_t)LEVELS * TRENDS * DAMPINGS; i++) {
        const double weights[] = {levels[i % LEVELS], trends[i / LEVELS % TRENDS], dampings[i / LEVELS / TRENDS]};
        double sum = smooth(flat, count, weights, &l, &t);
        if (sum < best) {
            best = sum;
            level = l;
            trend = t;
            damping = weights[2];
        }
    }
    for (size_t h = 0; h < ahead; h++) {
        trend *= damping;
        level += trend;
        ret[h] = level;
    }
}

/* A smoothed level, and half of the robust slope. */
static void theta(const double *flat, size_t count, size_t ahead, double *ret)
{
    static const double levels[LEVELS] = {0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.99};
    double best = INFINITY, level = flat[count - 1], slope = forecast_slope(flat, count) / 2, l, t;
    double rest[FORECAST_MOST_DAYS] = {0};
    for (size_t i = 0; i < count; i++)
        rest[i] = flat[i] - slope * (double)i;
    for (size_t i = 0; i < LEVELS; i++) {
        const double weights[] = {levels[i], 0, 0};
        double sum = smooth(rest, count, weights, &l, &t);
        level = sum < best ? l : level;
        best = fmin(best, sum);
    }
    for (size_t h = 0; h < ahead; h++)
        ret[h] = level + slope * (double)(count + h);
}

static void combined(const double *flat, size_t count, size_t ahead, double *ret)
{
    double other[FORECAST_HORIZON];
    smoothing(flat, count, ahead, ret);
    theil_sen(flat, count, ahead, other);
    for (size_t h = 0; h < ahead; h++)
        ret[h] += other[h];
    theta(flat, count, ahead, other);
    for (size_t h = 0; h < ahead; h++)
        ret[h] = (ret[h] + other[h]) / 3;
}

static void without_week(forecast_method method, const double *values, size_t count, size_t ahead, double *ret)
{
    static void (*const methods[])(const double *, size_t, size_t, double *) = {
        [FORECAST_THEIL_SEN] = theil_sen,     [FORECAST_THETA] = theta,       [FORECAST_SMOOTHING] = smoothing,
        [FORECAST_LOG_SMOOTHING] = smoothing, [FORECAST_COMBINED] = combined,
    };
    double season[FORECAST_SEASON], flat[FORECAST_MOST_DAYS] = {0};
    forecast_season(values, count, season);
    for (size_t i = 0; i < count; i++)
        flat[i] = values[i] - season[i % FORECAST_SEASON];
    methods[method](flat, count, ahead, ret);
    for (size_t h = 0; h < ahead; h++)
        ret[h] += season[(count + h) % FORECAST_SEASON];
}

/* Growth by a share a day. A series that touches zero has none. */
static void log_smoothing(const double *values, size_t count, size_t ahead, double *ret)
{
    double logs[FORECAST_MOST_DAYS], most = values[0];
    for (size_t i = 0; i < count; i++) {
        if (values[i] <= 0) {
            without_week(FORECAST_SMOOTHING, values, count, ahead, ret);
            return;
        }
        logs[i] = log(values[i]);
        most = fmax(most, values[i]);
    }
    without_week(FORECAST_LOG_SMOOTHING, logs, count, ahead, ret);
    for (size_t h = 0; h < ahead; h++)
        ret[h] = exp(fmin(ret[h], log(most) + 10)); /* nobody's data grows by more than that within a year */
}

void forecast_apply(forecast_method method, const double *values, size_t count, size_t ahead, double *ret_values)
{
    if (method == FORECAST_SEASONAL_NAIVE)
        seasonal_naive(values, count, ahead, ret_values);
    else if (method == FORECAST_SEASONAL_DRIFT)
        seasonal_drift(values, count, ahead, ret_values);
    else if (method == FORECAST_LOG_SMOOTHING)
        log_smoothing(values, count, ahead, ret_values);
    else
        without_week(method, values, count, ahead, ret_values);
}
