#include "cost_days.h"

#include <math.h>
#include <stdlib.h>

#define NORMAL_MAD 1.4826

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Of the weekday of `at` before it; returns how many there are. */
static size_t same_weekday(const double *days, size_t at, double *ret)
{
    size_t n = 0;
    for (size_t i = at % COST_WEEK; i < at && n < COST_MOST_DAYS; i += COST_WEEK)
        ret[n++] = days[i];
    return n;
}

/* How far the days before usually are from their own weekday's median: of all weekdays, as one has too few. */
static double usual_distance(const double *days, size_t at)
{
    double distances[COST_MOST_DAYS], same[COST_MOST_DAYS];
    size_t n = 0;
    for (size_t weekday = 0; weekday < COST_WEEK; weekday++) {
        size_t first = weekday, count = 0;
        for (size_t i = first; i < at && count < COST_MOST_DAYS; i += COST_WEEK)
            same[count++] = days[i];
        if (count < 2)
            continue;
        double middle = median(same, count);
        for (size_t i = 0; i < count && n < COST_MOST_DAYS; i++)
            distances[n++] = fabs(same[i] - middle);
    }
    return n ? NORMAL_MAD * median(distances, n) : 0;
}

void cost_judge(const double *days, size_t at, const cost_rule *rule, cost_judgement *ret_judgement)
{
    double same[COST_MOST_DAYS];
    cost_judgement j = {.same_days = same_weekday(days, at, same)};
    if (j.same_days >= COST_LEAST_SAME) {
        j.is_known = true;
        j.expected = median(same, j.same_days);
        j.sigma = usual_distance(days, at);
        double more = days[at] - j.expected;
        j.score = j.sigma > 0 ? more / j.sigma : 0;
        bool is_far = j.sigma > 0 && j.score > rule->sigmas;
        bool is_much = more > rule->share * j.expected;
        j.is_anomaly = (is_far || is_much) && more > rule->least_money;
    }
    *ret_judgement = j;
}
