/* Forecasts of daily series with many shapes, held against what the series went on to do. */
#include "unit/suite.h"

#include "forecast.h"

#include <math.h>
#include <stdint.h>

#define DAYS    150
#define SEEDS   40
#define LENGTHS 5

/* ---- series: the same on every machine ---- */

static uint64_t state;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    double a = uniform() + 1e-12, b = uniform();
    return sqrt(-2 * log(a)) * cos(6.283185307179586 * b);
}

static double poisson(double mean)
{
    double limit = exp(-mean), product = uniform();
    double n = 0;
    for (; product > limit; n++)
        product *= uniform();
    return n;
}

/* What a day's value is made of, beside its number. */
typedef struct day {
    double t, level, week, walk, sticky, step; /* step: the day on which something changes */
} day;

static double line(const day *d)
{
    return d->level + 0.8 * d->t + 3 * normal();
}

static double weekly(const day *d)
{
    return d->level * d->week + 6 * normal();
}

static double growing_weeks(const day *d)
{
    return (d->level + 0.7 * d->t) * d->week * (1 + 0.05 * normal());
}

static double random_walk(const day *d)
{
    return d->level + 2 * d->walk;
}

static double drifting_walk(const day *d)
{
    return d->level + 2 * d->walk + d->t + 30 * d->week + 2 * normal();
}

static double exponential(const day *d)
{
    return d->level * exp(0.012 * d->t) * (1 + 0.02 * normal());
}

static double stepping(const day *d)
{
    return d->level + (d->t >= d->step ? 40 : 0) + 15 * d->week + 4 * normal();
}

static double with_outliers(const day *d)
{
    return d->level + 20 * d->week + 3 * normal() + (uniform() < 0.04 ? 80 : 0);
}

static double noise(const day *d)
{
    return d->level + 5 * normal();
}

static double saturating(const day *d)
{
    return d->level * (2 - exp(-d->t / 30)) + 2 * normal();
}

static double sticky_weeks(const day *d)
{
    return d->level + 5 * d->sticky + 25 * d->week;
}

static double counter(const day *d)
{
    return 1000 * d->level + 40 * d->t + 10 * d->walk;
}

static double turning(const day *d)
{
    return d->level + 0.2 * fmin(d->t, d->step) + 1.2 * fmax(0, d->t - d->step) + 3 * normal();
}

static double counts(const day *d)
{
    return poisson(8 * d->week * (1 + d->t / 80));
}

static const struct shape {
    const char *name;
    double (*value)(const day *d);
} shapes[] = {{"line", line},
              {"weekly", weekly},
              {"growing weeks", growing_weeks},
              {"random walk", random_walk},
              {"drifting walk", drifting_walk},
              {"exponential", exponential},
              {"a step", stepping},
              {"outliers", with_outliers},
              {"noise", noise},
              {"saturating", saturating},
              {"sticky weeks", sticky_weeks},
              {"counter", counter},
              {"a turn", turning},
              {"counts", counts}};

static void make(const struct shape *shape, double *values, size_t count)
{
    static const double week[FORECAST_SEASON] = {1, 1.1, 1.05, 1.08, 0.95, 0.4, 0.3};
    day d = {.level = 100 + 100 * uniform(), .step = (double)count * (0.25 + 0.5 * uniform())};
    for (size_t i = 0; i < count; i++) {
        d.t = (double)i;
        d.week = week[i % FORECAST_SEASON];
        d.walk += normal();
        d.sticky = 0.8 * d.sticky + normal();
        values[i] = shape->value(&d);
    }
}

/* ---- how good it is ---- */

typedef struct score {
    double error, naive_error, days, in50, in90;
} score;

static void judge(const double *values, size_t known, size_t ahead, score *sum)
{
    static forecast f;
    double naive[FORECAST_HORIZON], error = 0, naive_error = 0;
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, known, ahead, &f));
    CU_ASSERT_EQUAL(f.tested, ahead);
    forecast_apply(FORECAST_SEASONAL_NAIVE, values, known, ahead, naive);
    for (size_t h = 0; h < ahead; h++) {
        double wrong = fabs(f.value[h] - values[known + h]);
        error += wrong / (double)ahead;
        naive_error += fabs(naive[h] - values[known + h]) / (double)ahead;
        sum->in50 += wrong <= f.half50[h];
        sum->in90 += wrong <= f.half90[h];
        sum->days++;
    }
    sum->error += error;
    sum->naive_error += naive_error;
}

/* Of the days that a forecast did not see. The mean is over the shapes, as their sizes cannot be added up. */
static void beats_the_naive_forecast_and_knows_how_well(void)
{
    static const size_t known[LENGTHS] = {28, 45, 74, 90, 120};
    double ratio = 0, in50 = 0, in90 = 0, values[DAYS + 1];
    size_t count = sizeof shapes / sizeof *shapes;
    state = UINT64_C(0x9E3779B97F4A7C15);
    (void)printf("\n");
    for (size_t s = 0; s < count; s++) {
        score sum = {0};
        for (size_t i = 0; i < SEEDS; i++) {
            size_t days = known[i % LENGTHS], ahead = forecast_reach(days) < 30 ? forecast_reach(days) : 30;
            make(&shapes[s], values, days + ahead);
            judge(values, days, ahead, &sum);
        }
        (void)printf("    %-14s error %.2f of naive, 50 %% interval held %.1f %%, 90 %% interval %.1f %%\n",
                     shapes[s].name, sum.error / sum.naive_error, 100 * sum.in50 / sum.days, 100 * sum.in90 / sum.days);
        ratio += sum.error / sum.naive_error / (double)count;
        in50 += sum.in50 / sum.days / (double)count;
        in90 += sum.in90 / sum.days / (double)count;
    }
    (void)printf("    all: error %.3f of naive, 50 %% interval held %.3f, 90 %% interval held %.3f\n", ratio, in50,
                 in90);
    CU_ASSERT_TRUE(ratio <= 0.9);
    CU_ASSERT_TRUE(in90 >= 0.85 && in90 <= 0.95);
    CU_ASSERT_TRUE(in50 >= 0.42 && in50 <= 0.58);
}

/* ---- its parts ---- */

static void a_line_is_gone_on_with(void)
{
    static forecast f;
    double values[90];
    for (size_t i = 0; i < 90; i++)
        values[i] = 1000 + 10 * (double)i;
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, 90, 30, &f));
    CU_ASSERT_DOUBLE_EQUAL(f.value[29], 1000 + 10 * 119, 1);
    CU_ASSERT_DOUBLE_EQUAL(f.growth, 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(f.half90[29], 0, 1);
    CU_ASSERT_TRUE(f.error < 0.1 * f.naive_error && f.fit > 0.99);
    CU_ASSERT_EQUAL(forecast_reaches(&f, 2000, 0), 11); /* day 100 is 2000, day 89 the last one known */
    CU_ASSERT_EQUAL(forecast_reaches(&f, 1e9, 0), 0);
    CU_ASSERT_EQUAL(forecast_reaches(&f, 0, 0), 1);
}

static void a_constant_stays(void)
{
    static forecast f;
    double values[40];
    for (size_t i = 0; i < 40; i++)
        values[i] = 7;
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, 40, 10, &f));
    CU_ASSERT_DOUBLE_EQUAL(f.value[FORECAST_HORIZON - 1], 7, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(f.half90[9], 0, 1e-9);
    CU_ASSERT_EQUAL(f.method, FORECAST_SEASONAL_NAIVE); /* nothing is better than what is simplest */
    CU_ASSERT_DOUBLE_EQUAL(f.fit, 1, 1e-9);
}

static void a_week_of_zeros_and_negatives_is_no_trouble(void)
{
    static forecast f;
    double values[60];
    for (size_t i = 0; i < 60; i++)
        values[i] = i % 7 < 5 ? 0 : -3;
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, 60, 14, &f));
    for (size_t h = 0; h < FORECAST_HORIZON; h++)
        CU_ASSERT_TRUE(isfinite(f.value[h]) && isfinite(f.half90[h]));
}

static void too_little_is_refused(void)
{
    static forecast f;
    double values[FORECAST_MOST_DAYS + 1] = {0};
    CU_ASSERT_PTR_NOT_NULL(forecast_make(values, 27, 7, &f));
    CU_ASSERT_PTR_NOT_NULL(forecast_make(values, FORECAST_MOST_DAYS + 1, 7, &f));
    values[5] = NAN;
    CU_ASSERT_PTR_NOT_NULL(forecast_make(values, 60, 7, &f));
    values[5] = INFINITY;
    CU_ASSERT_PTR_NOT_NULL(forecast_make(values, 60, 7, &f));
    CU_ASSERT_EQUAL(forecast_reach(27), 0);
    CU_ASSERT_EQUAL(forecast_reach(28), 7);
    CU_ASSERT_EQUAL(forecast_reach(74), 30);
}

static void nobody_looks_further_than_was_tested(void)
{
    static forecast f;
    double values[FORECAST_MOST_DAYS] = {0};
    for (size_t i = 0; i < FORECAST_MOST_DAYS; i++)
        values[i] = (double)(i * i % 17);
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, 28, 30, &f));
    CU_ASSERT_EQUAL(f.tested, 7);
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, FORECAST_MOST_DAYS, 180, &f));
    CU_ASSERT_EQUAL(f.tested, 180);
    CU_ASSERT_TRUE(f.origins > 20);
    CU_ASSERT_PTR_NULL_FATAL(forecast_make(values, FORECAST_MOST_DAYS, 0, &f));
    CU_ASSERT_EQUAL(f.tested, 193);
}

static void missing_days_are_filled_with_what_is_usual(void)
{
    double values[56];
    for (size_t i = 0; i < 56; i++)
        values[i] = 100 + (double)i + (i % 7 == 3 ? 50 : 0);
    values[24] = values[25] = NAN; /* 24 is such a day */
    CU_ASSERT_EQUAL(forecast_fill(values, 56), 2);
    CU_ASSERT_DOUBLE_EQUAL(values[24], 174, 3);
    CU_ASSERT_DOUBLE_EQUAL(values[25], 125, 3);
    CU_ASSERT_EQUAL(forecast_fill(values, 56), 0);
}

static void weeks_are_told_from_noise(void)
{
    double values[70], season[FORECAST_SEASON], of_noise = 0;
    state = 42;
    for (size_t i = 0; i < 70; i++)
        values[i] = 10 + 3 * normal();
    forecast_season(values, 70, season);
    for (size_t d = 0; d < FORECAST_SEASON; d++)
        of_noise = fmax(of_noise, fabs(season[d]));
    CU_ASSERT_TRUE(of_noise < 1.5);
    for (size_t i = 0; i < 70; i++)
        values[i] = 10 + (i % 7 == 6 ? 20 : 0) + normal() + 0.5 * (double)i;
    forecast_season(values, 70, season);
    CU_ASSERT_DOUBLE_EQUAL(season[6] - season[0], 20, 3);
}

SUITE(forecast, TEST(beats_the_naive_forecast_and_knows_how_well), TEST(a_line_is_gone_on_with), TEST(a_constant_stays),
      TEST(a_week_of_zeros_and_negatives_is_no_trouble), TEST(too_little_is_refused),
      TEST(nobody_looks_further_than_was_tested), TEST(missing_days_are_filled_with_what_is_usual),
      TEST(weeks_are_told_from_noise))
