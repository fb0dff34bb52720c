/* A description as one JSON object, and back. */
#include "cron.h"
#include "json.h"
#include "spec.h"

#include <lbops/transport.h>

/* ---- writing ---- */

static void put_row(buf *b, const lb_param *row)
{
    json_comma(b);
    buf_putc(b, '{');
    json_member_string(b, "name", row->name);
    json_member_string(b, "type", params_type_name(row->type));
    json_member_string(b, "default", row->fallback);
    json_member_string(b, "doc", row->doc);
    json_member_i64(b, "offset", (int64_t)row->offset);
    json_member_i64(b, "width", (int64_t)row->width);
    json_member_bool(b, "required", row->required);
    json_member_string(b, "choices", row->choices);
    json_member_string(b, "min", row->min);
    json_member_string(b, "max", row->max);
    json_member_string(b, "env", row->env);
    buf_putc(b, '}');
}

static void put_names(buf *b, const char *member, const char *const *names)
{
    json_key(b, member);
    buf_putc(b, '[');
    for (size_t i = 0; names && names[i]; i++) {
        json_comma(b);
        json_string(b, names[i]);
    }
    buf_putc(b, ']');
}

static void put_head(buf *b, const lb_plugin *plugin, const char *path)
{
    buf_putc(b, '{');
    json_member_string(b, "path", path);
    json_member_string(b, "kind", spec_kind_name((lb_kind)plugin->kind));
    json_member_string(b, "name", plugin->name);
    json_member_string(b, "version", plugin->version);
    json_member_string(b, "summary", plugin->summary);
    json_member_i64(b, "abi_major", plugin->abi_major);
    json_member_i64(b, "abi_minor", plugin->abi_minor);
}

static void put_params(buf *b, param_rows rows, uint32_t args_size)
{
    size_t count = params_count(rows);
    json_member_i64(b, "args_size", args_size);
    json_key(b, "params");
    buf_putc(b, '[');
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        put_row(b, &row);
    }
    buf_putc(b, ']');
}

static void put_tool(buf *b, const lb_tool *tool)
{
    json_member_string(b, "risk", spec_risk_name(tool->risk));
    json_member_bool(b, "needs_approval", tool->needs_approval);
    json_member_bool(b, "detector", tool->detector);
    json_member_bool(b, "workspace", tool->workspace);
    json_member_i64(b, "timeout_s", tool->timeout_s);
    json_member_string(b, "agent", tool->agent);
    json_member_string(b, "schedule", tool->schedule);
    put_names(b, "writes", tool->writes);
    put_names(b, "emits", tool->emits);
    put_names(b, "calls", tool->calls);
    put_names(b, "needs", LB_HAS(tool, lb_tool, needs) ? tool->needs : NULL);
    json_member_bool(b, "remembers", LB_HAS(tool, lb_tool, remembers) && tool->remembers);
}

void spec_write(buf *b, const lb_plugin *plugin, const char *path)
{
    put_head(b, plugin, path);
    if (plugin->kind == LB_KIND_TOOL) {
        const lb_tool *tool = plugin->ops;
        put_params(b, (param_rows){tool->params, tool->param_size}, tool->args_size);
        put_tool(b, tool);
    } else {
        const lb_service *service = plugin->ops;
        put_params(b, (param_rows){service->params, service->param_size}, service->args_size);
    }
    buf_putc(b, '}');
}

/* The names of a spec are its own and not const; the table of a tool has const ones. */
static const char *const *as_const(char **names)
{
    union {
        char **own;
        const char *const *read;
    } pointer = {names};
    return pointer.read;
}

void spec_write_again(buf *b, const plugin_spec *spec)
{
    lb_tool tool = {.size = sizeof tool,
                    .timeout_s = spec->timeout_s,
                    .risk = spec->risk,
                    .needs_approval = spec->needs_approval,
                    .detector = spec->detector,
                    .workspace = spec->workspace,
                    .agent = spec->agent,
                    .schedule = spec->schedule,
                    .writes = as_const(spec->writes),
                    .emits = as_const(spec->emits),
                    .calls = as_const(spec->calls),
                    .needs = as_const(spec->needs),
                    .remembers = spec->remembers};
    lb_plugin plugin = {.abi_major = spec->abi_major,
                        .abi_minor = spec->abi_minor,
                        .kind = spec->kind,
                        .name = spec->name,
                        .version = spec->version,
                        .summary = spec->summary};
    put_head(b, &plugin, spec->path);
    put_params(b, spec_params(spec), spec->args_size);
    if (spec->kind == LB_KIND_TOOL)
        put_tool(b, &tool);
    buf_putc(b, '}');
}

/* ---- reading ---- */

static int bad_member(const char *name, const char *what, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, "build the plugin again, or remove the plugin cache",
                   "the description's %s is %s", name, what);
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    (void)json_object_object_get_ex(object, name, &value); /* absent and null are one to us */
    return value;
}

/* A text without a NUL inside, or NULL for anything else. Borrowed. */
static const char *text_of(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* A required text when is_good is given; an optional one (null allowed) otherwise. */
static int get_text(struct json_object *object, const char *name, bool (*is_good)(const char *), char **ret,
                    lb_error *err)
{
    struct json_object *value = member(object, name);
    const char *text = text_of(value);
    if ((value || is_good) && !text)
        return bad_member(name, value ? "not text" : "missing", err);
    if (text && is_good && !is_good(text))
        return bad_member(name, "not a good one", err);
    *ret = base_strdup(text);
    return 0;
}

static int get_number(struct json_object *object, const char *name, uint32_t limit, uint32_t *ret, lb_error *err)
{
    struct json_object *value = member(object, name);
    int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
    if (number < 0 || number > limit)
        return bad_member(name, "not a number in its range", err);
    *ret = (uint32_t)number;
    return 0;
}

static int get_bool(struct json_object *object, const char *name, bool *ret, lb_error *err)
{
    struct json_object *value = member(object, name);
    if (!json_object_is_type(value, json_type_boolean))
        return bad_member(name, "neither true nor false", err);
    *ret = json_object_get_boolean(value);
    return 0;
}

/* One of the words that name_of gives for 1, 2, ... */
static int get_word(struct json_object *object, const char *name, const char *(*name_of)(unsigned), unsigned *ret,
                    lb_error *err)
{
    const char *text = text_of(member(object, name));
    for (unsigned i = 1; text && strcmp(name_of(i), "unknown") != 0; i++) {
        if (strcmp(name_of(i), text) != 0)
            continue;
        *ret = i;
        return 0;
    }
    return bad_member(name, "not a known one", err);
}

static const char *kind_word(unsigned kind)
{
    return spec_kind_name((lb_kind)kind);
}

static const char *risk_word(unsigned risk)
{
    return spec_risk_name((lb_risk)risk);
}

static int get_names(struct json_object *object, const char *name, bool (*is_good)(const char *), char ***ret,
                     lb_error *err)
{
    struct json_object *list = member(object, name);
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) > SPEC_NAMES_MAX)
        return bad_member(name, "not a list of names", err);
    size_t count = json_object_array_length(list);
    char **names = base_alloc((count + 1) * sizeof *names);
    *ret = names; /* owned by the spec from here on, however it ends */
    for (size_t i = 0; i < count; i++) {
        const char *text = text_of(json_object_array_get_idx(list, i));
        if (!text || !is_good(text))
            return bad_member(name, "not a list of names", err);
        names[i] = base_strdup(text);
    }
    return 0;
}

static bool is_line(const char *text)
{
    return params_is_line(text, SPEC_LINE_MAX);
}

static bool is_summary(const char *text)
{
    return *text && is_line(text);
}

static bool is_path(const char *text)
{
    return *text == '/';
}

/* The row is in the spec's array already: what it owns is freed with the spec, whichever member fails. */
static int read_row(struct json_object *object, lb_param *row, lb_error *err)
{
    char *texts[7] = {NULL};
    uint32_t offset = 0, width = 0;
    const char *type = text_of(member(object, "type"));
    int r = get_text(object, "name", params_is_name, &texts[0], err);
    if (r < 0)
        return r;
    row->name = texts[0];
    static const char *const optional[] = {"default", "doc", "choices", "min", "max", "env"};
    const char **places[] = {&row->fallback, &row->doc, &row->choices, &row->min, &row->max, &row->env};
    for (size_t i = 0; i < LB_COUNT(optional); i++) {
        r = get_text(object, optional[i], NULL, &texts[i + 1], err);
        if (r < 0)
            return r;
        *places[i] = texts[i + 1];
    }
    if (!type || !params_type_parse(type, &row->type))
        return bad_member("type", "not a known one", err);
    if (get_number(object, "offset", UINT32_MAX, &offset, err) < 0 ||
        get_number(object, "width", UINT32_MAX, &width, err) < 0)
        return err->code;
    row->offset = offset;
    row->width = width;
    return get_bool(object, "required", &row->required, err);
}

static int read_params(struct json_object *object, plugin_spec *spec, lb_error *err)
{
    struct json_object *list = member(object, "params");
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) > PARAMS_MAX)
        return bad_member("params", "not a list of parameters", err);
    size_t count = json_object_array_length(list);
    spec->params = base_alloc((count + 1) * sizeof *spec->params);
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        if (!json_object_is_type(row, json_type_object))
            return bad_member("params", "not a list of parameters", err);
        if (read_row(row, &spec->params[i], err) < 0)
            return err->code;
    }
    if (get_number(object, "args_size", UINT32_MAX, &spec->args_size, err) < 0)
        return err->code;
    return params_check_rows(spec_params(spec), spec->args_size, spec->kind != LB_KIND_TOOL, err);
}

static int read_tool(struct json_object *object, plugin_spec *spec, lb_error *err)
{
    unsigned risk = 0;
    cron parsed;
    if (get_word(object, "risk", risk_word, &risk, err) < 0 ||
        get_bool(object, "needs_approval", &spec->needs_approval, err) < 0 ||
        get_bool(object, "detector", &spec->detector, err) < 0 ||
        get_bool(object, "workspace", &spec->workspace, err) < 0 ||
        get_number(object, "timeout_s", UINT32_MAX, &spec->timeout_s, err) < 0 ||
        get_text(object, "agent", NULL, &spec->agent, err) < 0 ||
        get_text(object, "schedule", NULL, &spec->schedule, err) < 0 ||
        get_names(object, "writes", params_is_name, &spec->writes, err) < 0 ||
        get_names(object, "emits", spec_is_event, &spec->emits, err) < 0 ||
        get_names(object, "calls", params_is_name, &spec->calls, err) < 0 ||
        (member(object, "needs") && get_names(object, "needs", spec_is_need, &spec->needs, err) < 0) ||
        (member(object, "remembers") && get_bool(object, "remembers", &spec->remembers, err) < 0))
        return err->code;
    spec->risk = (lb_risk)risk;
    if (spec->agent && !params_is_name(spec->agent))
        return bad_member("agent", "not a name", err);
    return spec->schedule ? cron_parse(spec->schedule, &parsed, err) : 0;
}

static int read_spec(struct json_object *object, plugin_spec *spec, lb_error *err)
{
    unsigned kind = 0;
    uint32_t major = 0, minor = 0;
    if (!json_object_is_type(object, json_type_object))
        return bad_member("JSON", "not an object", err);
    if (get_text(object, "path", is_path, &spec->path, err) < 0 ||
        get_word(object, "kind", kind_word, &kind, err) < 0 ||
        get_text(object, "name", params_is_name, &spec->name, err) < 0 ||
        get_text(object, "version", is_line, &spec->version, err) < 0 ||
        get_text(object, "summary", is_summary, &spec->summary, err) < 0 ||
        get_number(object, "abi_major", UINT16_MAX, &major, err) < 0 ||
        get_number(object, "abi_minor", UINT16_MAX, &minor, err) < 0)
        return err->code;
    spec->kind = (lb_kind)kind;
    spec->abi_major = (uint16_t)major;
    spec->abi_minor = (uint16_t)minor;
    if (major != LB_ABI_MAJOR)
        return bad_member("abi_major", "not this host's", err);
    int r = read_params(object, spec, err);
    return r < 0 || spec->kind != LB_KIND_TOOL ? r : read_tool(object, spec, err);
}

/* Lists are never NULL, so that nobody has to ask. */
static void fill_lists(plugin_spec *spec)
{
    char ***const lists[] = {&spec->writes, &spec->emits, &spec->calls, &spec->needs};
    for (size_t i = 0; i < LB_COUNT(lists); i++)
        if (!*lists[i])
            *lists[i] = base_alloc(sizeof **lists[i]);
}

plugin_spec *spec_from_json(struct json_object *object, lb_error *err)
{
    plugin_spec *spec = base_alloc(sizeof *spec);
    if (read_spec(object, spec, err) < 0)
        return spec_free(spec);
    fill_lists(spec);
    return spec;
}

plugin_spec *spec_read(const char *json, size_t length, lb_error *err)
{
    if (length > SPEC_JSON_MAX) {
        (void)lb_fail(err, LB_ERR_LIMIT, "give the plugin fewer or shorter texts",
                      "the description is longer than %zu bytes", SPEC_JSON_MAX); /* NULL says it */
        return NULL;
    }
    JSON_AUTO *object = json_parse(json, length, err);
    if (!object && json_check(json, length, err) == 0)
        (void)bad_member("JSON", "null", err); /* as above */
    return object ? spec_from_json(object, err) : NULL;
}
