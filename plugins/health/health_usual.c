#include "health_usual.h"

#include <stdio.h>

#define HOUR_US INT64_C(3600000000)

enum { HOURS = 24, WEEK = 84 /* readings of an hour, at five minutes */, ENOUGH = 12 };

static int hour_of(int64_t at)
{
    return (int)(at / HOUR_US % HOURS);
}

static struct json_object *member(struct json_object *of, const char *name)
{
    struct json_object *found = NULL;
    return of && json_object_object_get_ex(of, name, &found) ? found : NULL;
}

/* Made where it is missing; NULL: out of memory, and then one reading is not counted. */
static struct json_object *member_made(struct json_object *of, const char *name)
{
    struct json_object *found = member(of, name);
    if (!found && of && (found = json_object_new_object()) && json_object_object_add(of, name, found) != 0) {
        json_object_put(found);
        found = NULL;
    }
    return found;
}

/* "usual": {"connection_utilization": {"13": [84, 0.41]}} */
static struct json_object *usual_of(health_reading *reading)
{
    struct json_object *kept = member(reading->next, "usual"), *copy = NULL, *before = member(reading->before, "usual");
    if (kept)
        return kept;
    if (!before || json_object_deep_copy(before, &copy, NULL) != 0)
        return member_made(reading->next, "usual");
    (void)json_object_object_add(reading->next, "usual", copy); /* owned by next from here on */
    return copy;
}

static void read_pair(struct json_object *pair, int64_t *ret_count, double *ret_mean)
{
    *ret_count = pair ? json_object_get_int64(json_object_array_get_idx(pair, 0)) : 0;
    *ret_mean = pair ? json_object_get_double(json_object_array_get_idx(pair, 1)) : 0;
}

void health_usual_note(health_reading *reading, const health_observation *o)
{
    char hour[8];
    int64_t count;
    double mean;
    struct json_object *all = usual_of(reading), *of_metric, *pair;
    if (!all || !o->known || o->object)
        return;
    of_metric = member_made(all, health_alert_rules[o->id].metric);
    (void)snprintf(hour, sizeof hour, "%d", hour_of(reading->at)); /* two digits */
    read_pair(member(of_metric, hour), &count, &mean);
    count += count < WEEK;
    pair = json_object_new_array();
    (void)json_object_array_add(pair, json_object_new_int64(count));
    (void)json_object_array_add(pair, json_object_new_double(mean + (o->value - mean) / (double)count));
    if (!of_metric || json_object_object_add(of_metric, hour, pair) != 0)
        json_object_put(pair);
}

const char *health_usual_of(lb_ctx *ctx, const health_reading *reading, const health_observation *o)
{
    char hour[8];
    int64_t count;
    double mean;
    if (o->object)
        return NULL;
    (void)snprintf(hour, sizeof hour, "%d", hour_of(reading->at)); /* two digits */
    read_pair(member(member(member(reading->before, "usual"), health_alert_rules[o->id].metric), hour), &count, &mean);
    if (count < ENOUGH)
        return lb_printf(ctx, "not known yet: %lld %s of this hour, and %d are needed", (long long)count,
                         count == 1 ? "reading" : "readings", ENOUGH);
    return lb_printf(ctx, "%.4g at this hour (%02d:00 UTC), the mean of %lld readings", mean, hour_of(reading->at),
                     (long long)count);
}
