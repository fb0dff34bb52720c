#include "branch_json.h"

static void put_object(void *object)
{
    (void)json_object_put(object); /* says only whether it was the last reference */
}

static struct json_object *keep(lb_ctx *ctx, struct json_object *object)
{
    if (object && lb_defer(ctx, put_object, object) < 0) {
        put_object(object);
        return NULL;
    }
    return object;
}

struct json_object *branch_json_keep(lb_ctx *ctx, const char *text, lb_error *err)
{
    struct json_object *object = keep(ctx, json_tokener_parse(text));
    if (!object)
        (void)lb_fail(err, LB_ERR_TOOL, "look at what stands between us and the workspace",
                      "the control plane answers with what is no JSON"); /* the NULL says it */
    return object;
}

struct json_object *branch_json_object(lb_ctx *ctx)
{
    return keep(ctx, json_object_new_object());
}

bool branch_json_add(struct json_object *into, const char *name, struct json_object *value)
{
    if (into && value && json_object_object_add(into, name, value) == 0)
        return true;
    (void)json_object_put(value); /* NULL is fine */
    return false;
}

bool branch_json_add_text(struct json_object *into, const char *name, const char *text)
{
    return !text || branch_json_add(into, name, json_object_new_string(text));
}

const char *branch_json_text(lb_ctx *ctx, struct json_object *object)
{
    return lb_printf(ctx, "%s", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
}
