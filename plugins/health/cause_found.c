#include "cause_found.h"

#include <json-c/json.h>
#include <string.h>

static void put_object(void *object)
{
    json_object_put(object);
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

static const char *text(lb_ctx *ctx, struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    return value ? lb_printf(ctx, "%s", json_object_get_string(value)) : NULL;
}

static const char *document(lb_ctx *ctx, struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    return value ? lb_printf(ctx, "%s", json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)) : "null";
}

/* Causes and findings stand in the same order. */
static bool take(lb_ctx *ctx, struct json_object *cause, struct json_object *finding, cause_found *ret)
{
    *ret = (cause_found){.kind = text(ctx, cause, "kind"),
                         .object = text(ctx, cause, "object"),
                         .reason = text(ctx, cause, "reason"),
                         .schema = text(ctx, cause, "schema"),
                         .table = text(ctx, cause, "table"),
                         .command = text(ctx, cause, "command"),
                         .evidence = document(ctx, finding, "evidence"),
                         .impact = document(ctx, finding, "impact"),
                         .confidence = json_object_get_double(member(cause, "confidence")),
                         .rank = json_object_get_int64(member(cause, "rank")),
                         .pid = json_object_get_int64(member(cause, "pid"))};
    ret->id = ret->kind ? cause_named(ret->kind) : CAUSES;
    ret->key = lb_printf(ctx, "%s of %s", ret->kind ? ret->kind : "?", ret->object ? ret->object : "?");
    return ret->id < CAUSES && ret->object;
}

/* That one of these is not found says nothing. */
static void take_unseen(lb_ctx *ctx, struct json_object *list, cause_diagnosis *into)
{
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (cause_id id = 0; id < CAUSES && !into->has_interval; id++)
        if (cause_needs_interval(id))
            into->unseen[id] = "there is no reading before it";
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *kind = text(ctx, one, "kind"), *why = text(ctx, one, "why");
        cause_id id = kind ? cause_named(kind) : CAUSES;
        if (id < CAUSES)
            into->unseen[id] = why ? why : "it was not looked for";
    }
}

int cause_read(lb_ctx *ctx, const char *answer, cause_diagnosis *ret_diagnosis, lb_error *err)
{
    struct json_object *all = json_tokener_parse(answer);
    if (!all || lb_defer(ctx, put_object, all) < 0)
        return lb_fail(err, LB_ERR_INVALID, "give what diagnose_root_cause answers",
                       "the diagnosis is no JSON document");
    struct json_object *causes = member(all, "causes"), *findings = member(all, "findings");
    size_t count = json_object_is_type(causes, json_type_array) ? json_object_array_length(causes) : 0;
    bool has_findings = json_object_is_type(findings, json_type_array);
    cause_found *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    *ret_diagnosis = (cause_diagnosis){.items = items,
                                       .answer = answer,
                                       .verdict = text(ctx, all, "verdict"),
                                       .reading = member(all, "reading") ? document(ctx, all, "reading") : NULL,
                                       .has_interval = member(all, "interval_s") != NULL};
    if (!ret_diagnosis->verdict)
        return lb_fail(err, LB_ERR_INVALID, "give what diagnose_root_cause answers", "the diagnosis has no verdict");
    take_unseen(ctx, member(all, "unseen"), ret_diagnosis);
    for (size_t i = 0; i < count; i++)
        ret_diagnosis->count +=
            take(ctx, json_object_array_get_idx(causes, i),
                 has_findings ? json_object_array_get_idx(findings, i) : NULL, &items[ret_diagnosis->count]);
    return 0;
}

int cause_diagnose(lb_ctx *ctx, const char *metric, const char *before, cause_diagnosis *ret_diagnosis, lb_error *err)
{
    const char *answer = NULL;
    lb_value args[4] = {lb_bool("give_reading", true)};
    size_t count = 1;
    if (metric)
        args[count++] = lb_text("metric", metric);
    if (before)
        args[count++] = lb_json("before", before);
    args[count].type = LB_END;
    int r = lb_call(ctx, "diagnose_root_cause", NULL, args, &answer, err);
    return r < 0 ? r : cause_read(ctx, answer, ret_diagnosis, err);
}

const cause_found *cause_find(const cause_diagnosis *diagnosis, const char *kind, const char *object)
{
    for (size_t i = 0; i < diagnosis->count; i++)
        if (strcmp(diagnosis->items[i].kind, kind) == 0 && strcmp(diagnosis->items[i].object, object) == 0)
            return &diagnosis->items[i];
    return NULL;
}
