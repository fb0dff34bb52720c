#include "forecast.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LEAST_TRAINING 14 /* two weeks */
#define MOST_ORIGINS   24
#define POWERS         5
#define CAUTION        0.4 /* measured on the series of the test */

/* What a method was wrong by, from each origin on each day ahead. */
typedef struct errors {
    size_t origins, ahead;
    double by[MOST_ORIGINS * FORECAST_HORIZON], forecast[MOST_ORIGINS * FORECAST_HORIZON];
} errors;

/* What errors are in proportion to. */
typedef struct scaling {
    double power;     /* of the days ahead */
    bool is_relative; /* and to the value itself, as where growth is by a share */
} scaling;

const char *forecast_name(forecast_method method)
{
    static const char *const names[FORECAST_METHODS] = {
        [FORECAST_SEASONAL_NAIVE] = "seasonal_naive",
        [FORECAST_SEASONAL_DRIFT] = "seasonal_drift",
        [FORECAST_THEIL_SEN] = "theil_sen",
        [FORECAST_THETA] = "theta",
        [FORECAST_SMOOTHING] = "damped_smoothing",
        [FORECAST_LOG_SMOOTHING] = "log_smoothing",
        [FORECAST_COMBINED] = "combined",
    };
    return method < FORECAST_METHODS ? names[method] : "";
}

/* As many origins as days ahead, at least. */
size_t forecast_reach(size_t count)
{
    return count < FORECAST_LEAST ? 0 : (count - LEAST_TRAINING) / 2;
}

/* The line between the neighbours of each gap, both less what their weekday adds. */
static void bridge(double *values, const bool *missing, size_t count, const double *season)
{
    size_t before = 0;
    for (size_t i = 1; i < count; i++) {
        if (missing[i])
            continue;
        double from = values[before] - season[before % FORECAST_SEASON], to = values[i] - season[i % FORECAST_SEASON];
        for (size_t k = before + 1; k < i; k++) {
            double share = (double)(k - before) / (double)(i - before);
            values[k] = from + share * (to - from) + season[k % FORECAST_SEASON];
        }
        before = i;
    }
}

size_t forecast_fill(double *values, size_t count)
{
    bool missing[FORECAST_MOST_DAYS] = {0};
    double season[FORECAST_SEASON] = {0};
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        missing[i] = isnan(values[i]);
        n += missing[i];
    }
    if (!n)
        return 0;
    bridge(values, missing, count, season); /* what the week is like can be told of whole weeks only */
    forecast_season(values, count, season);
    bridge(values, missing, count, season);
    return n;
}

/* ---- the back-test ---- */

static void test(forecast_method method, const double *values, size_t count, errors *e)
{
    double ahead[FORECAST_HORIZON];
    size_t first = LEAST_TRAINING, last = count - e->ahead;
    e->origins = last - first + 1 < MOST_ORIGINS ? last - first + 1 : MOST_ORIGINS;
    for (size_t o = 0; o < e->origins; o++) {
        size_t origin = e->origins > 1 ? first + o * (last - first) / (e->origins - 1) : last;
        forecast_apply(method, values, origin, e->ahead, ahead);
        for (size_t h = 0; h < e->ahead; h++) {
            e->forecast[o * e->ahead + h] = ahead[h];
            e->by[o * e->ahead + h] = ahead[h] - values[origin + h];
        }
    }
}

static double mean_error(const errors *e)
{
    double sum = 0;
    size_t n = e->origins * e->ahead;
    for (size_t i = 0; i < n; i++)
        sum += fabs(e->by[i]);
    return sum / (double)n;
}

static double scale_of(scaling s, size_t days, double value)
{
    return pow((double)days, s.power) * (s.is_relative ? value : 1);
}

/* How unlikely the errors are under a scaling, but for a constant: its logarithm, and that of what remains. */
static double badness(const errors *e, scaling s)
{
    double rest = 0, logs = 0;
    size_t n = e->origins * e->ahead;
    for (size_t i = 0; i < n; i++) {
        double scale = scale_of(s, 1 + i % e->ahead, e->forecast[i]);
        rest += fabs(e->by[i]) / scale / (double)n;
        logs += log(scale) / (double)n;
    }
    return rest > 0 ? log(rest) + logs : 0;
}

static bool are_positive(const double *values, size_t count)
{
    size_t i = 0;
    while (i < count && values[i] > 0)
        i++;
    return i == count;
}

/* The one under which they are most alike. */
static scaling scaling_of(const errors *e, const double *ahead)
{
    static const double powers[POWERS] = {0, 0.25, 0.5, 0.75, 1};
    bool may_be_relative = are_positive(e->forecast, e->origins * e->ahead) && are_positive(ahead, FORECAST_HORIZON);
    scaling best = {.power = 0.5};
    double least = INFINITY;
    for (size_t i = 0; i < (size_t)POWERS * (may_be_relative ? 2 : 1); i++) {
        const scaling s = {powers[i % POWERS], i >= POWERS};
        double bad = badness(e, s);
        if (bad < least) {
            least = bad;
            best = s;
        }
    }
    return best;
}

/* Errors of forecasts from days near each other are nearly the same error. What is rare among few is not known well:
 * the fewer times the horizon fits into the days, the wider. The middle half needs no such care. */
static double caution(const errors *e, size_t count)
{
    double spans = (double)(count - LEAST_TRAINING) / (double)e->ahead;
    return 1 + CAUTION / spans;
}

static void intervals(const errors *e, size_t count, forecast *f)
{
    double sizes[MOST_ORIGINS * FORECAST_HORIZON], wider = caution(e, count);
    const scaling s = scaling_of(e, f->value);
    size_t n = e->origins * e->ahead;
    for (size_t i = 0; i < n; i++)
        sizes[i] = fabs(e->by[i]) / scale_of(s, 1 + i % e->ahead, e->forecast[i]);
    forecast_sort(sizes, n);
    double half50 = forecast_quantile(sizes, n, 0.5), half90 = forecast_quantile(sizes, n, 0.9);
    for (size_t h = 0; h < FORECAST_HORIZON; h++) {
        double scale = scale_of(s, h + 1, f->value[h]);
        f->half50[h] = half50 * scale;
        f->half90[h] = half90 * scale * wider;
    }
}

/* Of the last days, which the test covers. */
static double fit_of(const errors *e, const double *values, size_t count)
{
    double mean = 0, spread = 0, wrong = 0;
    for (size_t i = LEAST_TRAINING; i < count; i++)
        mean += values[i] / (double)(count - LEAST_TRAINING);
    for (size_t i = LEAST_TRAINING; i < count; i++)
        spread += (values[i] - mean) * (values[i] - mean) / (double)(count - LEAST_TRAINING);
    for (size_t i = 0; i < e->origins * e->ahead; i++)
        wrong += e->by[i] * e->by[i] / (double)(e->origins * e->ahead);
    return spread > 0 ? fmax(0, 1 - wrong / spread) : wrong > 0 ? 0 : 1;
}

const char *forecast_make(const double *values, size_t count, size_t ahead, forecast *ret)
{
    errors e = {0};
    memset(ret, 0, sizeof *ret);
    if (count < FORECAST_LEAST)
        return "fewer than 28 days are known";
    if (count > FORECAST_MOST_DAYS)
        return "more than 400 days are too many";
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return "a day of it is missing";
    e.ahead = ahead && ahead < forecast_reach(count) ? ahead : forecast_reach(count);
    ret->error = INFINITY;
    for (forecast_method m = 0; m < FORECAST_METHODS; m++) {
        test(m, values, count, &e);
        double error = mean_error(&e);
        if (m == FORECAST_SEASONAL_NAIVE)
            ret->naive_error = error;
        if (error < ret->error) {
            ret->error = error;
            ret->method = m;
        }
    }
    test(ret->method, values, count, &e);
    ret->tested = e.ahead;
    ret->origins = e.origins;
    for (size_t i = 0; i < e.origins * e.ahead; i++)
        ret->bias += e.by[i] / (double)(e.origins * e.ahead);
    ret->fit = fit_of(&e, values, count);
    ret->growth = forecast_slope(values, count);
    forecast_apply(ret->method, values, count, FORECAST_HORIZON, ret->value);
    intervals(&e, count, ret);
    return NULL;
}

size_t forecast_reaches(const forecast *f, double limit, double widths)
{
    for (size_t h = 0; h < FORECAST_HORIZON; h++)
        if (f->value[h] + widths * f->half90[h] >= limit)
            return h + 1;
    return 0;
}
