#include "health_alert.h"
#include "health_measure.h"
#include "health_pause.h"

#include <math.h>
#include <string.h>

static double limit_of(struct json_object *one, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(one, name, &value) && value ? json_object_get_double(value) : NAN;
}

static const char *text_of(struct json_object *one, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(one, name, &value) && value ? json_object_get_string(value) : NULL;
}

/* "set by ada on 2026-01-31: the nightly load". A number that nobody stands for says less. */
static void take_origin(lb_ctx *ctx, health_policy *policy, health_alert_id id, struct json_object *one)
{
    const char *by = text_of(one, "set_by"), *on = text_of(one, "set_on"), *reason = text_of(one, "reason");
    policy->trust[id] = (by ? 0.05 : 0) + (reason ? 0.05 : 0);
    policy->origin[id] = by || on || reason
                             ? lb_printf(ctx, "set%s%s%s%s%s%s", by ? " by " : "", by ? by : "", on ? " on " : "",
                                         on ? on : "", reason ? ": " : "", reason ? reason : "")
                             : "the manifest's, which does not say who set it or why";
}

static void take(lb_ctx *ctx, health_policy *policy, struct json_object *one)
{
    struct json_object *metric = NULL, *below = NULL;
    if (!json_object_object_get_ex(one, "metric", &metric) || !json_object_object_get_ex(one, "below", &below))
        return;
    health_alert_id id = health_alert_named(json_object_get_string(metric));
    if (id == HEALTH_ALERTS)
        return; /* for another tool's metric */
    policy->limits[id] = (health_limits){.warning = limit_of(one, "warning"),
                                         .critical = limit_of(one, "critical"),
                                         .below = json_object_get_boolean(below)};
    take_origin(ctx, policy, id, one);
}

int health_read_policy(lb_ctx *ctx, health_policy *ret_policy, lb_error *err)
{
    const char *text = NULL;
    struct json_object *list = NULL;
    health_policy policy = {.paused_by = NULL};
    int r = lb_thresholds(ctx, &text, err);
    if (r < 0)
        return r;
    for (health_alert_id id = 0; id < HEALTH_ALERTS; id++) {
        policy.limits[id] = health_alert_rules[id].limits;
        policy.origin[id] = "the product's default, not measured on this target";
    }
    struct json_object *document = json_tokener_parse(text);
    if (!document)
        return lb_out_of_memory(err);
    if (json_object_object_get_ex(document, "thresholds", &list))
        for (size_t i = 0; i < json_object_array_length(list); i++)
            take(ctx, &policy, json_object_array_get_idx(list, i));
    policy.paused_by = health_pause(ctx, document);
    json_object_put(document);
    *ret_policy = policy;
    return 0;
}

const char *health_level(const health_limits *limits, double value)
{
    static const char *const names[] = {"normal", "warning", "critical"};
    return names[health_grade_of(limits, value)];
}
