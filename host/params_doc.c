/* What a parameter table says to people and to programs: JSON for `tools --json`, a JSON schema, the lines of --help.
 */
#include "json.h"
#include "params.h"
#include "params_value.h"

/* ---- pieces ---- */

static void put_value(buf *b, const lb_value *value)
{
    lb_error ignored; /* parsed texts are UTF-8 and JSON already: it does not come to that */
    bool endless = value->type == LB_TIME && (value->v.i64 == INT64_MAX || value->v.i64 == INT64_MIN + 1);
    if (endless)
        json_string(b, value->v.i64 > 0 ? "infinity" : "-infinity");
    else if (value->type == LB_SECRET || json_value(b, value, &ignored) < 0)
        buf_puts(b, "null");
}

static int put_element(void *arg, const lb_value *value, lb_error *err)
{
    (void)err; /* writing into a buf cannot fail here */
    json_comma(arg);
    put_value(arg, value);
    return 0;
}

/* The default as a typed JSON value. Rows are sound, so nothing here can fail; an unsound one would show as null. */
static void put_default(buf *b, const lb_param *row)
{
    lb_error ignored; /* see above */
    BUF_AUTO value = BUF_INIT(b->limit);
    buf_putc(&value, '[');
    bool sound = row->fallback && param_each(row, row->fallback, put_element, &value, &ignored) == 0;
    buf_putc(&value, ']');
    if (!sound || value.overflow)
        buf_puts(b, "null");
    else if (row->type & LB_LIST)
        buf_put(b, value.data, value.length);
    else
        buf_put(b, value.data + 1, value.length - 2); /* without the brackets */
}

static void put_choices(buf *b, const lb_param *row)
{
    const char *p = row->choices, *choice;
    size_t length;
    buf_putc(b, '[');
    while (param_next_choice(&p, &choice, &length)) {
        LB_AUTO_FREE char *text = base_printf("%.*s", (int)length, choice);
        json_comma(b);
        json_string(b, text);
    }
    buf_putc(b, ']');
}

/* A bound as a number: "+5" or "007" are good integers for us, and no JSON. */
static void put_bound(buf *b, const lb_param *row, const char *text)
{
    lb_param bare = {.name = row->name, .type = LB_ELEMENT(row->type)};
    lb_value value;
    lb_error ignored; /* a bound that does not parse shows as null */
    if (text && param_parse_scalar(&bare, text, &value, &ignored) == 0)
        put_value(b, &value);
    else
        buf_puts(b, "null");
}

/* ---- tools --json ---- */

static void put_row(buf *b, const lb_param *row)
{
    buf_putc(b, '{');
    json_member_string(b, "name", row->name);
    json_member_string(b, "type", params_type_name(row->type));
    json_key(b, "default");
    put_default(b, row);
    json_member_bool(b, "required", row->required);
    json_key(b, "choices");
    if (row->choices)
        put_choices(b, row);
    else
        buf_puts(b, "null");
    json_key(b, "min");
    put_bound(b, row, row->min);
    json_key(b, "max");
    put_bound(b, row, row->max);
    json_member_string(b, "doc", row->doc);
    buf_putc(b, '}');
}

void params_json(buf *b, param_rows rows)
{
    size_t count = params_count(rows);
    buf_putc(b, '[');
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        json_comma(b);
        put_row(b, &row);
    }
    buf_putc(b, ']');
}

/* ---- JSON schema ---- */

/* The keywords that constrain one value of the row's element type. */
static void put_value_schema(buf *b, const lb_param *row)
{
    switch (LB_ELEMENT(row->type)) {
    case LB_I64:
        json_member_string(b, "type", "integer");
        break;
    case LB_F64:
        json_member_string(b, "type", "number");
        break;
    case LB_BOOL:
        json_member_string(b, "type", "boolean");
        break;
    case LB_JSON:
        break; /* any value at all */
    case LB_TIME:
        json_member_string(b, "type", "string");
        json_member_string(b, "format", "date-time");
        break;
    case LB_IDENT:
        json_member_string(b, "type", "string");
        json_member_i64(b, "minLength", 1);
        json_member_i64(b, "maxLength", 63);
        break;
    default:
        json_member_string(b, "type", "string");
        if (row->type == LB_SECRET)
            json_member_bool(b, "writeOnly", true);
    }
    if (row->choices) {
        json_key(b, "enum");
        put_choices(b, row);
    }
    if (row->min) {
        json_key(b, "minimum");
        put_bound(b, row, row->min);
    }
    if (row->max) {
        json_key(b, "maximum");
        put_bound(b, row, row->max);
    }
}

static void put_property(buf *b, const lb_param *row)
{
    json_key(b, row->name);
    buf_putc(b, '{');
    if (row->type & LB_LIST) {
        json_member_string(b, "type", "array");
        json_key(b, "items");
        buf_putc(b, '{');
        put_value_schema(b, row);
        buf_putc(b, '}');
    } else {
        put_value_schema(b, row);
    }
    json_member_string(b, "description", row->doc);
    if (row->fallback) {
        json_key(b, "default");
        put_default(b, row);
    }
    buf_putc(b, '}');
}

void params_schema(buf *b, param_rows rows)
{
    size_t count = params_count(rows);
    buf_putc(b, '{');
    json_member_string(b, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_member_string(b, "type", "object");
    json_key(b, "properties");
    buf_putc(b, '{');
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        put_property(b, &row);
    }
    buf_putc(b, '}');
    json_key(b, "required");
    buf_putc(b, '[');
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        if (!row.required)
            continue;
        json_comma(b);
        json_string(b, row.name);
    }
    buf_putc(b, ']');
    json_member_bool(b, "additionalProperties", false);
    buf_putc(b, '}');
}

/* ---- --help ---- */

#define LEFT_MAX 34 /* a longer option stands on a line of its own */

static void put_left(buf *b, const lb_param *row)
{
    static const struct {
        lb_type type;
        const char *word;
    } words[] = {
        {LB_TEXT, "TEXT"},       {LB_IDENT, "NAME"}, {LB_I64, "INTEGER"}, {LB_F64, "NUMBER"},
        {LB_BOOL, "true|false"}, {LB_TIME, "TIME"},  {LB_JSON, "JSON"},   {LB_SECRET, "SECRET"},
    };
    const char *word = "VALUE";
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (words[i].type == LB_ELEMENT(row->type))
            word = words[i].word;
    buf_printf(b, "  --%s %s%s", row->name, row->choices ? row->choices : word, row->type & LB_LIST ? " ..." : "");
}

static void put_remarks(buf *b, const lb_param *row)
{
    char range[PARAM_RANGE_TEXT];
    const char *before = " (";
    if (*param_range(row, range)) {
        buf_printf(b, "%s%s", before, range);
        before = ", ";
    }
    if (row->required) {
        buf_printf(b, "%srequired", before);
        before = ", ";
    }
    if (row->fallback) {
        buf_printf(b, "%sdefault %s", before, *row->fallback ? row->fallback : "\"\"");
        before = ", ";
    }
    if (*before == ',')
        buf_putc(b, ')');
}

void params_help(buf *b, param_rows rows)
{
    size_t count = params_count(rows), widest = 0;
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        BUF_AUTO left = BUF_INIT(b->limit);
        put_left(&left, &row);
        if (left.length > widest && left.length <= LEFT_MAX)
            widest = left.length;
    }
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        BUF_AUTO left = BUF_INIT(b->limit);
        put_left(&left, &row);
        if (left.length > LEFT_MAX)
            buf_printf(b, "%s\n%*s", buf_text(&left), (int)widest, "");
        else
            buf_printf(b, "%-*s", (int)widest, buf_text(&left));
        buf_printf(b, "  %s", row.doc);
        put_remarks(b, &row);
        buf_putc(b, '\n');
    }
}
