#include "approval_value.h"

#include "json.h"

#include <errno.h>

#define VALUE_DEPTH     32
#define APPROVAL_NUMBER 40

static const struct {
    const char *name;
    lb_type type;
} types[] = {{"text", LB_TEXT},
             {"identifier", LB_IDENT},
             {"integer", LB_I64},
             {"number", LB_F64},
             {"boolean", LB_BOOL},
             {"timestamp", LB_TIME},
             {"json", LB_JSON},
             {"numeric", LB_NUMERIC},
             {"sqltype", LB_SQLTYPE},
             {"null", LB_NULL},
             {"object", LB_OBJECT},
             {"list", LB_LIST},
             {"definition", LB_DEFINITION}};

static bool is_list(const lb_value *value)
{
    return ((unsigned)value->type & LB_LIST) != 0;
}

static const char *type_name(lb_type type)
{
    for (size_t i = 0; i < LB_COUNT(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

static bool type_parse(const char *name, lb_type *ret_type)
{
    for (size_t i = 0; name && i < LB_COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    return false;
}

static bool is_left_out(const lb_value *value)
{
    return LB_ELEMENT(value->type) == LB_SQL;
}

/* A scalar's text; a number's is written into room. */
static const char *approval_value_text(const lb_value *value, char room[APPROVAL_NUMBER])
{
    switch (value->type) {
    case LB_TEXT:
    case LB_IDENT:
    case LB_JSON:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
        return value->v.text;
    case LB_I64:
    case LB_TIME:
        (void)snprintf(room, APPROVAL_NUMBER, "%lld", (long long)value->v.i64); /* fits */
        return room;
    case LB_F64:
        (void)snprintf(room, APPROVAL_NUMBER, "%.17g", value->v.f64); /* fits */
        return room;
    case LB_BOOL:
        return value->v.flag ? "true" : "false";
    default:
        return NULL;
    }
}

/* ---- the hash ---- */

void approval_hash_text(sha256 *s, const char *text)
{
    sha256_add(s, text ? "+" : "-", 1);
    if (text)
        sha256_add(s, text, strlen(text) + 1); /* no text has a NUL inside */
}

static void hash_value(sha256 *s, const lb_value *value)
{
    char room[APPROVAL_NUMBER];
    approval_hash_text(s, is_list(value) ? "list" : type_name(value->type));
    approval_hash_text(s, value->name);
    if (is_list(value)) {
        approval_hash_text(s, type_name(LB_ELEMENT(value->type)));
        for (uint32_t i = 0; i < value->count; i++)
            hash_value(s, &value->v.items[i]);
        approval_hash_text(s, NULL);
    } else if (value->type == LB_OBJECT) {
        approval_hash_values(s, value->v.items);
    } else {
        approval_hash_text(s, approval_value_text(value, room));
    }
}

void approval_hash_values(sha256 *s, const lb_value *values)
{
    for (; values && values->type != LB_END; values++)
        if (!is_left_out(values))
            hash_value(s, values);
    approval_hash_text(s, NULL);
}

/* ---- writing ---- */

static void put_value(buf *into, const lb_value *value)
{
    char room[APPROVAL_NUMBER];
    json_comma(into);
    buf_putc(into, '{');
    json_member_string(into, "type", is_list(value) ? "list" : type_name(value->type));
    if (value->name)
        json_member_string(into, "name", value->name);
    if (is_list(value)) {
        json_member_string(into, "of", type_name(LB_ELEMENT(value->type)));
        json_key(into, "items");
        buf_putc(into, '[');
        for (uint32_t i = 0; i < value->count; i++)
            put_value(into, &value->v.items[i]);
        buf_putc(into, ']');
    } else if (value->type == LB_OBJECT) {
        json_key(into, "members");
        approval_put_values(into, value->v.items);
    } else if (value->type != LB_NULL) {
        json_member_string(into, "text", approval_value_text(value, room));
    }
    buf_putc(into, '}');
}

void approval_put_values(buf *into, const lb_value *values)
{
    buf_putc(into, '[');
    for (; values && values->type != LB_END; values++)
        if (!is_left_out(values))
            put_value(into, values);
    buf_putc(into, ']');
}

static bool is_writable(const lb_value *value)
{
    char room[APPROVAL_NUMBER];
    if (value->type == LB_OBJECT)
        return approval_values_are_writable(value->v.items);
    for (uint32_t i = 0; is_list(value) && i < value->count; i++)
        if (!is_writable(&value->v.items[i]))
            return false;
    const char *text = is_list(value) ? NULL : approval_value_text(value, room);
    return !text || json_is_utf8(text, strlen(text));
}

bool approval_values_are_writable(const lb_value *values)
{
    for (; values && values->type != LB_END; values++)
        if (!is_left_out(values) && !is_writable(values))
            return false;
    return true;
}

/* ---- reading ---- */

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static int bad_value(const char *name, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, NULL, "the argument %.100s of a stored change cannot be read",
                   name ? name : "(without a name)");
}

static int get_scalar(lb_value *value, const char *text, arena *memory, lb_error *err)
{
    char *end = NULL;
    if (!text)
        return bad_value(value->name, err);
    errno = 0;
    if (value->type == LB_I64 || value->type == LB_TIME)
        value->v.i64 = strtoll(text, &end, 10);
    else if (value->type == LB_F64)
        value->v.f64 = strtod(text, &end);
    else if (value->type == LB_BOOL)
        value->v.flag = strcmp(text, "true") == 0;
    else if (!(value->v.text = arena_strdup(memory, text)))
        return lb_out_of_memory(err);
    bool bad_number = end && (errno == ERANGE || end == text || *end) && value->type != LB_F64;
    bool bad_flag = value->type == LB_BOOL && !value->v.flag && strcmp(text, "false") != 0;
    return bad_number || bad_flag || (end && *end) ? bad_value(value->name, err) : 0;
}

static int get_value(struct json_object *item, arena *memory, int depth, lb_value *value, lb_error *err);

/* All values of a list, with LB_END behind them. */
static int get_list(struct json_object *list, arena *memory, int depth, const lb_value **ret_values, lb_error *err)
{
    if (!json_object_is_type(list, json_type_array) || depth > VALUE_DEPTH)
        return lb_fail(err, LB_ERR_INVALID, NULL, "the arguments of a stored change are no list");
    size_t count = json_object_array_length(list);
    lb_value *values = arena_alloc(memory, (count + 1) * sizeof *values);
    if (!values)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        int r = get_value(json_object_array_get_idx(list, i), memory, depth, &values[i], err);
        if (r < 0)
            return r;
    }
    *ret_values = values;
    return 0;
}

static int get_value(struct json_object *item, arena *memory, int depth, lb_value *value, lb_error *err)
{
    struct json_object *inside = NULL;
    const char *name = text_of(item, "name");
    lb_type type = LB_END, element = LB_END;
    *value = (lb_value){.name = name ? arena_strdup(memory, name) : NULL};
    if (!type_parse(text_of(item, "type"), &type) || (name && !value->name))
        return bad_value(name, err);
    value->type = type;
    if (type == LB_LIST) {
        if (!type_parse(text_of(item, "of"), &element) || element == LB_LIST ||
            !json_object_object_get_ex(item, "items", &inside))
            return bad_value(name, err);
        int r = get_list(inside, memory, depth + 1, &value->v.items, err);
        value->type = LB_LIST_OF(element);
        value->count = r < 0 ? 0 : (uint32_t)json_object_array_length(inside);
        return r;
    }
    if (type == LB_OBJECT)
        return json_object_object_get_ex(item, "members", &inside)
                   ? get_list(inside, memory, depth + 1, &value->v.items, err)
                   : bad_value(name, err);
    return type == LB_NULL ? 0 : get_scalar(value, text_of(item, "text"), memory, err);
}

int approval_get_values(struct json_object *list, arena *memory, const lb_value **ret_values, lb_error *err)
{
    return get_list(list, memory, 0, ret_values, err);
}
