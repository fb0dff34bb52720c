#include "health_past.h"

#include <math.h>
#include <string.h>

#define SECOND    1000000.0
#define SEEN_PART 0.25 /* of the hour that a rate is of */

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

bool health_past_tells_rate(double seconds)
{
    return seconds * SECOND >= SEEN_PART * (double)HEALTH_HOUR_US && seconds * SECOND <= (double)HEALTH_HOUR_MOST_US;
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

/* Of what is between its neighbours, the one without which the least is lost: the longer ago, the wider they may stand
 * apart. The oldest stays: something may have been behind since then. */
static size_t drop_one(health_point *kept, size_t count, int64_t now)
{
    size_t least = 1;
    double least_loss = INFINITY;
    for (size_t i = 1; i + 1 < count; i++) {
        double loss = (double)(kept[i + 1].at - kept[i - 1].at) / (double)(now - kept[i].at + 1);
        if (loss < least_loss) {
            least_loss = loss;
            least = i;
        }
    }
    memmove(&kept[least], &kept[least + 1], (count - least - 1) * sizeof *kept);
    return count - 1;
}

size_t health_past_keep(const health_point *points, size_t count, const health_point *now, int64_t since,
                        health_point ret_kept[HEALTH_MOST_PAST])
{
    size_t kept = 0;
    for (size_t i = skip_others(points, count, now); i < count; i++) {
        if (points[i].at < since)
            continue;
        if (kept == HEALTH_MOST_PAST)
            kept = drop_one(ret_kept, kept, now->at);
        ret_kept[kept++] = points[i];
    }
    if (kept == HEALTH_MOST_PAST)
        kept = drop_one(ret_kept, kept, now->at);
    ret_kept[kept++] = *now;
    return kept;
}

health_fall health_fall_after(const health_fall *before, double value, int64_t at)
{
    health_fall fall = {.value = value, .top = before->top, .at = before->at};
    if (value < before->value) {
        fall.top = health_falls(before, at) ? before->top : before->value;
        fall.at = at;
    }
    if (value >= fall.top)
        fall = (health_fall){.value = value};
    return fall;
}

bool health_falls(const health_fall *fall, int64_t now)
{
    return fall->at && now - fall->at <= HEALTH_HOUR_US;
}
