#include "cold_column.h"

#include <math.h>

static double bucket_rows(const cold_spread *s)
{
    double rest = 1 - s->null_share;
    for (size_t i = 0; i < s->common_count; i++)
        rest -= s->common_shares[i];
    return rest > 0 ? rest : 0;
}

/* The place of the moment among the bounds, from 0 to 1. Within a bucket rows are taken to lie evenly. */
static double place_of(const cold_spread *s, double moment)
{
    size_t buckets = s->bound_count - 1, at = 0;
    if (moment <= s->bounds[0])
        return 0;
    if (moment > s->bounds[buckets])
        return 1;
    while (at + 1 < buckets && s->bounds[at + 1] < moment)
        at++;
    double from = s->bounds[at], width = s->bounds[at + 1] - from;
    double within = width > 0 && isfinite(width) ? (moment - from) / width : 0;
    return ((double)at + within) / (double)buckets;
}

double cold_share_before(const cold_spread *s, double moment)
{
    double share = 0;
    if (s->bound_count < 2 && s->common_count == 0)
        return -1;
    for (size_t i = 0; i < s->common_count; i++)
        share += s->common_values[i] < moment ? s->common_shares[i] : 0;
    if (s->bound_count >= 2)
        share += place_of(s, moment) * bucket_rows(s);
    return share < 1 ? share : 1;
}

double cold_share_error(const cold_spread *s)
{
    return s->bound_count >= 2 ? bucket_rows(s) / (double)(s->bound_count - 1) : 0;
}

double cold_newest(const cold_spread *s)
{
    double newest = s->bound_count ? s->bounds[s->bound_count - 1] : -INFINITY;
    for (size_t i = 0; i < s->common_count; i++)
        newest = s->common_values[i] > newest ? s->common_values[i] : newest;
    return newest;
}
