#include "decode.h"

#include "bind.h"
#include "clock.h"
#include "json.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#define ITEMS_LIMIT (16U * 1024 * 1024)

/* ---- scalars ---- */

/* Digits, up to as many as are wanted, the last *ret_decimals of them behind a point (-1: there is none). False for all
 * else, -0 too. */
static bool take_digits(const char *cell, int most, uint64_t *ret_digits, int *ret_decimals)
{
    uint64_t number = 0;
    int count = 0, point = -1;
    const char *p = cell + (*cell == '-');
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && point < 0); p++) {
        if (*p == '.') {
            point = count;
            continue;
        }
        number = number * 10 + (uint64_t)(*p - '0');
        if (++count > most)
            return false;
    }
    *ret_digits = number;
    *ret_decimals = point < 0 ? -1 : count - point;
    return *p == '\0' && count > 0 && (number != 0 || *cell != '-');
}

static int decode_i64(const char *cell, int64_t *ret_number, lb_error *err)
{
    uint64_t short_number;
    int decimals;
    if (take_digits(cell, 19, &short_number, &decimals) && decimals < 0 && short_number <= INT64_MAX) {
        *ret_number = *cell == '-' ? -(int64_t)short_number : (int64_t)short_number;
        return 0;
    }
    const char *digits = cell + (*cell == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return lb_fail(err, LB_ERR_INVALID, "cast it to bigint in the statement", "'%.60s' is not an integer", cell);
    errno = 0;
    long long number = strtoll(cell, NULL, 10);
    if (errno == ERANGE)
        return lb_fail(err, LB_ERR_INVALID, "declare the column numeric", "%.60s does not fit into 64 bits", cell);
    *ret_number = number;
    return 0;
}

/* Up to 15 digits a whole number is exact as a double, and so is the power of ten, whose quotient is then what strtod
 * gives. */
static bool take_short(const char *cell, double *ret_number)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits;
    int decimals;
    if (!take_digits(cell, 15, &digits, &decimals))
        return false;
    double number = decimals > 0 ? (double)digits / powers[decimals] : (double)digits;
    *ret_number = *cell == '-' ? -number : number;
    return true;
}

static int decode_f64(const char *cell, double *ret_number, lb_error *err)
{
    if (take_short(cell, ret_number))
        return 0;
    if (!bind_is_numeric(cell))
        return lb_fail(err, LB_ERR_INVALID, "cast it to double precision in the statement", "'%.60s' is not a number",
                       cell);
    double number = strtod(cell, NULL);
    if (isinf(number) && !strchr(cell, 'I'))
        return lb_fail(err, LB_ERR_INVALID, "declare the column numeric", "%.60s does not fit into a double", cell);
    *ret_number = number;
    return 0;
}

static int decode_flag(const char *cell, bool *ret_flag, lb_error *err)
{
    if (strcmp(cell, "t") != 0 && strcmp(cell, "f") != 0 && strcmp(cell, "true") != 0 && strcmp(cell, "false") != 0)
        return lb_fail(err, LB_ERR_INVALID, "cast it to boolean in the statement", "'%.60s' is not a boolean", cell);
    *ret_flag = *cell == 't';
    return 0;
}

static int decode_time(const char *cell, int64_t *ret_microseconds, lb_error *err)
{
    if (!clock_parse(cell, ret_microseconds))
        return lb_fail(err, LB_ERR_INVALID, "cast it to timestamptz in the statement; years go from 1 to 9999",
                       "'%.60s' is not a timestamp", cell);
    return 0;
}

static int decode_text(lb_type type, const char *cell, arena *memory, const char **ret_text, lb_error *err)
{
    size_t length = strlen(cell);
    if (!json_is_utf8(cell, length))
        return lb_fail(err, LB_ERR_INVALID, "set client_encoding to UTF8, or cast it in the statement",
                       "text is not UTF-8");
    if (type == LB_NUMERIC && !bind_is_numeric(cell))
        return lb_fail(err, LB_ERR_INVALID, "cast it to numeric in the statement", "'%.60s' is not a decimal number",
                       cell);
    if (type == LB_JSON && json_check(cell, length, err) < 0)
        return err->code;
    const char *copy = arena_strndup(memory, cell, length);
    if (!copy)
        return lb_out_of_memory(err);
    *ret_text = copy;
    return 0;
}

static int decode_scalar(lb_type type, const char *cell, arena *memory, lb_value *ret_value, lb_error *err)
{
    lb_value value = {.type = type};
    int r;
    switch (type) {
    case LB_TEXT:
    case LB_JSON:
    case LB_NUMERIC:
        r = decode_text(type, cell, memory, &value.v.text, err);
        break;
    case LB_I64:
        r = decode_i64(cell, &value.v.i64, err);
        break;
    case LB_F64:
        r = decode_f64(cell, &value.v.f64, err);
        break;
    case LB_BOOL:
        r = decode_flag(cell, &value.v.flag, err);
        break;
    case LB_TIME:
        r = decode_time(cell, &value.v.i64, err);
        break;
    default:
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a column cannot be %s", bind_type_name(type));
    }
    if (r < 0)
        return r;
    *ret_value = (lb_value){.type = type, .v = value.v};
    return 0;
}

/* ---- arrays ---- */

typedef struct array_scan {
    const char *p;
    char *item; /* scratch, as long as the whole cell */
} array_scan;

static int fail_array(const char *cell, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, "lists come from arrays of one dimension, such as '{a,b}'::text[]",
                   "'%.60s' is not an array of one dimension", cell);
}

/* [0:2]= stands before an array that does not begin at 1, as int2vector's do. */
static const char *skip_bounds(const char *p)
{
    const char *start = p;
    if (*p != '[')
        return p;
    p++;
    for (int i = 0; i < 2; i++) {
        p += *p == '-' || *p == '+';
        size_t digits = strspn(p, "0123456789");
        if (!digits || p[digits] != (i ? ']' : ':'))
            return start;
        p += digits + 1;
    }
    return *p == '=' ? p + 1 : start;
}

static bool scan_quoted(array_scan *s)
{
    char *out = s->item;
    for (s->p++; *s->p != '"'; s->p++) {
        if (*s->p == '\\')
            s->p++;
        if (!*s->p)
            return false;
        *out++ = *s->p;
    }
    s->p++;
    *out = '\0';
    return true;
}

static bool scan_bare(array_scan *s)
{
    char *out = s->item;
    while (*s->p && !strchr(",{}\"", *s->p)) {
        if (*s->p == '\\')
            s->p++;
        if (!*s->p)
            return false;
        *out++ = *s->p++;
    }
    *out = '\0';
    return out > s->item;
}

/* One item and the comma or brace behind it. */
static bool scan_item(array_scan *s, bool *ret_null, bool *ret_last)
{
    bool quoted = *s->p == '"';
    if (quoted ? !scan_quoted(s) : !scan_bare(s))
        return false;
    *ret_null = !quoted && strcasecmp(s->item, "NULL") == 0;
    *ret_last = *s->p == '}';
    if (*s->p != ',' && *s->p != '}')
        return false;
    s->p++;
    return true;
}

static uint32_t most_items(const char *p)
{
    uint32_t commas = 0;
    for (; *p && commas < ITEMS_LIMIT; p++)
        commas += *p == ',';
    return commas + 1;
}

static int decode_items(lb_type element, const char *cell, array_scan *s, arena *memory, lb_value *list, lb_error *err)
{
    uint32_t room = most_items(s->p);
    if (room > ITEMS_LIMIT)
        return lb_fail(err, LB_ERR_LIMIT, "return rows instead", "an array of more than %u items", ITEMS_LIMIT);
    lb_value *items = arena_alloc(memory, room * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    list->v.items = items;
    for (bool last = false; !last; list->count++) {
        bool null = false;
        if (!scan_item(s, &null, &last))
            return fail_array(cell, err);
        if (null)
            items[list->count] = lb_null(NULL);
        else if (decode_scalar(element, s->item, memory, &items[list->count], err) < 0)
            return err->code;
    }
    return *s->p ? fail_array(cell, err) : 0;
}

static int decode_list(lb_type type, const char *cell, arena *memory, lb_value *ret_value, lb_error *err)
{
    lb_value list = {.type = type};
    array_scan s = {.p = skip_bounds(cell)};
    if (*s.p++ != '{')
        return fail_array(cell, err);
    int r = 0;
    if (s.p[0] == '}') {
        r = s.p[1] ? fail_array(cell, err) : 0;
    } else {
        s.item = malloc(strlen(cell) + 1);
        r = s.item ? decode_items(LB_ELEMENT(type), cell, &s, memory, &list, err) : lb_out_of_memory(err);
        free(s.item);
    }
    if (r == 0)
        *ret_value = list;
    return r;
}

/* ---- cells and columns ---- */

static int fail_column(const lb_column *column, lb_error *err)
{
    char what[120];
    (void)snprintf(what, sizeof what, "column %s", column->name); /* a long name is cut */
    return lb_wrap(err, what);
}

/* Most counters of most rows are. */
static bool is_zero(lb_type type, const char *cell)
{
    return cell[0] == '0' && cell[1] == '\0' && (type == LB_I64 || type == LB_F64);
}

int decode_cell(const lb_column *column, const char *cell, arena *memory, lb_value *ret_value, lb_error *err)
{
    if (cell ? is_zero(column->type, cell) : column->nullable) {
        *ret_value = (lb_value){.name = column->name, .type = cell ? column->type : LB_NULL};
        return 0;
    }
    lb_value value;
    int r;
    if (!cell)
        r = lb_fail(err, LB_ERR_INVALID, "declare the column null, or use coalesce", "it is null and not declared so");
    else if (column->type & LB_LIST)
        r = decode_list(column->type, cell, memory, &value, err);
    else
        r = decode_scalar(column->type, cell, memory, &value, err);
    if (r < 0)
        return fail_column(column, err);
    /* Part by part, as a copy of the whole would wait for the parts that were written just now. */
    *ret_value = (lb_value){.name = column->name, .type = value.type, .count = value.count, .v = value.v};
    return 0;
}

/* A column that SHOW or EXPLAIN names ("QUERY PLAN", "TimeZone") cannot be renamed in the statement, and is declared as
 * query_plan or timezone. */
static bool same_name(const char *declared, const char *name)
{
    for (; *declared && *name; declared++, name++) {
        char c = isalnum((unsigned char)*name) ? (char)tolower((unsigned char)*name) : '_';
        if (*declared != *name && *declared != c)
            return false;
    }
    return !*declared && !*name;
}

int decode_check_columns(const lb_statement *statement, uint32_t count, const char *const *names, lb_error *err)
{
    static const char hint[] = "the statement's column lines must agree with its select list";
    if (count != statement->column_count)
        return lb_fail(err, LB_ERR_INVALID, hint, "%s declares %u columns and the server sends %u", statement->name,
                       (unsigned)statement->column_count, (unsigned)count);
    for (uint32_t i = 0; i < count; i++)
        if (!names[i] || !same_name(statement->columns[i].name, names[i]))
            return lb_fail(err, LB_ERR_INVALID, hint, "%s: column %u is declared as %s and the server calls it %.80s",
                           statement->name, (unsigned)i + 1, statement->columns[i].name,
                           names[i] ? names[i] : "nothing");
    return 0;
}
