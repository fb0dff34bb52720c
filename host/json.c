#include "json.h"

#include "clock.h"

#include <lbops/number.h>

#define VALUE_DEPTH 32
#define TEXT_DEPTH  64  /* of what comes from outside */
#define OWN_DEPTH   128 /* of what we make, with foreign documents inside our own values */

/* Length of the UTF-8 sequence at p, or 0 when it is malformed (overlong, surrogate, past U+10FFFF, cut). */
static size_t utf8_sequence(const unsigned char *p, const unsigned char *end)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    if (*p < 0x80)
        return 1;
    for (size_t i = 0; i < LB_COUNT(forms); i++) {
        if (*p < forms[i].first_low || *p > forms[i].first_high)
            continue;
        if (end - p < forms[i].length || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((p[k] & 0xC0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

bool json_is_utf8(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    while (p < end) {
        size_t n = *p ? utf8_sequence(p, end) : 0;
        if (!n)
            return false;
        p += n;
    }
    return true;
}

static void put_escaped(buf *b, unsigned char c)
{
    static const char *const shorts[] = {['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r",
                                         ['\t'] = "\\t", ['"'] = "\\\"", ['\\'] = "\\\\"};
    if (c < LB_COUNT(shorts) && shorts[c])
        buf_puts(b, shorts[c]);
    else
        buf_printf(b, "\\u%04x", c);
}

void json_string(buf *b, const char *text)
{
    if (!text) {
        buf_puts(b, "null");
        return;
    }
    const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text), *plain = p;
    buf_putc(b, '"');
    while (p < end) {
        size_t n = utf8_sequence(p, end);
        bool escape = *p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f;
        if (n && !escape) {
            p += n;
            continue;
        }
        buf_put(b, plain, (size_t)(p - plain));
        if (n)
            put_escaped(b, *p);
        else
            buf_puts(b, "\xEF\xBF\xBD");
        plain = ++p;
    }
    buf_put(b, plain, (size_t)(p - plain));
    buf_putc(b, '"');
}

void json_i64(buf *b, int64_t number)
{
    char text[LB_NUMBER_TEXT];
    buf_put(b, text, lb_i64_text(number, text));
}

void json_double(buf *b, double number)
{
    char text[LB_NUMBER_TEXT];
    if (isfinite(number))
        buf_put(b, text, lb_double_text(number, text));
    else
        json_string(b, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

void json_time(buf *b, int64_t microseconds)
{
    char text[CLOCK_TEXT + 2] = "\"";
    clock_format(microseconds, text + 1);
    size_t length = strlen(text);
    text[length] = '"';
    buf_put(b, text, length + 1);
}

void json_comma(buf *b)
{
    if (b->length && b->data[b->length - 1] != '{' && b->data[b->length - 1] != '[')
        buf_putc(b, ',');
}

void json_key(buf *b, const char *name)
{
    json_comma(b);
    json_string(b, name);
    buf_putc(b, ':');
}

void json_member_string(buf *b, const char *name, const char *text)
{
    json_key(b, name);
    json_string(b, text);
}

void json_member_i64(buf *b, const char *name, int64_t number)
{
    json_key(b, name);
    json_i64(b, number);
}

void json_member_bool(buf *b, const char *name, bool flag)
{
    json_key(b, name);
    buf_puts(b, flag ? "true" : "false");
}

void json_member_raw(buf *b, const char *name, const char *document)
{
    json_key(b, name);
    buf_puts(b, document ? document : "null");
}

static int put_value(buf *b, const lb_value *value, int depth, lb_error *err);

static int put_members(buf *b, const lb_value *values, int depth, lb_error *err)
{
    for (const lb_value *v = values; v->type != LB_END; v++) {
        if (!v->name)
            return lb_fail(err, LB_ERR_INVALID, "end the list with LB_ARGS, and name each value",
                           "a value has no name");
        if (!json_is_utf8(v->name, strlen(v->name)))
            return lb_fail(err, LB_ERR_INVALID, NULL, "a value's name is not UTF-8");
        json_key(b, v->name);
        int r = put_value(b, v, depth, err);
        if (r < 0)
            return lb_wrap(err, v->name);
    }
    return 0;
}

static int put_items(buf *b, const lb_value *value, int depth, lb_error *err)
{
    buf_putc(b, '[');
    for (uint32_t i = 0; i < value->count; i++) {
        json_comma(b);
        int r = put_value(b, &value->v.items[i], depth, err);
        if (r < 0)
            return r;
    }
    buf_putc(b, ']');
    return 0;
}

/* An exact decimal is a JSON number already, but NaN and infinity are not. */
static void put_numeric(buf *b, const char *digits)
{
    lb_error ignored;
    if (json_check(digits, strlen(digits), &ignored) == 0 &&
        (digits[0] == '-' || (digits[0] >= '0' && digits[0] <= '9')))
        buf_puts(b, digits);
    else
        json_string(b, digits);
}

static int put_text(buf *b, const lb_value *value, lb_error *err)
{
    const char *text = value->v.text;
    if (!text) {
        buf_puts(b, "null");
        return 0;
    }
    size_t length = strlen(text);
    if (!json_is_utf8(text, length))
        return lb_fail(err, LB_ERR_INVALID, "convert it to UTF-8 first", "text is not UTF-8");
    if (value->type == LB_NUMERIC) {
        put_numeric(b, text);
    } else if (value->type == LB_JSON) {
        int r = json_check(text, length, err);
        if (r < 0)
            return r;
        buf_put(b, text, length);
    } else {
        json_string(b, text);
    }
    return 0;
}

static int put_value(buf *b, const lb_value *value, int depth, lb_error *err)
{
    if (depth >= VALUE_DEPTH)
        return lb_fail(err, LB_ERR_INVALID, "flatten it", "nested deeper than %d", VALUE_DEPTH);
    if (value->type & LB_LIST)
        return put_items(b, value, depth + 1, err);
    switch (value->type) {
    case LB_TEXT:
    case LB_IDENT:
    case LB_JSON:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
        return put_text(b, value, err);
    case LB_I64:
        json_i64(b, value->v.i64);
        return 0;
    case LB_F64:
        json_double(b, value->v.f64);
        return 0;
    case LB_BOOL:
        buf_puts(b, value->v.flag ? "true" : "false");
        return 0;
    case LB_TIME:
        json_time(b, value->v.i64);
        return 0;
    case LB_NULL:
        buf_puts(b, "null");
        return 0;
    case LB_OBJECT:
        buf_putc(b, '{');
        if (put_members(b, value->v.items, depth + 1, err) < 0)
            return err->code;
        buf_putc(b, '}');
        return 0;
    default:
        return lb_fail(err, LB_ERR_INVALID, "use one of the LB_… types", "a value of type %d cannot be written",
                       (int)value->type);
    }
}

int json_value(buf *b, const lb_value *value, lb_error *err)
{
    return put_value(b, value, 0, err);
}

int json_members(buf *b, const lb_value *values, lb_error *err)
{
    return put_members(b, values, 0, err);
}

int json_named(buf *b, const lb_value *values, lb_error *err)
{
    buf_putc(b, '{');
    if (put_members(b, values, 0, err) < 0)
        return err->code;
    buf_putc(b, '}');
    return 0;
}

/* ---- strict check: a pushdown over the bytes, no allocation ---- */

typedef struct scan {
    const unsigned char *start, *p, *end;
    int deepest;
} scan;

static void skip_space(scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool take(scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool is_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool check_escape(scan *s)
{
    if (s->p == s->end)
        return false;
    unsigned char c = *s->p++;
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++)
        if (s->p == s->end || !is_hex(*s->p++))
            return false;
    return true;
}

static bool check_string(scan *s)
{
    if (!take(s, "\""))
        return false;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p < 0x20)
            return false;
        if (*s->p == '\\') {
            s->p++;
            if (!check_escape(s))
                return false;
            continue;
        }
        size_t n = utf8_sequence(s->p, s->end);
        if (!n)
            return false;
        s->p += n;
    }
    return take(s, "\"");
}

static bool check_digits(scan *s)
{
    const unsigned char *first = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > first;
}

static bool check_number(scan *s)
{
    (void)take(s, "-"); /* optional */
    if (!take(s, "0") && !check_digits(s))
        return false;
    if (take(s, ".") && !check_digits(s))
        return false;
    if (take(s, "e") || take(s, "E")) {
        if (!take(s, "+"))
            (void)take(s, "-"); /* optional */
        return check_digits(s);
    }
    return true;
}

static bool check_any(scan *s, int depth);

static bool check_container(scan *s, int depth, char close, bool keyed)
{
    s->p++;
    skip_space(s);
    if (s->p < s->end && *s->p == (unsigned char)close) {
        s->p++;
        return true;
    }
    for (;;) {
        skip_space(s);
        if (keyed) {
            if (!check_string(s))
                return false;
            skip_space(s);
            if (!take(s, ":"))
                return false;
        }
        if (!check_any(s, depth + 1))
            return false;
        if (take(s, ","))
            continue;
        char end[] = {close, '\0'};
        return take(s, end);
    }
}

static bool check_any(scan *s, int depth)
{
    skip_space(s);
    if (s->p == s->end || depth >= s->deepest)
        return false;
    bool ok;
    if (*s->p == '{')
        ok = check_container(s, depth, '}', true);
    else if (*s->p == '[')
        ok = check_container(s, depth, ']', false);
    else if (*s->p == '"')
        ok = check_string(s);
    else
        ok = take(s, "true") || take(s, "false") || take(s, "null") || check_number(s);
    skip_space(s);
    return ok;
}

static int check_document(const char *text, size_t length, int deepest, lb_error *err)
{
    const unsigned char *start = (const unsigned char *)text;
    scan s = {.start = start, .p = start, .end = start + length, .deepest = deepest};
    if (check_any(&s, 0) && s.p == s.end)
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "give one JSON document (RFC 8259)", "not JSON at byte %zu",
                   (size_t)(s.p - s.start));
}

int json_check(const char *text, size_t length, lb_error *err)
{
    return check_document(text, length, TEXT_DEPTH, err);
}

int json_check_own(const char *text, size_t length, lb_error *err)
{
    return check_document(text, length, OWN_DEPTH, err);
}

struct json_object *json_parse(const char *text, size_t length, lb_error *err)
{
    if (length > INT32_MAX || json_check(text, length, err) < 0) {
        if (length > INT32_MAX)
            (void)lb_fail(err, LB_ERR_LIMIT, NULL, "a JSON document of %zu bytes is too long", length);
        return NULL;
    }
    struct json_tokener *tokener = json_tokener_new_ex(TEXT_DEPTH + 1);
    if (!tokener) {
        (void)lb_out_of_memory(err);
        return NULL;
    }
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
    if (json_tokener_get_error(tokener) == json_tokener_continue) /* a bare number ends with its text */
        object = json_tokener_parse_ex(tokener, "", 1);
    if (!object && json_tokener_get_error(tokener) != json_tokener_success)
        (void)lb_fail(err, LB_ERR_INVALID, NULL, "not JSON: %s",
                      json_tokener_error_desc(json_tokener_get_error(tokener)));
    else if (!object)
        (void)lb_fail(err, LB_ERR_INVALID, "give an object or a list", "the JSON document is null");
    json_tokener_free(tokener);
    return object;
}

void json_put_holder(struct json_object **holder)
{
    (void)json_object_put(*holder); /* says only whether it was the last reference */
}
