#include "parsed.h"

#include <string.h>

#define DEPTH 200

void parsed_free(parsed *whole)
{
    (void)json_object_put(whole); /* all of it was its */
}

parsed *parsed_member(parsed *from, const char *name)
{
    parsed *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

size_t parsed_length(parsed *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

parsed *parsed_item(parsed *list, size_t at)
{
    return at < parsed_length(list) ? json_object_array_get_idx(list, at) : NULL;
}

const char *parsed_text(parsed *from, const char *name)
{
    parsed *found = parsed_member(from, name);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : "";
}

int64_t parsed_number(parsed *from, const char *name)
{
    return json_object_get_int64(parsed_member(from, name));
}

bool parsed_is(parsed *from, const char *name)
{
    return json_object_get_boolean(parsed_member(from, name));
}

int64_t parsed_place(parsed *node)
{
    return parsed_number(node, "location"); /* the first byte's is left out */
}

static parsed *find(parsed *at, const char *kind, bool (*fits)(parsed *found, void *arg), void *arg, int depth)
{
    parsed *found = NULL;
    if (depth == 0)
        return NULL;
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at) && !found; i++)
            found = find(parsed_item(at, i), kind, fits, arg, depth - 1);
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            if (!found && strcmp(key, kind) == 0 && (!fits || fits(value, arg)))
                found = value;
            found = found ? found : find(value, kind, fits, arg, depth - 1);
        }
    }
    return found;
}

parsed *parsed_find(parsed *at, const char *kind, bool (*fits)(parsed *found, void *arg), void *arg)
{
    return find(at, kind, fits, arg, DEPTH);
}
