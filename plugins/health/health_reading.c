#include "health_reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000.0

static void put_object(void *object)
{
    json_object_put(object);
}

/* ---- samples ---- */

int health_add_sample(lb_ctx *ctx, health_reading *reading, const health_sample *sample, lb_error *err)
{
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity ? 2 * reading->capacity : 256;
        health_sample *grown = lb_alloc(ctx, capacity * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (reading->count)
            memcpy(grown, reading->samples, reading->count * sizeof *grown);
        reading->samples = grown;
        reading->capacity = capacity;
    }
    reading->samples[reading->count++] = *sample;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const health_sample *health_sample_of(const health_reading *reading, const char *metric, const char *object)
{
    for (size_t i = 0; i < reading->count; i++)
        if (strcmp(reading->samples[i].metric, metric) == 0 && same_text(reading->samples[i].object, object))
            return &reading->samples[i];
    return NULL;
}

/* ---- what is remembered of them ---- */

static bool is_counter(const health_sample *sample)
{
    const char *kind = health_kind(sample->metric);
    return kind && strcmp(kind, "counter") == 0;
}

static const char *key_of(lb_ctx *ctx, const health_sample *sample)
{
    return sample->object ? lb_printf(ctx, "%s %s", sample->metric, sample->object) : sample->metric;
}

static void add_text(struct json_object *list, const char *text)
{
    (void)json_object_array_add(list, text ? json_object_new_string(text) : NULL); /* out of memory: seen as unknown */
}

/* "counters": {"blocks_hit": ["digits", "epoch"]} */
static int remember_counters(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    struct json_object *counters = json_object_new_object();
    if (!counters)
        return lb_out_of_memory(err);
    (void)json_object_object_add(reading->next, "counters", counters); /* owned by next from here on */
    for (size_t i = 0; i < reading->count; i++) {
        const health_sample *s = &reading->samples[i];
        const char *key = is_counter(s) ? key_of(ctx, s) : NULL;
        struct json_object *pair = key && s->digits ? json_object_new_array() : NULL;
        if (!pair)
            continue;
        add_text(pair, s->digits);
        add_text(pair, s->epoch);
        (void)json_object_object_add(counters, key, pair); /* as above */
    }
    return 0;
}

static struct json_object *counter_before(const health_reading *reading, const health_sample *sample)
{
    struct json_object *counters = NULL, *pair = NULL;
    char key[512];
    (void)snprintf(key, sizeof key, "%s%s%s", sample->metric, sample->object ? " " : "",
                   sample->object ? sample->object : ""); /* names of ours and of the server's: they fit */
    if (!reading->before || !json_object_object_get_ex(reading->before, "counters", &counters))
        return NULL;
    return json_object_object_get_ex(counters, key, &pair) && json_object_is_type(pair, json_type_array) ? pair : NULL;
}

bool health_delta(const health_reading *reading, const health_sample *sample, double *ret_delta, const char **ret_why)
{
    struct json_object *pair = sample ? counter_before(reading, sample) : NULL;
    *ret_why = !sample || !sample->digits   ? "it was not read"
               : !reading->before           ? "this is the first reading"
               : !pair                      ? "it was not in the reading before"
               : !(reading->interval_s > 0) ? "no time has passed since the reading before"
                                            : NULL;
    if (*ret_why)
        return false;
    const char *digits = json_object_get_string(json_object_array_get_idx(pair, 0));
    const char *epoch = json_object_get_string(json_object_array_get_idx(pair, 1));
    if (!digits || !same_text(epoch, sample->epoch)) {
        *ret_why = "the server was restarted, or its statistics were reset";
        return false;
    }
    /* Exact up to 2^53 apart: both may be larger, and their difference is what counts. */
    long double now = strtold(sample->digits, NULL), before = strtold(digits, NULL);
    *ret_delta = (double)(now - before);
    if (now < before)
        *ret_why = "it fell: what it counted is gone, or it was reset";
    return now >= before;
}

/* ---- the whole ---- */

static int recall(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    const char *text = NULL;
    struct json_object *at = NULL;
    int r = lb_recall(ctx, &text, err);
    if (r < 0)
        return r;
    reading->at = lb_now(ctx);
    reading->interval_s = NAN;
    reading->next = json_object_new_object();
    if (!reading->next)
        return lb_out_of_memory(err);
    r = lb_defer(ctx, put_object, reading->next);
    if (r < 0)
        return lb_out_of_memory(err);
    (void)json_object_object_add(reading->next, "at", json_object_new_int64(reading->at)); /* without it: no rates */
    reading->before = text ? json_tokener_parse(text) : NULL;
    if (!reading->before)
        return 0;
    if (json_object_object_get_ex(reading->before, "at", &at))
        reading->before_at = json_object_get_int64(at);
    reading->interval_s = (double)(reading->at - reading->before_at) / SECOND;
    return lb_defer(ctx, put_object, reading->before) < 0 ? lb_out_of_memory(err) : 0;
}

/* What was read before stays what was read last. */
static int keep_reading(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    struct json_object *copy = NULL;
    if (!reading->before)
        return 0;
    if (json_object_deep_copy(reading->before, &copy, NULL) != 0 || lb_defer(ctx, put_object, copy) < 0)
        return lb_out_of_memory(err);
    reading->next = copy;
    return 0;
}

int health_read(lb_ctx *ctx, const health_guards *guards, health_reading *ret_reading, lb_error *err)
{
    health_reading reading = {0};
    int r = recall(ctx, &reading, err);
    if (r >= 0 && !guards)
        r = keep_reading(ctx, &reading, err);
    if (r < 0 || !guards) {
        *ret_reading = reading;
        return r;
    }
    if (r >= 0)
        r = health_read_views(ctx, guards, &reading, err);
    if (r >= 0)
        r = remember_counters(ctx, &reading, err);
    *ret_reading = reading;
    return r;
}

int health_remember(lb_ctx *ctx, const health_reading *reading, lb_error *err)
{
    const char *text = json_object_to_json_string_ext(reading->next, JSON_C_TO_STRING_PLAIN);
    return text ? lb_remember(ctx, text, err) : lb_out_of_memory(err);
}
