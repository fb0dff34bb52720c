#include "bind.h"

#include "clock.h"
#include "json.h"
#include "quote.h"

#include <math.h>

/* One bound value; a statement's text has its own limit in compose.c. */
#define TEXT_LIMIT ((size_t)64 * 1024 * 1024)

static const char *const type_names[] = {
    [LB_TEXT] = "text",     [LB_IDENT] = "identifier",      [LB_I64] = "integer", [LB_F64] = "number",
    [LB_BOOL] = "boolean",  [LB_TIME] = "timestamp",        [LB_JSON] = "json",   [LB_NUMERIC] = "numeric",
    [LB_NULL] = "null",     [LB_OBJECT] = "object",         [LB_SQL] = "sql",     [LB_SQLTYPE] = "sqltype",
    [LB_SECRET] = "secret", [LB_DEFINITION] = "definition",
};

static const char *const list_names[] = {
    [LB_TEXT] = "list of text",       [LB_IDENT] = "list of identifier",      [LB_I64] = "list of integer",
    [LB_F64] = "list of number",      [LB_BOOL] = "list of boolean",          [LB_TIME] = "list of timestamp",
    [LB_JSON] = "list of json",       [LB_NUMERIC] = "list of numeric",       [LB_SQL] = "list of sql",
    [LB_SQLTYPE] = "list of sqltype", [LB_DEFINITION] = "list of definition",
};

const char *bind_type_name(lb_type type)
{
    size_t element = (size_t)LB_ELEMENT(type);
    const char *name = NULL;
    if (type & LB_LIST)
        name = element < LB_COUNT(list_names) ? list_names[element] : NULL;
    else if (element < LB_COUNT(type_names))
        name = type_names[element];
    return name ? name : "something unknown";
}

static const char *skip_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

bool bind_is_numeric(const char *text)
{
    if (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0)
        return true;
    const char *p = text + (*text == '-'), *digits = p;
    p = skip_digits(p);
    bool any = p > digits;
    if (*p == '.') {
        digits = p + 1;
        p = skip_digits(digits);
        any = any || p > digits;
    }
    if (any && (*p == 'e' || *p == 'E')) {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        digits = p;
        p = skip_digits(p);
        any = p > digits;
    }
    return any && *p == '\0';
}

/* ---- checks ---- */

static int check_range(const char *pgtype, int64_t number, lb_error *err)
{
    static const struct {
        const char *pgtype;
        int64_t low, high;
    } ranges[] = {
        {"int2", INT16_MIN, INT16_MAX}, {"int4", INT32_MIN, INT32_MAX}, {"oid", 0, UINT32_MAX}, {"xid", 0, UINT32_MAX}};
    for (size_t i = 0; pgtype && i < LB_COUNT(ranges); i++) {
        size_t length = strlen(ranges[i].pgtype);
        bool same = strncmp(pgtype, ranges[i].pgtype, length) == 0 && (!pgtype[length] || pgtype[length] == '[');
        if (same && (number < ranges[i].low || number > ranges[i].high))
            return lb_fail(err, LB_ERR_INVALID, "the server's type holds less", "%lld is out of the range of %s",
                           (long long)number, ranges[i].pgtype);
    }
    return 0;
}

static int check_text(lb_type type, const char *text, lb_error *err)
{
    if (!text)
        return lb_fail(err, LB_ERR_INVALID, "give a text, or lb_null", "a %s without its text", bind_type_name(type));
    size_t length = strlen(text);
    if (length > TEXT_LIMIT)
        return lb_fail(err, LB_ERR_LIMIT, "give less at once", "a text of %zu bytes is too long", length);
    if (!json_is_utf8(text, length))
        return lb_fail(err, LB_ERR_INVALID, "convert it to UTF-8 first", "text is not UTF-8");
    if (type == LB_NUMERIC && !bind_is_numeric(text))
        return lb_fail(err, LB_ERR_INVALID, "write it as 12.50", "'%.60s' is not a decimal number", text);
    return type == LB_JSON ? json_check(text, length, err) : 0;
}

/* The clock's text holds the years 1 to 9999, and would bend others into them. */
static int check_time(int64_t microseconds, lb_error *err)
{
    char text[CLOCK_TEXT];
    int64_t again = 0;
    if (microseconds == LB_TIME_NONE)
        return lb_fail(err, LB_ERR_INVALID, "pass lb_null where null is meant", "a timestamp that was not given");
    if (microseconds == INT64_MAX || microseconds == INT64_MIN + 1)
        return 0;
    clock_format(microseconds, text);
    if (!clock_parse(text, &again) || again != microseconds)
        return lb_fail(err, LB_ERR_INVALID, "INT64_MAX is infinity", "a timestamp outside of the years 1 to 9999");
    return 0;
}

static int check_scalar(const lb_statement_param *param, const lb_value *value, lb_error *err)
{
    switch (value->type) {
    case LB_TEXT:
    case LB_JSON:
    case LB_NUMERIC:
        return check_text(value->type, value->v.text, err);
    case LB_I64:
        return check_range(param->pgtype, value->v.i64, err);
    case LB_TIME:
        return check_time(value->v.i64, err);
    case LB_F64:
    case LB_BOOL:
        return 0;
    default:
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s is no value that can be bound", bind_type_name(value->type));
    }
}

int bind_check(const lb_statement_param *param, const lb_value *value, lb_error *err)
{
    if (value->type == LB_NULL) {
        if (param->nullable)
            return 0;
        return lb_fail(err, LB_ERR_INVALID, "give a value, or declare the parameter null", "it is null");
    }
    if (value->type != param->type)
        return lb_fail(err, LB_ERR_INVALID, NULL, "it is %s, not %s", bind_type_name(value->type),
                       bind_type_name(param->type));
    if (!(value->type & LB_LIST))
        return check_scalar(param, value, err);
    if (value->count && !value->v.items)
        return lb_fail(err, LB_ERR_INVALID, NULL, "a list of %u items without the items", (unsigned)value->count);
    for (uint32_t i = 0; i < value->count; i++) {
        const lb_value *item = &value->v.items[i];
        if (item->type == LB_NULL)
            continue;
        if (item->type != LB_ELEMENT(param->type))
            return lb_fail(err, LB_ERR_INVALID, NULL, "item %u is %s, not %s", (unsigned)i + 1,
                           bind_type_name(item->type), bind_type_name(LB_ELEMENT(param->type)));
        if (check_scalar(param, item, err) < 0)
            return err->code;
    }
    return 0;
}

/* ---- text form ---- */

static void put_double(buf *b, double number)
{
    if (isfinite(number))
        json_double(b, number);
    else
        buf_puts(b, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

static void put_time(buf *b, int64_t microseconds)
{
    char text[CLOCK_TEXT];
    if (microseconds == INT64_MAX || microseconds == INT64_MIN + 1) {
        buf_puts(b, microseconds > 0 ? "infinity" : "-infinity");
        return;
    }
    clock_format(microseconds, text);
    buf_puts(b, text);
}

static void put_scalar(buf *b, const lb_value *value)
{
    switch (value->type) {
    case LB_I64:
        buf_printf(b, "%lld", (long long)value->v.i64);
        break;
    case LB_F64:
        put_double(b, value->v.f64);
        break;
    case LB_BOOL:
        buf_puts(b, value->v.flag ? "true" : "false");
        break;
    case LB_TIME:
        put_time(b, value->v.i64);
        break;
    default:
        buf_puts(b, value->v.text);
        break;
    }
}

/* An item of an array's text form. Quotes do no harm where they are not needed, and an unquoted NULL is no text. */
static void put_array_item(buf *b, const lb_value *item)
{
    if (item->type == LB_NULL) {
        buf_puts(b, "NULL");
    } else if (item->type == LB_TEXT || item->type == LB_JSON) {
        buf_putc(b, '"');
        for (const char *p = item->v.text; *p; p++) {
            if (*p == '"' || *p == '\\')
                buf_putc(b, '\\');
            buf_putc(b, *p);
        }
        buf_putc(b, '"');
    } else {
        put_scalar(b, item);
    }
}

int bind_text(const lb_value *value, arena *memory, const char **ret_text, lb_error *err)
{
    if (value->type == LB_NULL) {
        *ret_text = NULL;
        return 0;
    }
    BUF_AUTO text = BUF_INIT(TEXT_LIMIT * 2);
    if (value->type & LB_LIST) {
        buf_putc(&text, '{');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i)
                buf_putc(&text, ',');
            put_array_item(&text, &value->v.items[i]);
        }
        buf_putc(&text, '}');
    } else {
        put_scalar(&text, value);
    }
    if (text.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give less at once", "the value is too long");
    const char *copy = arena_strndup(memory, buf_text(&text), text.length);
    if (!copy)
        return lb_out_of_memory(err);
    *ret_text = copy;
    return 0;
}

/* ---- literals ---- */

static bool is_quoted(const lb_value *value)
{
    switch (value->type) {
    case LB_I64:
    case LB_BOOL:
        return false;
    case LB_F64:
        return !isfinite(value->v.f64);
    case LB_NUMERIC:
        return strpbrk(value->v.text, "NI") != NULL; /* NaN and Infinity */
    default:
        return true;
    }
}

static void put_constant(buf *b, const lb_value *value)
{
    if (value->type == LB_NULL) {
        buf_puts(b, "NULL");
        return;
    }
    BUF_AUTO text = BUF_INIT(TEXT_LIMIT * 2);
    put_scalar(&text, value);
    if (is_quoted(value))
        quote_literal(b, buf_text(&text));
    else
        buf_put(b, buf_text(&text), text.length);
    b->overflow = b->overflow || text.overflow;
}

/* A literal alone means its type already; the others need to say it. */
static bool needs_cast(const lb_statement_param *param, const lb_value *value)
{
    static const char *const own[] = {"text", "int2", "int4", "int8", "numeric", "bool"};
    if (value->type == LB_NULL || (value->type & LB_LIST))
        return true;
    if (value->type == LB_F64)
        return is_quoted(value);
    if (value->type == LB_NUMERIC && is_quoted(value))
        return true;
    for (size_t i = 0; i < LB_COUNT(own); i++)
        if (strcmp(param->pgtype, own[i]) == 0)
            return false;
    return true;
}

static void put_items(buf *b, const lb_value *value)
{
    for (uint32_t i = 0; i < value->count; i++) {
        if (i)
            buf_puts(b, ", ");
        put_constant(b, &value->v.items[i]);
    }
}

void bind_literal(buf *b, const lb_statement_param *param, const lb_value *value, bind_place place)
{
    size_t begin = b->length;
    if (value->type & LB_LIST) {
        if (place == BIND_UTILITY) {
            put_items(b, value);
            return;
        }
        buf_puts(b, "ARRAY[");
        put_items(b, value);
        buf_putc(b, ']');
    } else {
        put_constant(b, value);
    }
    if (place == BIND_UTILITY || b->overflow)
        return;
    /* A minus binds less tightly than a cast or a power: the number is one only inside parentheses. */
    if (b->data[begin] == '-') {
        BUF_AUTO number = BUF_INIT(b->length);
        buf_puts(&number, b->data + begin);
        b->length = begin;
        buf_printf(b, "(%s)", buf_text(&number));
    }
    if (param->pgtype && needs_cast(param, value))
        buf_printf(b, "::%s", param->pgtype);
}

const char *bind_empty_list(lb_type element)
{
    switch (element) {
    case LB_I64:
        return "SELECT CAST(NULL AS BIGINT) WHERE false";
    case LB_F64:
        return "SELECT CAST(NULL AS DOUBLE) WHERE false";
    case LB_BOOL:
        return "SELECT CAST(NULL AS BOOLEAN) WHERE false";
    case LB_TIME:
        return "SELECT CAST(NULL AS TIMESTAMP) WHERE false";
    default:
        return "SELECT CAST(NULL AS STRING) WHERE false";
    }
}
