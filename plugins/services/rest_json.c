#include "rest_json.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#define DEPTH 64

void rest_json_put_holder(struct json_object **holder)
{
    (void)json_object_put(*holder); /* says only whether it was the last reference */
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

struct json_object *rest_json_parse(const char *text, size_t length, const char *what, lb_error *err)
{
    struct json_object *document = NULL;
    enum json_tokener_error wrong = json_tokener_error_depth;
    if (is_blank(text, length))
        document = json_object_new_object();
    struct json_tokener *tokener = !document && length < INT_MAX ? json_tokener_new_ex(DEPTH) : NULL;
    if (tokener) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        document = json_tokener_parse_ex(tokener, text, (int)length);
        wrong = json_tokener_get_error(tokener);
        json_tokener_free(tokener);
    }
    if (!document)
        (void)lb_fail(err, LB_ERR_UNREACHABLE, "is the address that of the workspace itself?", /* the NULL says it */
                      "%s: the answer is not the JSON that it should be (%s)", what, json_tokener_error_desc(wrong));
    return document;
}

struct json_object *rest_json_at(struct json_object *object, const char *path)
{
    while (object) {
        char name[80];
        size_t length = strcspn(path, ".");
        if (length >= sizeof name || !json_object_is_type(object, json_type_object))
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        struct json_object *member = NULL;
        if (!json_object_object_get_ex(object, name, &member))
            return NULL;
        object = member;
        if (!path[length])
            break;
        path += length + 1;
    }
    return object;
}

const char *rest_json_text(struct json_object *object, const char *path)
{
    struct json_object *member = rest_json_at(object, path);
    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
}

bool rest_json_flag(struct json_object *object, const char *path)
{
    struct json_object *member = rest_json_at(object, path);
    return json_object_is_type(member, json_type_boolean) && json_object_get_boolean(member);
}

int64_t rest_json_number(struct json_object *object, const char *path, int64_t fallback)
{
    struct json_object *member = rest_json_at(object, path);
    if (json_object_is_type(member, json_type_int) || json_object_is_type(member, json_type_double))
        return json_object_get_int64(member);
    const char *text = rest_json_text(object, path);
    char *end = NULL;
    int64_t number = text && *text ? strtoll(text, &end, 10) : fallback;
    return end && *end ? fallback : number;
}

size_t rest_json_count(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

bool rest_json_add(struct json_object *object, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(object, name, value) == 0)
        return true;
    (void)json_object_put(value); /* ours to drop; NULL is fine */
    return false;
}

bool rest_json_add_text(struct json_object *object, const char *name, const char *text)
{
    return rest_json_add(object, name, json_object_new_string(text));
}
