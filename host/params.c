#include "params.h"

#include "clock.h"
#include "json.h"
#include "nearest.h"
#include "params_value.h"

#include <math.h>

size_t params_count(param_rows rows)
{
    size_t count = 0;
    while (rows.rows && count <= PARAMS_MAX && params_at(rows, count).name)
        count++;
    return count;
}

lb_param params_at(param_rows rows, size_t index)
{
    lb_param row = {0};
    size_t stride = rows.stride ? rows.stride : sizeof row;
    memcpy(&row, (const char *)rows.rows + index * stride, stride < sizeof row ? stride : sizeof row);
    return row;
}

static const struct {
    lb_type type;
    const char *name;
} types[] = {
    {LB_TEXT, "text"},    {LB_IDENT, "identifier"}, {LB_I64, "integer"}, {LB_F64, "number"},
    {LB_BOOL, "boolean"}, {LB_TIME, "timestamp"},   {LB_JSON, "json"},   {LB_SECRET, "secret"},
};

#define LIST_PREFIX "list of "

const char *params_type_name(lb_type type)
{
    static const char *const lists[LB_COUNT(types)] = {
        LIST_PREFIX "text",    LIST_PREFIX "identifier", LIST_PREFIX "integer", LIST_PREFIX "number",
        LIST_PREFIX "boolean", LIST_PREFIX "timestamp",  LIST_PREFIX "json",    LIST_PREFIX "secret",
    };
    for (size_t i = 0; i < LB_COUNT(types); i++)
        if (types[i].type == LB_ELEMENT(type))
            return type & LB_LIST ? lists[i] : types[i].name;
    return "unknown";
}

bool params_type_parse(const char *name, lb_type *ret_type)
{
    bool is_list = strncmp(name, LIST_PREFIX, strlen(LIST_PREFIX)) == 0;
    const char *element = is_list ? name + strlen(LIST_PREFIX) : name;
    for (size_t i = 0; i < LB_COUNT(types); i++) {
        if (strcmp(types[i].name, element) != 0)
            continue;
        *ret_type = is_list ? LB_LIST_OF(types[i].type) : types[i].type;
        return true;
    }
    return false;
}

/* ---- checking ---- */

static int ignore_value(void *arg, const lb_value *value, lb_error *err)
{
    (void)arg;   /* only the parsing counts */
    (void)value; /* as above */
    (void)err;   /* as above */
    return 0;
}

int params_check_value(const lb_param *row, const char *text, lb_error *err)
{
    if (!text)
        return lb_fail(err, LB_ERR_INVALID, "give it a value, or leave it out", "--%s has no value", row->name);
    return param_each(row, text, ignore_value, NULL, err);
}

static int unknown_name(const char *tool, param_rows rows, const char *name, lb_error *err)
{
    const char *names[PARAMS_MAX + 1];
    size_t count = params_count(rows);
    BUF_AUTO hint = BUF_INIT(sizeof err->hint - 1);
    for (size_t i = 0; i < count; i++)
        names[i] = params_at(rows, i).name;
    const char *near = nearest_name(name, names, count);
    if (near)
        buf_printf(&hint, "did you mean --%s?", near);
    else if (!count)
        buf_printf(&hint, "%.60s takes no parameters", tool);
    else
        buf_puts(&hint, "it has");
    for (size_t i = 0; !near && i < count; i++)
        buf_printf(&hint, "%s --%s", i ? "," : "", names[i]); /* what does not fit any more is left out */
    return lb_fail(err, LB_ERR_INVALID, buf_text(&hint), "%.80s has no parameter --%.80s", tool, name);
}

static const param_arg *find_arg(const char *name, const param_arg *args, size_t count, size_t from)
{
    for (size_t i = from; i < count; i++)
        if (strcmp(args[i].name, name) == 0)
            return &args[i];
    return NULL;
}

static bool find_row(param_rows rows, const char *name, lb_param *ret_row)
{
    size_t count = params_count(rows);
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        if (strcmp(row.name, name) != 0)
            continue;
        *ret_row = row;
        return true;
    }
    return false;
}

static int check_arg(const char *tool, param_rows rows, const param_arg *args, size_t count, size_t index,
                     lb_error *err)
{
    lb_param row;
    if (!find_row(rows, args[index].name, &row))
        return unknown_name(tool, rows, args[index].name, err);
    if (!(row.type & LB_LIST) && find_arg(row.name, args, count, index + 1))
        return lb_fail(err, LB_ERR_INVALID, "give it once; only lists may be repeated", "%.80s: --%s is given twice",
                       tool, row.name);
    return params_check_value(&row, args[index].text, err) < 0 ? lb_wrap(err, tool) : 0;
}

int params_check_given(const char *tool, param_rows rows, const param_arg *args, size_t count, lb_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (check_arg(tool, rows, args, count, i, err) < 0)
            return err->code;
    return 0;
}

int params_check(const char *tool, param_rows rows, const param_arg *args, size_t count, lb_error *err)
{
    if (params_check_given(tool, rows, args, count, err) < 0)
        return err->code;
    size_t row_count = params_count(rows);
    for (size_t i = 0; i < row_count; i++) {
        lb_param row = params_at(rows, i);
        if (!row.required || find_arg(row.name, args, count, 0))
            continue;
        char hint[sizeof err->hint];
        (void)snprintf(hint, sizeof hint, "give --%s: %s", row.name, row.doc); /* a long doc may be cut */
        return lb_fail(err, LB_ERR_INVALID, hint, "%.80s needs --%s", tool, row.name);
    }
    return 0;
}

/* ---- binding ---- */

/* One row's way from texts into the struct. Lists are walked twice: to count, then to fill. */
typedef struct binder {
    lb_param row;
    char *member; /* in the plugin's struct */
    char *items;  /* of a list; NULL while counting */
    size_t count;
    arena *memory;
} binder;

/* Stores one value at `at`, in the C type of its parameter type. */
static int store(const binder *b, char *at, const lb_value *value, lb_error *err)
{
    switch (value->type) {
    case LB_I64:
    case LB_TIME:
        memcpy(at, &value->v.i64, sizeof value->v.i64);
        return 0;
    case LB_F64:
        memcpy(at, &value->v.f64, sizeof value->v.f64);
        return 0;
    case LB_BOOL:
        memcpy(at, &value->v.flag, sizeof value->v.flag);
        return 0;
    default:
        break;
    }
    const char *copy = arena_strdup(b->memory, value->v.text);
    if (!copy)
        return lb_out_of_memory(err);
    memcpy(at, &copy, sizeof copy);
    return 0;
}

static int bind_one(void *arg, const lb_value *value, lb_error *err)
{
    binder *b = arg;
    if (!(b->row.type & LB_LIST))
        return store(b, b->member, value, err);
    char *at = b->items ? b->items + b->count * param_width(value->type) : NULL;
    b->count++;
    return at ? store(b, at, value, err) : 0;
}

/* The texts that stand for one row: its arguments, or else its default. */
static int visit_row(binder *b, const param_arg *args, size_t count, lb_error *err)
{
    bool given = false;
    b->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(args[i].name, b->row.name) != 0)
            continue;
        given = true;
        if (param_each(&b->row, args[i].text, bind_one, b, err) < 0)
            return err->code;
    }
    if (given || !b->row.fallback)
        return 0;
    return param_each(&b->row, b->row.fallback, bind_one, b, err);
}

static int bind_list(binder *b, const param_arg *args, size_t count, lb_error *err)
{
    if (visit_row(b, args, count, err) < 0)
        return err->code;
    size_t item_count = b->count;
    b->items = arena_alloc(b->memory, (item_count ? item_count : 1) * param_width(LB_ELEMENT(b->row.type)));
    if (!b->items)
        return lb_out_of_memory(err);
    if (visit_row(b, args, count, err) < 0)
        return err->code;
    /* Every lb_...s of value.h is a pointer and a count. */
    _Static_assert(sizeof(lb_texts) == sizeof(char *) + sizeof(size_t) && offsetof(lb_texts, count) == sizeof(char *),
                   "list layout");
    memcpy(b->member, &b->items, sizeof b->items);
    memcpy(b->member + offsetof(lb_texts, count), &item_count, sizeof item_count);
    return 0;
}

int params_bind(const char *tool, param_rows rows, const param_arg *args, size_t count, void *into, size_t bytes,
                arena *memory, lb_error *err)
{
    if (params_check(tool, rows, args, count, err) < 0)
        return err->code;
    if (bytes)
        memset(into, 0, bytes);
    size_t row_count = params_count(rows);
    for (size_t i = 0; i < row_count; i++) {
        binder b = {.row = params_at(rows, i), .memory = memory};
        size_t width = param_width(b.row.type);
        if (!width || width > bytes || b.row.offset > bytes - width)
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "%.80s: --%s lies outside its struct", tool, b.row.name);
        b.member = (char *)into + b.row.offset;
        if (b.row.type == LB_TIME)
            memcpy(b.member, &(int64_t){LB_TIME_NONE}, sizeof(int64_t));
        int r = b.row.type & LB_LIST ? bind_list(&b, args, count, err) : visit_row(&b, args, count, err);
        if (r < 0)
            return lb_wrap(err, tool);
    }
    return 0;
}

/* ---- values of a call ---- */

static const char *time_text(int64_t microseconds, char text[CLOCK_TEXT])
{
    if (microseconds == INT64_MAX)
        return "infinity";
    if (microseconds == INT64_MIN + 1)
        return "-infinity";
    clock_format(microseconds, text);
    return text;
}

/* The text of one value into b. 1: there is none (a null), so the parameter is not given at all. */
static int put_argument(buf *b, const lb_value *value, lb_error *err)
{
    char text[CLOCK_TEXT];
    switch ((int)value->type) {
    case LB_TEXT:
    case LB_IDENT:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
    case LB_JSON:
        if (!value->v.text)
            return 1;
        buf_puts(b, value->v.text);
        return 0;
    case LB_TIME:
        if (value->v.i64 == LB_TIME_NONE)
            return 1;
        buf_puts(b, time_text(value->v.i64, text));
        return 0;
    case LB_F64:
        if (!isfinite(value->v.f64))
            return lb_fail(err, LB_ERR_INVALID, "give a finite number", "--%s: not a finite number", value->name);
        json_double(b, value->v.f64);
        return 0;
    case LB_NULL:
        return 1;
    case LB_SQL:
    case LB_SECRET:
    case LB_LIST | LB_SQL:
    case LB_LIST | LB_SECRET:
        return lb_fail(err, LB_ERR_INVALID, "pass a plain value", "--%s: a %s cannot be an argument of a call",
                       value->name, LB_ELEMENT(value->type) == LB_SQL ? "piece of SQL" : "secret");
    default:
        return json_value(b, value, err) < 0 ? lb_wrap(err, value->name) : 0;
    }
}

static int argument_of(const lb_value *value, arena *memory, param_arg *ret_arg, lb_error *err)
{
    if (!value->name)
        return lb_fail(err, LB_ERR_INVALID, "name every value", "an argument of the call has no name");
    BUF_AUTO text = BUF_INIT(PARAM_TEXT_MAX);
    int r = put_argument(&text, value, err);
    if (r)
        return r;
    if (text.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give less", "--%s: longer than %zu bytes", value->name, PARAM_TEXT_MAX);
    *ret_arg = (param_arg){arena_strdup(memory, value->name), arena_strdup(memory, buf_text(&text))};
    return ret_arg->name && ret_arg->text ? 0 : lb_out_of_memory(err);
}

int params_from_values(const lb_value *values, arena *memory, param_arg **ret_args, size_t *ret_count, lb_error *err)
{
    size_t count = 0, used = 0;
    while (values[count].type != LB_END)
        count++;
    param_arg *args = arena_alloc(memory, (count ? count : 1) * sizeof *args);
    if (!args)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        int r = argument_of(&values[i], memory, &args[used], err);
        if (r < 0)
            return r;
        used += r == 0;
    }
    *ret_args = args;
    *ret_count = used;
    return 0;
}
