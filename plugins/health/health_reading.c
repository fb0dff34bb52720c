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

static struct json_object *member(struct json_object *of, const char *name)
{
    struct json_object *found = NULL;
    return of && json_object_object_get_ex(of, name, &found) ? found : NULL;
}

/* Of a view that was not read this time stays what was read last. */
static struct json_object *views_to_remember(health_reading *reading)
{
    struct json_object *views = NULL, *old = member(reading->before, "views");
    if (!old || json_object_deep_copy(old, &views, NULL) != 0)
        views = json_object_new_object();
    (void)json_object_object_add(reading->next, "views", views); /* owned by next from here on */
    return views;
}

static struct json_object *counters_of_view(struct json_object *views, const char *view, int64_t at)
{
    struct json_object *entry = member(views, view);
    if (entry && json_object_get_int64(member(entry, "at")) == at)
        return member(entry, "counters");
    struct json_object *counters = json_object_new_object();
    entry = json_object_new_object();
    (void)json_object_object_add(entry, "at", json_object_new_int64(at)); /* without it: no rates */
    (void)json_object_object_add(entry, "counters", counters);
    (void)json_object_object_add(views, view, entry);
    return counters;
}

/* "views": {"pg_stat_database": {"at": 1700000000000000, "counters": {"blocks_hit": ["digits", "epoch"]}}} */
static int remember_counters(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    struct json_object *views = views_to_remember(reading);
    if (!views)
        return lb_out_of_memory(err);
    if (reading->has_statements)
        (void)counters_of_view(views, "pg_stat_statements", reading->at);
    for (size_t i = 0; i < reading->count; i++) {
        const health_sample *s = &reading->samples[i];
        const char *key = is_counter(s) ? key_of(ctx, s) : NULL;
        struct json_object *pair = key && s->digits ? json_object_new_array() : NULL;
        if (!pair)
            continue;
        add_text(pair, s->digits);
        add_text(pair, s->epoch);
        (void)json_object_object_add(counters_of_view(views, s->view, reading->at), key, pair);
    }
    return 0;
}

static struct json_object *view_before(const health_reading *reading, const health_sample *sample)
{
    return sample ? member(member(reading->before, "views"), sample->view) : NULL;
}

static struct json_object *counter_before(const health_reading *reading, const health_sample *sample)
{
    char key[512];
    (void)snprintf(key, sizeof key, "%s%s%s", sample->metric, sample->object ? " " : "",
                   sample->object ? sample->object : ""); /* names of ours and of the server's: they fit */
    struct json_object *pair = member(member(view_before(reading, sample), "counters"), key);
    return pair && json_object_is_type(pair, json_type_array) ? pair : NULL;
}

double health_interval(const health_reading *reading, const health_sample *sample)
{
    struct json_object *at = member(view_before(reading, sample), "at");
    return at ? (double)(reading->at - json_object_get_int64(at)) / SECOND : NAN;
}

bool health_delta(const health_reading *reading, const health_sample *sample, double *ret_delta, const char **ret_why)
{
    struct json_object *pair = sample ? counter_before(reading, sample) : NULL;
    *ret_why = !sample || !sample->digits                ? "it was not read"
               : !view_before(reading, sample)           ? "this is the first reading"
               : !pair                                   ? "it was not in the reading before"
               : !(health_interval(reading, sample) > 0) ? "no time has passed since the reading before"
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

bool health_block_delta(const health_reading *reading, double *ret_hit, double *ret_read, double *ret_of_file,
                        const char **ret_why)
{
    const health_sample *missed = health_sample_of(reading, "file_cache_misses", NULL);
    double misses = 0;
    *ret_of_file = 0;
    if (!health_delta(reading, health_sample_of(reading, "blocks_hit", NULL), ret_hit, ret_why) ||
        !health_delta(reading, health_sample_of(reading, "blocks_read", NULL), ret_read, ret_why))
        return false;
    if (!missed || !missed->digits)
        return true; /* it has none */
    if (!health_delta(reading, missed, &misses, ret_why))
        return false;
    *ret_of_file = fmax(*ret_read - misses, 0);
    *ret_hit += *ret_of_file;
    *ret_read -= *ret_of_file;
    return true;
}

/* ---- the whole ---- */

static int begin(lb_ctx *ctx, const char *text, health_reading *reading, lb_error *err)
{
    reading->at = lb_now(ctx);
    reading->interval_s = NAN;
    reading->next = json_object_new_object();
    if (!reading->next)
        return lb_out_of_memory(err);
    if (lb_defer(ctx, put_object, reading->next) < 0)
        return lb_out_of_memory(err);
    (void)json_object_object_add(reading->next, "at", json_object_new_int64(reading->at)); /* without it: no rates */
    reading->before = text ? json_tokener_parse(text) : NULL;
    if (!reading->before)
        return 0;
    reading->interval_s = (double)(reading->at - json_object_get_int64(member(reading->before, "at"))) / SECOND;
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

int health_read_after(lb_ctx *ctx, const char *before, const health_guards *guards, health_reading *ret_reading,
                      lb_error *err)
{
    health_reading reading = {0};
    int r = begin(ctx, before, &reading, err);
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

int health_read(lb_ctx *ctx, const health_guards *guards, health_reading *ret_reading, lb_error *err)
{
    const char *before = NULL;
    int r = lb_recall(ctx, &before, err);
    return r < 0 ? r : health_read_after(ctx, before, guards, ret_reading, err);
}

int health_remember(lb_ctx *ctx, const health_reading *reading, lb_error *err)
{
    const char *text = json_object_to_json_string_ext(reading->next, JSON_C_TO_STRING_PLAIN);
    return text ? lb_remember(ctx, text, err) : lb_out_of_memory(err);
}
