/* A table's schema: ours as Delta writes it, and ours beside what somebody else has added. */
#include "delta_local.h"

#include <json-c/json.h>

static const char *type_name(lb_type type)
{
    switch (type) {
    case LB_I64:
        return "long";
    case LB_F64:
        return "double";
    case LB_BOOL:
        return "boolean";
    case LB_TIME:
        return "timestamp";
    default:
        return "string";
    }
}

static struct json_object *field(const char *name, const char *type, const char *doc)
{
    struct json_object *f = json_object_new_object(), *metadata = json_object_new_object();
    json_object_object_add(metadata, "comment", json_object_new_string(doc ? doc : ""));
    json_object_object_add(f, "name", json_object_new_string(name));
    json_object_object_add(f, "type", json_object_new_string(type));
    json_object_object_add(f, "nullable", json_object_new_boolean(true));
    json_object_object_add(f, "metadata", metadata);
    return f;
}

static struct json_object *find_field(struct json_object *fields, const char *name)
{
    struct json_object *found_name;
    for (size_t i = 0; fields && i < json_object_array_length(fields); i++) {
        struct json_object *f = json_object_array_get_idx(fields, i);
        if (json_object_object_get_ex(f, "name", &found_name) &&
            strcasecmp(json_object_get_string(found_name), name) == 0)
            return f;
    }
    return NULL;
}

/* Adds the column where it is missing. */
static int need_field(const char *table, struct json_object *fields, const char *name, const char *type,
                      const char *doc, bool *changed, lb_error *err)
{
    struct json_object *found = find_field(fields, name), *found_type;
    if (!found) {
        *changed = true;
        json_object_array_add(fields, field(name, type, doc));
        return 0;
    }
    if (json_object_object_get_ex(found, "type", &found_type) && strcmp(json_object_get_string(found_type), type) == 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "was the folder made by something else? move it away, or set another path",
                   "column %s of the history table %s is of type %.60s, and ours is %s", name, table,
                   json_object_get_string(found_type), type);
}

static int need_columns(const delta_table_def *def, struct json_object *fields, bool *changed, lb_error *err)
{
    for (size_t i = 0; i < def->count; i++) {
        const lb_delta_column *c = &def->columns[i];
        int r = need_field(def->name, fields, c->name, type_name(c->type), c->doc, changed, err);
        if (r < 0)
            return r;
    }
    DELTA_AUTO_FREE char *doc = delta_printf("date of %s in UTC: the partition", def->partition_time);
    return def->partition_time ? need_field(def->name, fields, DELTA_PARTITION, "date", doc, changed, err) : 0;
}

int delta_schema_with(const delta_table_def *def, const char *schema, char **ret_schema, lb_error *err)
{
    bool changed = false;
    struct json_object *fields = NULL;
    struct json_object *root = schema ? json_tokener_parse(schema) : json_object_new_object();
    if (!schema) {
        json_object_object_add(root, "type", json_object_new_string("struct"));
        json_object_object_add(root, "fields", json_object_new_array());
    }
    int r =
        json_object_object_get_ex(root, "fields", &fields) && json_object_is_type(fields, json_type_array)
            ? need_columns(def, fields, &changed, err)
            : lb_fail(err, LB_ERR_INVALID, NULL, "the history table %s has a schema that cannot be read", def->name);
    if (r == 0)
        *ret_schema = changed ? delta_strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN |
                                                                                      JSON_C_TO_STRING_NOSLASHESCAPE))
                              : NULL;
    (void)json_object_put(root); /* says whether it was the last */
    return r;
}
