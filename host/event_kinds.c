#include "event_kinds.h"

#include "json.h"
#include "nearest.h"
#include "tables.h"

/* The definitions, read twice: the fields, then the kinds. */
#define KIND(symbol, text, about)      static const event_field symbol##_fields[] = {
#define HOST_KIND(symbol, text, about) KIND(symbol, text, about)
#define REQUIRED(field, kind, text)    {#field, kind, true, text},
#define FIELD(field, kind, text)       {#field, kind, false, text},
#define END(symbol)                                                                                                    \
    }                                                                                                                  \
    ;                                                                                                                  \
    _Static_assert(LB_COUNT(symbol##_fields) <= EVENT_FIELDS_MAX, "raise EVENT_FIELDS_MAX");
#define EVENT_FIELDS_MAX 32
#include "events.def"
#undef KIND
#undef HOST_KIND
#undef REQUIRED
#undef FIELD
#undef END

#define ROW(symbol, text, about, host)                                                                                 \
    {                                                                                                                  \
        .name = (text),                                                                                                \
        .doc = (about),                                                                                                \
        .of_host = (host),                                                                                             \
        .fields = symbol##_fields,                                                                                     \
        .field_count = LB_COUNT(symbol##_fields),                                                                      \
    },
#define KIND(symbol, text, about)      ROW(symbol, text, about, false)
#define HOST_KIND(symbol, text, about) ROW(symbol, text, about, true)
#define REQUIRED(field, kind, text)
#define FIELD(field, kind, text)
#define END(symbol)
static const event_kind kinds[] = {
#include "events.def"
};

size_t event_kind_count(void)
{
    return LB_COUNT(kinds);
}

const event_kind *event_kind_at(size_t index)
{
    return index < LB_COUNT(kinds) ? &kinds[index] : NULL;
}

const event_kind *event_kind_find(const char *name)
{
    for (size_t i = 0; i < LB_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

void event_field_type(const event_field *field, buf *into)
{
    buf_puts(into, field->type & LB_LIST ? "list of " : "");
    buf_puts(into, table_type_name(LB_ELEMENT(field->type)));
}

/* ---- what a tool emits ---- */

static bool suits(lb_type wanted, lb_type given)
{
    switch (wanted) {
    case LB_TEXT:
        return given == LB_TEXT || given == LB_IDENT || given == LB_SQLTYPE;
    case LB_F64:
        return given == LB_F64 || given == LB_I64 || given == LB_NUMERIC;
    case LB_JSON:
        return given != LB_SECRET;
    default:
        return given == wanted;
    }
}

/* A JSON document is taken for a list when it is one. */
static bool is_of_type(const event_field *field, const lb_value *value)
{
    if (!(field->type & LB_LIST))
        return (field->type == LB_JSON || !(value->type & LB_LIST)) && suits(field->type, value->type);
    if (value->type == LB_JSON)
        return value->v.text[strspn(value->v.text, " \t\r\n")] == '[';
    if (!(value->type & LB_LIST))
        return false;
    bool all = true;
    for (uint32_t i = 0; i < value->count; i++)
        all = all && suits(LB_ELEMENT(field->type), value->v.items[i].type);
    return all;
}

static int unknown_field(const event_kind *kind, const char *name, lb_error *err)
{
    const char *names[EVENT_FIELDS_MAX];
    char hint[160];
    for (size_t i = 0; i < kind->field_count; i++)
        names[i] = kind->fields[i].name;
    const char *nearest = nearest_name(name, names, kind->field_count);
    (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest ? nearest : ""); /* our own names are short */
    return lb_fail(err, LB_ERR_INVALID, nearest ? hint : "lbops events --kinds shows what it has",
                   "the event %s has no %s", kind->name, name);
}

static const event_field *find_field(const event_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].name, name) == 0)
            return &kind->fields[i];
    return NULL;
}

static int check_type(const event_kind *kind, const event_field *field, const lb_value *value, lb_error *err)
{
    BUF_AUTO wanted = BUF_INIT(64);
    if (table_value_is_null(value) || is_of_type(field, value))
        return 0;
    event_field_type(field, &wanted);
    return lb_fail(err, LB_ERR_INVALID, NULL, "%s of the event %s is of type %s and cannot take one of type %s",
                   field->name, kind->name, buf_text(&wanted), table_type_name(value->type));
}

int event_kind_check(const char *name, const lb_value *payload, lb_error *err)
{
    bool given[EVENT_FIELDS_MAX] = {false};
    const event_kind *kind = event_kind_find(name);
    if (!kind)
        return 0;
    if (kind->of_host)
        return lb_fail(err, LB_ERR_DENIED, "give the event a name of its own", "only the host emits the event %s",
                       name);
    for (const lb_value *v = payload; v && v->type != LB_END; v++) {
        const event_field *field = v->name ? find_field(kind, v->name) : NULL;
        if (!field)
            return v->name ? unknown_field(kind, v->name, err)
                           : lb_fail(err, LB_ERR_INVALID, NULL, "a value of the event %s has no name", name);
        int r = check_type(kind, field, v, err);
        if (r < 0)
            return r;
        if (given[field - kind->fields])
            return lb_fail(err, LB_ERR_INVALID, NULL, "%s of the event %s is given twice", field->name, name);
        given[field - kind->fields] = !table_value_is_null(v);
    }
    for (size_t i = 0; i < kind->field_count; i++)
        if (kind->fields[i].required && !given[i])
            return lb_fail(err, LB_ERR_INVALID, kind->fields[i].doc, "the event %s needs its %s", name,
                           kind->fields[i].name);
    return 0;
}

/* ---- what the docs and --kinds print ---- */

static void put_field(buf *into, const event_field *field)
{
    BUF_AUTO type = BUF_INIT(64);
    event_field_type(field, &type);
    json_comma(into);
    buf_putc(into, '{');
    json_member_string(into, "name", field->name);
    json_member_string(into, "type", buf_text(&type));
    json_member_bool(into, "required", field->required);
    json_member_string(into, "doc", field->doc);
    buf_putc(into, '}');
}

void event_kinds_json(buf *into)
{
    buf_putc(into, '[');
    for (const event_kind *k = kinds; k < kinds + LB_COUNT(kinds); k++) {
        json_comma(into);
        buf_putc(into, '{');
        json_member_string(into, "kind", k->name);
        json_member_string(into, "by", k->of_host ? "host" : "tools");
        json_member_string(into, "doc", k->doc);
        json_key(into, "payload");
        buf_putc(into, '[');
        for (size_t i = 0; i < k->field_count; i++)
            put_field(into, &k->fields[i]);
        buf_puts(into, "]}");
    }
    buf_putc(into, ']');
}
