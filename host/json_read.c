/* Looking into documents that json_parse has read. */
#include "json.h"

static struct json_object *member(struct json_object *object, const char *name, json_type type)
{
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value) &&
                   json_object_is_type(value, type)
               ? value
               : NULL;
}

const char *json_get_text(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name, json_type_string);
    return value ? json_object_get_string(value) : NULL;
}

int64_t json_get_i64(struct json_object *object, const char *name, int64_t fallback)
{
    struct json_object *value = member(object, name, json_type_int);
    return value ? json_object_get_int64(value) : fallback;
}

bool json_get_bool(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name, json_type_boolean);
    return value && json_object_get_boolean(value);
}

struct json_object *json_get_object(struct json_object *object, const char *name)
{
    return member(object, name, json_type_object);
}

struct json_object *json_get_list(struct json_object *object, const char *name)
{
    return member(object, name, json_type_array);
}
