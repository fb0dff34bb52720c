#include "params_value.h"

#include "clock.h"
#include "json.h"
#include "nearest.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <strings.h>

#define SHOWN       64 /* bytes of a wrong value that a message repeats */
#define IDENT_BYTES 63 /* NAMEDATALEN - 1 of the server */

/* A wrong value as a message may repeat it: in quotes, short, one line, UTF-8, and never a secret. */
static const char *shown(const lb_param *row, const char *value, char text[SHOWN + 8])
{
    if (LB_ELEMENT(row->type) == LB_SECRET)
        return "its value";
    size_t length = strnlen(value, SHOWN + 1), cut = length > SHOWN ? SHOWN : length;
    while (length > SHOWN && cut && ((unsigned char)value[cut] & 0xC0) == 0x80)
        cut--; /* not inside a character */
    bool plain = json_is_utf8(value, cut);
    (void)snprintf(text, SHOWN + 8, "'%.*s%s'", (int)cut, value, length > SHOWN ? "..." : ""); /* sized for both */
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || (!plain && (unsigned char)*p >= 0x80))
            *p = '?';
    return text;
}

const char *param_range(const lb_param *row, char text[PARAM_RANGE_TEXT])
{
    text[0] = '\0';
    if (row->min && row->max)
        (void)snprintf(text, PARAM_RANGE_TEXT, "from %.40s to %.40s", row->min,
                       row->max); /* bounds are short numbers */
    else if (row->min)
        (void)snprintf(text, PARAM_RANGE_TEXT, "at least %.40s", row->min);
    else if (row->max)
        (void)snprintf(text, PARAM_RANGE_TEXT, "at most %.40s", row->max);
    return text;
}

static int wrong(const lb_param *row, const char *value, const char *claim, const char *wanted, lb_error *err)
{
    char quoted[SHOWN + 8], range[PARAM_RANGE_TEXT], hint[200];
    (void)param_range(row, range); /* fills range */
    (void)snprintf(hint, sizeof hint, "give %s%s%s", wanted, *range ? " " : "", range);
    return lb_fail(err, LB_ERR_INVALID, hint, "--%s: %s %s", row->name, shown(row, value, quoted), claim);
}

static bool parse_i64(const char *text, int64_t *ret)
{
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (*digits < '0' || *digits > '9')
        return false; /* strtoll would skip blanks and take more signs */
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *ret = number;
    return true;
}

/* strtod reads the decimal point of the current locale, which is not ours to choose in a process with plugins. */
static double decimal(const char *text, char **end)
{
    static locale_t c_locale;
    if (!c_locale)
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return c_locale ? strtod_l(text, end, c_locale) : strtod(text, end);
}

static bool parse_f64(const char *text, double *ret)
{
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false; /* neither blanks nor hex nor NaN */
    char *end;
    double number = decimal(text, &end);
    if (end == text || *end || !isfinite(number))
        return false;
    *ret = number;
    return true;
}

static bool parse_bool(const char *text, bool *ret)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"0", "1"}, {"off", "on"}};
    for (size_t i = 0; i < LB_COUNT(words); i++)
        for (int flag = 0; flag < 2; flag++)
            if (strcasecmp(text, words[i][flag]) == 0) {
                *ret = flag;
                return true;
            }
    return false;
}

bool param_next_choice(const char **p, const char **ret_choice, size_t *ret_length)
{
    if (!*p)
        return false;
    const char *bar = strchr(*p, '|');
    *ret_choice = *p;
    *ret_length = bar ? (size_t)(bar - *p) : strlen(*p);
    *p = bar ? bar + 1 : NULL;
    return true;
}

static int wrong_choice(const lb_param *row, const char *value, lb_error *err)
{
    const char *names[PARAM_CHOICES_MAX], *choice, *p = row->choices;
    char *copies[PARAM_CHOICES_MAX], hint[sizeof err->hint], quoted[SHOWN + 8];
    size_t count = 0, length;
    while (count < PARAM_CHOICES_MAX && param_next_choice(&p, &choice, &length)) {
        copies[count] = base_printf("%.*s", (int)length, choice);
        names[count] = copies[count];
        count++;
    }
    const char *near = nearest_name(value, names, count);
    if (near)
        (void)snprintf(hint, sizeof hint, "did you mean %s? one of %s", near, row->choices);
    else
        (void)snprintf(hint, sizeof hint, "give one of %s", row->choices);
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    return lb_fail(err, LB_ERR_INVALID, hint, "--%s: %s is none of its choices", row->name, shown(row, value, quoted));
}

static int check_choice(const lb_param *row, const char *value, lb_error *err)
{
    const char *choice, *p = row->choices;
    size_t length, wanted = strlen(value);
    if (!p)
        return 0;
    while (param_next_choice(&p, &choice, &length))
        if (length == wanted && memcmp(choice, value, length) == 0)
            return 0;
    return wrong_choice(row, value, err);
}

static int check_bounds_i64(const lb_param *row, const char *text, int64_t number, lb_error *err)
{
    int64_t low, high;
    if ((row->min && parse_i64(row->min, &low) && number < low) ||
        (row->max && parse_i64(row->max, &high) && number > high))
        return wrong(row, text, "is out of range", "an integer", err);
    return 0;
}

static int check_bounds_f64(const lb_param *row, const char *text, double number, lb_error *err)
{
    double low, high;
    if ((row->min && parse_f64(row->min, &low) && number < low) ||
        (row->max && parse_f64(row->max, &high) && number > high))
        return wrong(row, text, "is out of range", "a number", err);
    return 0;
}

static int parse_textual(const lb_param *row, lb_type type, const char *text, lb_value *value, lb_error *err)
{
    size_t length = strlen(text);
    if (!json_is_utf8(text, length))
        return wrong(row, text, "is not UTF-8", "text in UTF-8", err);
    if (type == LB_IDENT && (!length || length > IDENT_BYTES))
        return wrong(row, text, length ? "is too long for an identifier" : "is no identifier",
                     "a name of 1 to 63 bytes", err);
    if (type == LB_JSON) {
        lb_error detail;
        char claim[64];
        if (json_check(text, length, &detail) < 0) {
            (void)snprintf(claim, sizeof claim, "is %.50s", detail.message); /* "not JSON at byte 17" */
            return wrong(row, text, claim, "one JSON document", err);
        }
    }
    value->v.text = text;
    return check_choice(row, text, err);
}

int param_parse_scalar(const lb_param *row, const char *text, lb_value *ret_value, lb_error *err)
{
    lb_value value = {.name = row->name, .type = LB_ELEMENT(row->type)};
    int r = 0;
    switch (value.type) {
    case LB_TEXT:
    case LB_SECRET:
    case LB_IDENT:
    case LB_JSON:
        r = parse_textual(row, value.type, text, &value, err);
        break;
    case LB_I64:
        r = parse_i64(text, &value.v.i64) ? check_bounds_i64(row, text, value.v.i64, err)
                                          : wrong(row, text, "is not a 64-bit integer", "an integer", err);
        break;
    case LB_F64:
        r = parse_f64(text, &value.v.f64) ? check_bounds_f64(row, text, value.v.f64, err)
                                          : wrong(row, text, "is not a number", "a number", err);
        break;
    case LB_BOOL:
        if (!parse_bool(text, &value.v.flag))
            r = wrong(row, text, "is neither true nor false", "true or false", err);
        break;
    case LB_TIME:
        if (!clock_parse(text, &value.v.i64))
            r = wrong(row, text, "is not a timestamp", "a time such as 2026-01-31T23:59:59Z", err);
        break;
    default:
        r = lb_fail(err, LB_ERR_INVALID, "use one of the parameter types of lbops/plugin.h", "--%s has no usable type",
                    row->name);
    }
    if (r == 0)
        *ret_value = value;
    return r;
}

size_t param_width(lb_type type)
{
    switch ((int)type) { /* a list's type is two constants in one */
    case LB_TEXT:
    case LB_IDENT:
    case LB_JSON:
    case LB_SECRET:
        return sizeof(const char *);
    case LB_I64:
    case LB_TIME:
        return sizeof(int64_t);
    case LB_F64:
        return sizeof(double);
    case LB_BOOL:
        return sizeof(bool);
    case LB_LIST | LB_TEXT:
    case LB_LIST | LB_IDENT:
    case LB_LIST | LB_JSON:
        return sizeof(lb_texts);
    case LB_LIST | LB_I64:
    case LB_LIST | LB_TIME:
        return sizeof(lb_i64s);
    case LB_LIST | LB_F64:
        return sizeof(lb_f64s);
    case LB_LIST | LB_BOOL:
        return sizeof(lb_bools);
    default:
        return 0;
    }
}

/* ---- lists ---- */

/* The end of the array element that begins at p, in text that json_check has accepted. */
static const char *element_end(const char *p)
{
    int depth = 0;
    bool quoted = false;
    for (;; p++) {
        if (quoted) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                quoted = false;
            continue;
        }
        if (depth == 0 && (*p == ',' || *p == ']'))
            return p;
        if (*p == '"')
            quoted = true;
        else if (*p == '[' || *p == '{')
            depth++;
        else if (*p == ']' || *p == '}')
            depth--;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The element's text form, when its kind of JSON value is the one that the type is written as; else NULL. The caller
 * frees. */
static char *element_text(lb_type type, const char *start, size_t length)
{
    bool is_string = *start == '"', is_number = *start == '-' || (*start >= '0' && *start <= '9');
    bool fits = type == LB_JSON                    ? true
                : type == LB_I64 || type == LB_F64 ? is_number
                : type == LB_BOOL                  ? *start == 't' || *start == 'f'
                                                   : is_string;
    if (!fits)
        return NULL;
    if (type == LB_JSON || !is_string)
        return base_printf("%.*s", (int)length, start);
    lb_error ignored; /* the array as a whole is known to be sound */
    JSON_AUTO *string = json_parse(start, length, &ignored);
    const char *text = string ? json_object_get_string(string) : NULL;
    if (!text || strlen(text) != (size_t)json_object_get_string_len(string))
        return NULL; /* \u0000 inside */
    return base_strdup(text);
}

static int each_element(const lb_param *row, const char *text, param_visit *fn, void *arg, lb_error *err)
{
    lb_type type = LB_ELEMENT(row->type);
    const char *p = text;
    while (is_space(*p) || *p == '[')
        if (*p++ == '[')
            break;
    for (unsigned number = 1;; number++) {
        while (is_space(*p))
            p++;
        if (*p == ']')
            return 0; /* only an empty array gets here: a comma is followed by a value */
        const char *end = element_end(p), *last = end;
        while (is_space(last[-1]))
            last--;
        LB_AUTO_FREE char *element = element_text(type, p, (size_t)(last - p));
        if (!element)
            return lb_fail(err, LB_ERR_INVALID, "give a JSON array whose elements are all of that type",
                           "--%s: element %u is not of type %s", row->name, number, params_type_name(type));
        lb_value value;
        int r = param_parse_scalar(row, element, &value, err);
        if (r >= 0)
            r = fn(arg, &value, err);
        if (r < 0 || *end == ']')
            return r < 0 ? r : 0;
        p = end + 1;
    }
}

int param_each(const lb_param *row, const char *text, param_visit *fn, void *arg, lb_error *err)
{
    size_t length = strnlen(text, PARAM_TEXT_MAX + 1);
    if (length > PARAM_TEXT_MAX)
        return lb_fail(err, LB_ERR_LIMIT, "give less", "--%s: longer than %zu bytes", row->name, PARAM_TEXT_MAX);
    const char *first = text;
    while (is_space(*first))
        first++;
    if ((row->type & LB_LIST) && *first == '[') {
        lb_error detail;
        if (json_check(text, length, &detail) < 0)
            return lb_fail(err, LB_ERR_INVALID,
                           "write a list as [\"a\",\"b\"], also when one element begins with a bracket", "--%s: %s",
                           row->name, detail.message);
        return each_element(row, text, fn, arg, err);
    }
    lb_value value;
    int r = param_parse_scalar(row, text, &value, err);
    if (r < 0)
        return r;
    r = fn(arg, &value, err);
    return r < 0 ? r : 0;
}
