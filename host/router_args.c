#include "router_args.h"

#include "json.h"

static const char opening[] = "{payload.";

bool router_args_have_templates(const param_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (args[i].text && strstr(args[i].text, opening))
            return true;
    return false;
}

/* The member of that whole name, or of a member, as far as the dots lead. */
static struct json_object *find_member(struct json_object *object, const char *path)
{
    struct json_object *member = NULL;
    if (json_object_object_get_ex(object, path, &member))
        return member;
    const char *dot = strchr(path, '.');
    if (!dot)
        return NULL;
    LB_AUTO_FREE char *first = base_printf("%.*s", (int)(dot - path), path);
    if (!json_object_object_get_ex(object, first, &member) || !json_object_is_type(member, json_type_object))
        return NULL;
    return find_member(member, dot + 1);
}

static void put_member(buf *into, struct json_object *member, bool in_json)
{
    if (!json_object_is_type(member, json_type_string)) {
        buf_puts(into, json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN));
    } else if (in_json) {
        BUF_AUTO quoted = BUF_INIT(into->limit);
        json_string(&quoted, json_object_get_string(member));
        if (quoted.length >= 2)
            buf_put(into, quoted.data + 1, quoted.length - 2);
        into->overflow = into->overflow || quoted.overflow;
    } else {
        buf_puts(into, json_object_get_string(member));
    }
}

static int put_placeholder(buf *into, const char *key, size_t length, struct json_object *payload, bool in_json,
                           lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%.*s", (int)length, key);
    struct json_object *member = find_member(payload, path);
    if (!member)
        return lb_fail(err, LB_ERR_NOT_FOUND, "the event's payload shows what it has: lbops events --json",
                       "the event's payload has no %s", path);
    put_member(into, member, in_json);
    return 0;
}

static int fill(const char *text, struct json_object *payload, buf *into, lb_error *err)
{
    lb_error ignored;
    bool in_json = *text == '[' && json_check(text, strlen(text), &ignored) == 0;
    for (const char *next; (next = strstr(text, opening));) {
        const char *key = next + strlen(opening), *end = strchr(key, '}');
        if (!end)
            break;
        buf_put(into, text, (size_t)(next - text));
        int r = put_placeholder(into, key, (size_t)(end - key), payload, in_json, err);
        if (r < 0)
            return r;
        text = end + 1;
    }
    buf_puts(into, text);
    return into->overflow ? lb_fail(err, LB_ERR_LIMIT, NULL, "a parameter is larger than %zu bytes", into->limit) : 0;
}

int router_args_fill(const param_arg *args, size_t count, const char *payload, arena *memory,
                     const param_arg **ret_args, lb_error *err)
{
    param_arg *filled = arena_alloc(memory, (count + 1) * sizeof *filled);
    JSON_AUTO *object = json_parse(payload, strlen(payload), err);
    if (!object || !filled)
        return object ? lb_fail(err, LB_ERR_NO_MEMORY, NULL, "out of memory for parameters") : err->code;
    for (size_t i = 0; i < count; i++) {
        BUF_AUTO text = BUF_INIT((size_t)2 * 1024 * 1024);
        int r = fill(args[i].text, object, &text, err);
        if (r < 0)
            return lb_wrap(err, args[i].name);
        filled[i] = (param_arg){.name = args[i].name, .text = arena_strdup(memory, buf_text(&text))};
        if (!filled[i].text)
            return lb_fail(err, LB_ERR_NO_MEMORY, NULL, "out of memory for parameters");
    }
    *ret_args = filled;
    return 0;
}
