#include "vacuum_alert.h"

#include <json-c/json.h>
#include <math.h>

static void release(void *document)
{
    (void)json_object_put(document);
}

int vacuum_recall_alerts(lb_ctx *ctx, struct json_object **ret_open, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    if (r < 0)
        return r;
    struct json_object *open = text ? json_tokener_parse(text) : NULL;
    if (!json_object_is_type(open, json_type_object)) {
        release(open);
        open = json_object_new_object();
    }
    *ret_open = open;
    return open ? lb_defer(ctx, release, open) : lb_out_of_memory(err);
}

static lb_value figure(const char *name, double value)
{
    return isnan(value) ? lb_null(name) : lb_f64(name, value);
}

static const char *name_of(lb_ctx *ctx, const vacuum_alert *a)
{
    return a->database ? lb_printf(ctx, "%s of %s", a->metric, a->database) : a->metric;
}

/* Memories of earlier versions do not say of which database an alert is. */
static bool is_open(struct json_object *open, const char *name, const vacuum_alert *a)
{
    return json_object_object_get_ex(open, name, NULL) || json_object_object_get_ex(open, a->metric, NULL);
}

/* As it was told when it began: alerts of earlier versions did not say whose they are, and end so. */
static const char *database_of(struct json_object *open, const char *name, const vacuum_alert *a)
{
    struct json_object *told = NULL;
    bool is_told = json_object_object_get_ex(open, name, &told) || json_object_object_get_ex(open, a->metric, &told);
    return is_told && !json_object_is_type(told, json_type_string) ? NULL : a->database;
}

static int breach(lb_ctx *ctx, struct json_object *open, const char *name, const vacuum_alert *a, lb_error *err)
{
    const char *database = database_of(open, name, a);
    (void)json_object_object_add(open, name,
                                 database ? json_object_new_string(database) : json_object_new_boolean(true));
    return lb_emit(ctx, "threshold.breached",
                   LB_ARGS(lb_text("metric", a->metric), lb_f64("value", a->value), lb_f64("threshold", a->threshold),
                           lb_text("unit", a->unit), lb_text("level", a->level > 1 ? "critical" : "warning"),
                           lb_text("action", a->action ? a->action : "vacuum"), lb_text("object", a->object),
                           lb_text("database", database), lb_text("text", a->text)),
                   err);
}

static int clear(lb_ctx *ctx, struct json_object *open, const char *name, const vacuum_alert *a, lb_error *err)
{
    const char *database = database_of(open, name, a);
    json_object_object_del(open, name);
    json_object_object_del(open, a->metric);
    return lb_emit(ctx, "threshold.cleared",
                   LB_ARGS(lb_text("metric", a->metric), figure("value", a->value), lb_f64("threshold", a->threshold),
                           lb_text("unit", a->unit), lb_text("object", a->object), lb_text("database", database)),
                   err);
}

int vacuum_say(lb_ctx *ctx, struct json_object *open, const vacuum_alert *a, lb_error *err)
{
    const char *name = name_of(ctx, a);
    if (!name)
        return lb_out_of_memory(err);
    if (a->level > 0)
        return breach(ctx, open, name, a, err);
    return a->is_well_inside && is_open(open, name, a) ? clear(ctx, open, name, a, err) : 0;
}

int vacuum_remember_alerts(lb_ctx *ctx, struct json_object *open, lb_error *err)
{
    return lb_remember(ctx, json_object_to_json_string(open), err);
}
