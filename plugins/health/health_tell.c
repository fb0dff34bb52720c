#include "health_tell.h"

#include <math.h>
#include <string.h>

static const char *const changes[] = {"", "opened", "escalated", "reminded", "resolved"};
static const char *const grades[] = {"normal", "warning", "critical"};

static double limit_of(const health_limits *limits, health_grade grade)
{
    return grade == HEALTH_CRITICAL ? limits->critical : limits->warning;
}

/* Three digits tell how bad it is; the event and history have all of them. More only where a figure that is past a
 * limit would read as the limit itself. */
static const char *digits(lb_ctx *ctx, double value, double beside)
{
    const char *text = NULL, *other = NULL;
    for (int count = 3; count <= 10; count++) {
        text = lb_printf(ctx, fabs(value) < 999.5 ? "%.*g" : "%.*f", fabs(value) < 999.5 ? count : count - 3, value);
        other =
            lb_printf(ctx, fabs(beside) < 999.5 ? "%.*g" : "%.*f", fabs(beside) < 999.5 ? count : count - 3, beside);
        if (!text || !other || isnan(beside) || value == beside || strcmp(text, other) != 0)
            break;
    }
    return text;
}

const char *health_shown(lb_ctx *ctx, const health_alert_rule *rule, double value, double beside)
{
    if (strcmp(rule->unit, "ratio") == 0)
        return lb_printf(ctx, "%s %%", digits(ctx, 100 * value, 100 * beside));
    return lb_printf(ctx, "%s%s%s", digits(ctx, value, beside), strcmp(rule->unit, "count") == 0 ? "" : " ",
                     strcmp(rule->unit, "count") == 0 ? "" : rule->unit);
}

static lb_value number(const char *name, double value)
{
    return isnan(value) ? lb_null(name) : lb_f64(name, value);
}

const char *health_context(lb_ctx *ctx, const health_entry *entry, const health_observation *o)
{
    struct json_object *context = json_object_new_object();
    if (o->schema && o->table) {
        (void)json_object_object_add(context, "schema", json_object_new_string(o->schema));
        (void)json_object_object_add(context, "table", json_object_new_string(o->table));
    } else if (o->object) {
        (void)json_object_object_add(context, "object", json_object_new_string(o->object));
    }
    if (entry->database)
        (void)json_object_object_add(context, "database", json_object_new_string(entry->database));
    (void)json_object_object_add(context, "value", json_object_new_double(o->value));
    const char *copy = lb_printf(ctx, "%s", json_object_to_json_string_ext(context, JSON_C_TO_STRING_PLAIN));
    json_object_put(context);
    return copy;
}

static void put_text(struct json_object *into, const char *name, const char *text)
{
    (void)json_object_object_add(into, name, text ? json_object_new_string(text) : NULL); /* out of memory: not there */
}

/* The figures behind it: how it was measured, against whose limit, and what is usual here at this hour. */
static const char *detail_of(lb_ctx *ctx, const health_policy *policy, const health_entry *entry,
                             const health_observation *o, const char *usual)
{
    struct json_object *detail = json_object_new_object();
    put_text(detail, "incident", entry->incident);
    put_text(detail, "measure", health_alert_rules[o->id].measure);
    put_text(detail, "limit_is", policy->origin[o->id]);
    put_text(detail, "usual", usual);
    (void)json_object_object_add(detail, "evidence", o->detail ? json_tokener_parse(o->detail) : NULL);
    const char *copy = lb_printf(ctx, "%s", json_object_to_json_string_ext(detail, JSON_C_TO_STRING_PLAIN));
    json_object_put(detail);
    return copy;
}

int health_tell_breach(lb_ctx *ctx, const health_policy *policy, const health_habits *habits, const health_entry *entry,
                       const health_observation *o, const char *usual, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    double limit = limit_of(&policy->limits[o->id], entry->alert.told);
    const char *line = lb_printf(ctx, "%s%s%s is %s, past the limit of %s (%s)%s", rule->title, o->object ? " of " : "",
                                 o->object ? o->object : "", health_shown(ctx, rule, o->value, limit),
                                 health_shown(ctx, rule, limit, o->value), grades[entry->alert.told],
                                 entry->alert.is_flapping ? "; it comes and goes" : "");
    const char *detail = detail_of(ctx, policy, entry, o, usual);
    if (!detail)
        return lb_out_of_memory(err);
    return lb_emit(ctx, "threshold.breached",
                   LB_ARGS(lb_text("metric", rule->metric), lb_f64("value", o->value), number("threshold", limit),
                           lb_text("level", grades[entry->alert.told]), lb_text("schema", o->schema),
                           lb_text("table", o->table), lb_text("object", o->table ? NULL : o->object),
                           lb_text("database", entry->database), lb_text("action", rule->sop),
                           lb_time("since", entry->alert.since), lb_text("unit", rule->unit), lb_text("text", line),
                           lb_json("detail", detail),
                           lb_f64("remind_s", entry->alert.told == HEALTH_CRITICAL ? habits->remind_critical_s
                                                                                   : habits->remind_warning_s),
                           lb_json("context", health_context(ctx, entry, o))),
                   err);
}

int health_tell_clear(lb_ctx *ctx, const health_policy *policy, const health_entry *entry, const health_observation *o,
                      int64_t since, int64_t at, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    double level = health_clear_level(&policy->limits[o->id]), lasted = (double)(at - since) / 1e6;
    return lb_emit(ctx, "threshold.cleared",
                   LB_ARGS(lb_text("metric", rule->metric), lb_f64("value", o->value), lb_f64("threshold", level),
                           lb_text("schema", entry->schema), lb_text("table", entry->table),
                           lb_text("object", entry->table ? NULL : entry->object), lb_text("database", entry->database),
                           lb_time("since", since), lb_f64("lasted_s", lasted), lb_text("unit", rule->unit),
                           lb_text("text", lb_printf(ctx, "%s%s%s is %s again, inside %s, after %.0f s", rule->title,
                                                     entry->object ? " of " : "", entry->object ? entry->object : "",
                                                     health_shown(ctx, rule, o->value, level),
                                                     health_shown(ctx, rule, level, o->value), lasted))),
                   err);
}

int health_tell_finding(lb_ctx *ctx, const health_policy *policy, const health_observation *o, health_grade grade,
                        lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    const health_limits *limits = &policy->limits[o->id];
    const lb_value *evidence = LB_ARGS(lb_f64("value", o->value), number("limit", limit_of(limits, grade)),
                                       lb_f64("clear_level", health_clear_level(limits)), lb_text("unit", rule->unit),
                                       lb_text("limit_is", policy->origin[o->id]),
                                       o->detail ? lb_json("detail", o->detail) : lb_null("detail"));
    return lb_report(
        ctx,
        LB_FINDING(.object = o->object ? o->object : lb_run_target(ctx)->branch, .kind = rule->metric,
                   .reason = lb_printf(ctx, "%s is %s: %s", rule->title,
                                       health_shown(ctx, rule, o->value, limit_of(limits, grade)), grades[grade]),
                   .evidence = evidence,
                   .terms = LB_TERMS({"measured_by_its_one_definition", 0.65}, {"evidence_kept", o->detail ? 0.2 : 0.0},
                                     {"somebody_stands_for_the_limit", policy->trust[o->id]})),
        err);
}

static const char *state_of(const health_alert *a, health_change change)
{
    if (change != HEALTH_NOTHING)
        return changes[change];
    if (a->is_silenced)
        return "silenced";
    if (a->told == HEALTH_NORMAL)
        return "pending";
    return a->is_flapping ? "flapping" : "open";
}

int health_tell_alert(lb_ctx *ctx, const health_policy *policy, const health_entry *entry, const health_observation *o,
                      health_change change, int64_t since, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    const health_limits *limits = &policy->limits[o->id];
    return lb_append(ctx, "alerts",
                     LB_ARGS(lb_text("metric", rule->metric), lb_text("object", entry->object),
                             lb_text("state", state_of(&entry->alert, change)),
                             lb_text("level", grades[change == HEALTH_RESOLVED ? HEALTH_NORMAL : entry->alert.told]),
                             lb_text("level_now", o->known ? grades[entry->alert.grade] : "unknown"),
                             number("value", o->known ? o->value : NAN), lb_text("unit", rule->unit),
                             number("warning", limits->warning), number("critical", limits->critical),
                             lb_f64("clear_level", health_clear_level(limits)),
                             lb_text("limits", policy->origin[o->id]), lb_time("since", since),
                             lb_text("incident", entry->incident), lb_text("sop", rule->sop)),
                     err);
}
