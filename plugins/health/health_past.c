#include "health_past.h"

#define SECOND   1000000.0
#define A_MINUTE (INT64_C(60) * 1000000)

bool health_past_hour(const health_point *points, size_t count, int64_t now, health_point *ret_first)
{
    const health_point *first = NULL;
    for (size_t i = 0; i < count && points[i].at < now; i++) {
        int64_t age = now - points[i].at;
        if (age <= HEALTH_HOUR_MOST_US && (!first || age >= HEALTH_HOUR_US))
            first = &points[i];
    }
    if (first)
        *ret_first = *first;
    return first != NULL;
}

/* Points of a number that was larger, or of a time that is to come, are of another history, and so are those before. */
static size_t skip_others(const health_point *points, size_t count, const health_point *now)
{
    size_t from = 0;
    for (size_t i = 0; i < count; i++)
        if (points[i].at > now->at || points[i].value > now->value)
            from = i + 1;
    return from;
}

double health_past_above(const health_point *points, size_t count, const health_point *now, int64_t value)
{
    for (size_t i = skip_others(points, count, now); i < count; i++)
        if (points[i].value > value)
            return (double)(now->at - points[i].at) / SECOND;
    return 0;
}

/* The oldest stays: something may have been behind since then. */
static size_t thin_out(health_point *kept, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (i >= count / 2 || i % 2 == 0)
            kept[left++] = kept[i];
    return left;
}

size_t health_past_keep(const health_point *points, size_t count, const health_point *now, int64_t since,
                        health_point ret_kept[HEALTH_MOST_PAST])
{
    size_t kept = 0;
    for (size_t i = skip_others(points, count, now); i < count; i++) {
        if (points[i].at < since)
            continue;
        if (kept == HEALTH_MOST_PAST)
            kept = thin_out(ret_kept, kept);
        ret_kept[kept++] = points[i];
    }
    if (kept && now->at - ret_kept[kept - 1].at < A_MINUTE)
        return kept;
    if (kept == HEALTH_MOST_PAST)
        kept = thin_out(ret_kept, kept);
    ret_kept[kept++] = *now;
    return kept;
}
