/* Is a parameter table itself sound? What is judged here once is never judged again: binding relies on it. */
#include "json.h"
#include "params.h"
#include "params_value.h"

#include <stdalign.h>

/* The rest of a row may be missing in a plugin of an older header; up to here it has been there since 1.0. */
#define ROW_BYTES (offsetof(lb_param, width) + sizeof(size_t))

bool params_is_reserved(const char *name)
{
    static const char *const names[] = {"project", "branch",  "plan",  "json",     "dsn",    "help", "record",
                                        "version", "verbose", "quiet", "manifest", "target", "tool", "run_id"};
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool params_is_name(const char *name)
{
    size_t length = strnlen(name, PARAM_NAME_MAX + 1);
    return length && length <= PARAM_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") >= length;
}

bool params_is_line(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit + 1);
    if (length > limit || !json_is_utf8(text, length))
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

LB_PRINTF(3, 4) static int unsound(lb_error *err, const char *name, const char *fmt, ...)
{
    char what[300];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args); /* a long one may be cut */
    va_end(args);
    return lb_fail(err, LB_ERR_INVALID, "correct the row of the parameter table and build the plugin again",
                   "parameter %.64s %s", name, what);
}

static int check_texts(const lb_param *row, lb_error *err)
{
    const char *const texts[] = {row->fallback, row->choices, row->min, row->max, row->env};
    if (!row->doc || !row->doc[0] || !params_is_line(row->doc, PARAM_DOC_MAX))
        return unsound(err, row->name, "has no documentation, or not one line of UTF-8 (at most %d bytes)",
                       PARAM_DOC_MAX);
    for (size_t i = 0; i < LB_COUNT(texts); i++) {
        size_t length = texts[i] ? strnlen(texts[i], PARAM_DOC_MAX + 1) : 0;
        if (length > PARAM_DOC_MAX || (length && !json_is_utf8(texts[i], length)))
            return unsound(err, row->name, "has a default, choices or bounds that are not UTF-8 of at most %d bytes",
                           PARAM_DOC_MAX);
    }
    return 0;
}

static int check_name(param_rows rows, size_t index, bool is_service, lb_error *err)
{
    const char *name = params_at(rows, index).name;
    if (!params_is_name(name)) {
        bool printable = params_is_line(name, PARAM_NAME_MAX);
        return unsound(err, printable ? name : "(unprintable)",
                       "has a name that is not [a-z][a-z0-9_]* of at most %d bytes", PARAM_NAME_MAX);
    }
    /* A service's parameters stand in the manifest beside `plugin`, never on the command line of a run. */
    if (is_service ? strcmp(name, "plugin") == 0 : params_is_reserved(name))
        return unsound(err, name, "has a name that the host uses itself");
    for (size_t i = 0; i < index; i++)
        if (strcmp(params_at(rows, i).name, name) == 0)
            return unsound(err, name, "is there twice");
    return 0;
}

static size_t member_alignment(lb_type type)
{
    return type == LB_BOOL ? alignof(bool) : alignof(int64_t);
}

static int check_place(const lb_param *row, size_t args_size, bool is_service, lb_error *err)
{
    size_t width = param_width(row->type);
    if (!width)
        return unsound(err, row->name, "has no type that a parameter can have (%#x)", (unsigned)row->type);
    if (row->type == LB_SECRET && !is_service)
        return unsound(err, row->name, "is a secret, which only a service may take");
    if (row->width != width)
        return unsound(err, row->name, "fills %zu bytes of its struct, but type %s takes %zu", row->width,
                       params_type_name(row->type), width);
    if (width > args_size || row->offset > args_size - width)
        return unsound(err, row->name, "lies outside its struct (bytes %zu to %zu of %zu)", row->offset,
                       row->offset + width, args_size);
    if (row->offset % member_alignment(row->type))
        return unsound(err, row->name, "is not aligned (offset %zu)", row->offset);
    return 0;
}

static int check_overlap(param_rows rows, size_t index, lb_error *err)
{
    lb_param row = params_at(rows, index);
    for (size_t i = 0; i < index; i++) {
        lb_param other = params_at(rows, i);
        if (row.offset < other.offset + other.width && other.offset < row.offset + row.width)
            return unsound(err, row.name, "overlaps parameter %s in their struct", other.name);
    }
    return 0;
}

static int check_choices(const lb_param *row, lb_error *err)
{
    lb_type element = LB_ELEMENT(row->type);
    const char *p = row->choices, *choice;
    size_t length, count = 0;
    if (!p)
        return 0;
    if (element != LB_TEXT && element != LB_IDENT)
        return unsound(err, row->name, "has choices, which only text and identifiers may have");
    while (param_next_choice(&p, &choice, &length)) {
        if (!length)
            return unsound(err, row->name, "has an empty choice in '%.60s'", row->choices);
        count++;
    }
    if (count > PARAM_CHOICES_MAX)
        return unsound(err, row->name, "has more than %d choices", PARAM_CHOICES_MAX);
    return 0;
}

static int check_bounds(const lb_param *row, lb_error *err)
{
    lb_type element = LB_ELEMENT(row->type);
    lb_param bare = {.name = row->name, .type = element}; /* a bound is not held against itself */
    lb_value low, high;
    lb_error detail;
    if (!row->min && !row->max)
        return 0;
    if (element != LB_I64 && element != LB_F64)
        return unsound(err, row->name, "has bounds, which only numbers may have");
    if (row->min && param_parse_scalar(&bare, row->min, &low, &detail) < 0)
        return unsound(err, row->name, "has a lower bound that is no %s: %.60s", params_type_name(element), row->min);
    if (row->max && param_parse_scalar(&bare, row->max, &high, &detail) < 0)
        return unsound(err, row->name, "has an upper bound that is no %s: %.60s", params_type_name(element), row->max);
    if (row->min && row->max && (element == LB_I64 ? low.v.i64 > high.v.i64 : low.v.f64 > high.v.f64))
        return unsound(err, row->name, "has a lower bound above its upper one: %.60s, %.60s", row->min, row->max);
    return 0;
}

static int check_default(const lb_param *row, lb_error *err)
{
    lb_error detail;
    if (!row->fallback) {
        if (!row->required && (row->type == LB_I64 || row->type == LB_F64))
            return unsound(err, row->name,
                           "is a number with neither a default nor required: 0 would look like a value");
        return 0;
    }
    if (row->required)
        return unsound(err, row->name, "is required and has a default");
    if (row->type == LB_SECRET)
        return unsound(err, row->name, "is a secret with a default");
    if (params_check_value(row, row->fallback, &detail) < 0)
        return unsound(err, row->name, "has a default that does not hold: %.200s", detail.message);
    return 0;
}

int params_check_rows(param_rows rows, size_t args_size, bool is_service, lb_error *err)
{
    if (!rows.rows)
        return 0;
    if (rows.stride && (rows.stride < ROW_BYTES || rows.stride % alignof(lb_param)))
        return lb_fail(err, LB_ERR_INVALID, "set .param_size with LB_TOOL_ARGS",
                       "its parameter rows are %zu bytes long, which no version of lb_param is", rows.stride);
    size_t count = params_count(rows);
    if (count > PARAMS_MAX)
        return lb_fail(err, LB_ERR_INVALID, "end the table with LB_PARAMS_END",
                       "its parameter table does not end within %d rows", PARAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (check_name(rows, i, is_service, err) < 0)
            return err->code;
        lb_param row = params_at(rows, i);
        if (check_texts(&row, err) < 0 || check_place(&row, args_size, is_service, err) < 0 ||
            check_overlap(rows, i, err) < 0 || check_choices(&row, err) < 0 || check_bounds(&row, err) < 0 ||
            check_default(&row, err) < 0)
            return err->code;
    }
    return 0;
}
