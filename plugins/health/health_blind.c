#include "health_blind.h"

#define METRIC "cannot_see"
#define SECOND 1e6

/* What is remembered: {"times": 3, "since": ..., "told": 1}. */
typedef struct sight {
    int64_t times, since, told;
} sight;

static int64_t number(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return from && json_object_object_get_ex(from, name, &value) ? json_object_get_int64(value) : 0;
}

static sight recall(const health_reading *reading)
{
    struct json_object *kept = NULL;
    if (reading->before)
        (void)json_object_object_get_ex(reading->before, "blind", &kept); /* NULL: it was not */
    return (sight){number(kept, "times"), number(kept, "since"), number(kept, "told")};
}

static void keep(health_reading *reading, const sight *s)
{
    struct json_object *one = s->times ? json_object_new_object() : NULL;
    if (!one)
        return;
    (void)json_object_object_add(one, "times", json_object_new_int64(s->times)); /* out of memory: counted anew */
    (void)json_object_object_add(one, "since", json_object_new_int64(s->since));
    (void)json_object_object_add(one, "told", json_object_new_int64(s->told));
    (void)json_object_object_add(reading->next, "blind", one);
}

/* "lock_wait_time, txid_age" */
static const char *missing(lb_ctx *ctx, const health_measures *measures, int64_t *ret_count)
{
    const char *names = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < measures->count; i++) {
        const health_observation *o = &measures->items[i];
        if (!o->is_blind)
            continue;
        names = lb_printf(ctx, "%s%s%s", names ? names : "", names ? ", " : "", health_alert_rules[o->id].metric);
        (*ret_count)++;
    }
    return names;
}

static int tell_begin(lb_ctx *ctx, const sight *s, const char *names, int64_t count, lb_error *err)
{
    const char *text = lb_printf(ctx, "monitoring cannot see %s: %lld readings in a row could not read what shows them",
                                 names, (long long)s->times);
    return lb_emit(ctx, "threshold.breached",
                   LB_ARGS(lb_text("metric", METRIC), lb_f64("value", (double)count), lb_f64("threshold", 0),
                           lb_text("level", "warning"), lb_time("since", s->since), lb_text("unit", "metrics"),
                           lb_text("text", text),
                           lb_object("detail", LB_ARGS(lb_text("metrics", names),
                                                       lb_text("measure", "figures whose view could not be read")))),
                   err);
}

static int tell_end(lb_ctx *ctx, const sight *s, int64_t at, lb_error *err)
{
    double lasted = (double)(at - s->since) / SECOND;
    return lb_emit(ctx, "threshold.cleared",
                   LB_ARGS(lb_text("metric", METRIC), lb_f64("value", 0), lb_f64("threshold", 0),
                           lb_time("since", s->since), lb_f64("lasted_s", lasted), lb_text("unit", "metrics"),
                           lb_text("text", lb_printf(ctx, "monitoring sees all figures again, after %.0f s", lasted))),
                   err);
}

int health_judge_sight(lb_ctx *ctx, health_reading *reading, const health_measures *measures, bool paused,
                       lb_error *err)
{
    int64_t count;
    const char *names = missing(ctx, measures, &count);
    const sight before = recall(reading);
    sight now = {.times = count ? before.times + 1 : 0, .since = before.times ? before.since : reading->at};
    bool begins = now.times >= HEALTH_BLIND_AFTER && !before.told && !paused, ends = !count && before.told;
    now.told = (before.told || begins) && count;
    keep(reading, &now);
    return begins ? tell_begin(ctx, &now, names, count, err) : ends ? tell_end(ctx, &before, reading->at, err) : 0;
}

int health_end_sight(lb_ctx *ctx, const health_reading *reading, lb_error *err)
{
    const sight s = recall(reading);
    return !s.told ? 0
                   : lb_emit(ctx, "threshold.cleared",
                             LB_ARGS(lb_text("metric", METRIC), lb_null("value"), lb_time("since", s.since),
                                     lb_text("text", "what monitoring could not see was of a branch that is gone: "
                                                     "another one has its name now")),
                             err);
}
