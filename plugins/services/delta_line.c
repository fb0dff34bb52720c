#include "delta_line.h"

#include <errno.h>
#include <math.h>

/* The outbox writes plain objects: keys in the table's order, no nesting, JSON documents as text. Anything else is
 * refused, as no writer of ours made it. */

LB_PRINTF(2, 3) static bool bad(delta_line *line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line->problem, sizeof line->problem, fmt, args); /* a long one is cut */
    va_end(args);
    return false;
}

static bool expect(delta_line *line, char c)
{
    if (line->at >= line->end || *line->at != c)
        return bad(line, "there is no '%c' where one should be", c);
    line->at++;
    return true;
}

/* ---- texts ---- */

/* Length of the well-formed UTF-8 sequence at p, or 0. */
static size_t sequence(const unsigned char *p, const unsigned char *end)
{
    size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (length == 0 || (size_t)(end - p) < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

static bool hex4(delta_line *line, unsigned *ret)
{
    unsigned n = 0;
    if (line->end - line->at < 4)
        return bad(line, "a text ends within an escape");
    for (int i = 0; i < 4; i++, line->at++) {
        char c = *line->at;
        bool is_digit = c >= '0' && c <= '9';
        unsigned letter = ((unsigned char)c | 0x20U) - 'a';
        if (!is_digit && letter > 5)
            return bad(line, "a text has a bad escape");
        n = n << 4 | (is_digit ? (unsigned)(c - '0') : letter + 10);
    }
    *ret = n;
    return true;
}

static void put_code_point(delta_text *text, unsigned c)
{
    char b[4];
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(lead[length] | c);
    delta_text_put(text, b, length);
}

/* After "\u". */
static bool unicode_escape(delta_line *line)
{
    unsigned c = 0, low = 0;
    if (!hex4(line, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (line->end - line->at < 2 || line->at[0] != '\\' || line->at[1] != 'u')
            return bad(line, "a text has half a surrogate pair");
        line->at += 2;
        if (!hex4(line, &low) || low < 0xdc00 || low > 0xdfff)
            return bad(line, "a text has half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c == 0 || (c >= 0xdc00 && c <= 0xdfff)) {
        return bad(line, "a text has a bad escape");
    }
    put_code_point(&line->scratch, c);
    return true;
}

static bool escape(delta_line *line)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (line->at >= line->end)
        return bad(line, "a text ends within an escape");
    char c = *line->at++;
    if (c == 'u')
        return unicode_escape(line);
    const char *found = memchr(from, c, sizeof from - 1);
    if (!found)
        return bad(line, "a text has a bad escape");
    delta_text_put(&line->scratch, &to[found - from], 1);
    return true;
}

/* The text after its opening quote. *ret points into the line, or into scratch when there were escapes. */
static bool text(delta_line *line, const char **ret, size_t *ret_length)
{
    const char *start = line->at;
    bool escaped = false;
    line->scratch.length = 0;
    for (;;) {
        while (line->at < line->end && *line->at != '"' && *line->at != '\\' && (unsigned char)*line->at >= 0x20 &&
               (unsigned char)*line->at < 0x80)
            line->at++;
        if (line->at >= line->end)
            return bad(line, "a text does not end");
        unsigned char c = (unsigned char)*line->at;
        if (c >= 0x80) {
            size_t length = sequence((const unsigned char *)line->at, (const unsigned char *)line->end);
            if (!length)
                return bad(line, "a text is not UTF-8");
            line->at += length;
            continue;
        }
        if (c < 0x20)
            return bad(line, "a text has a control character");
        if (c == '\\' || escaped)
            delta_text_put(&line->scratch, start, (size_t)(line->at - start));
        line->at++;
        if (c == '"')
            break;
        escaped = true;
        if (!escape(line))
            return false;
        start = line->at;
    }
    *ret = escaped && line->scratch.data ? line->scratch.data : start;
    *ret_length = escaped ? line->scratch.length : (size_t)(line->at - 1 - start);
    return true;
}

/* ---- numbers ---- */

static bool integer(delta_line *line, int64_t *ret)
{
    bool negative = *line->at == '-';
    const char *start = line->at += negative;
    uint64_t n = 0;
    while (line->at < line->end && *line->at >= '0' && *line->at <= '9') {
        uint64_t digit = (uint64_t)(*line->at++ - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return bad(line, "an integer is too large");
        n = n * 10 + digit;
    }
    if (line->at == start || (line->at < line->end && (*line->at == '.' || (*line->at | 0x20) == 'e')))
        return bad(line, "a number is no integer");
    if (n > (uint64_t)INT64_MAX + negative)
        return bad(line, "an integer is too large");
    *ret = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

/* Most figures have few digits: then one multiplication or division of two exact doubles is the exact answer. */
static bool number(delta_line *line, double *ret)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start = line->at, *p = start + (*start == '-');
    const char *first = p;
    uint64_t n = 0;
    int count = 0, decimals = 0;
    bool point = false;
    for (; p < line->end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        n = count < 19 ? n * 10 + (uint64_t)(*p - '0') : n;
        count += count > 0 || *p != '0';
        decimals += point;
    }
    if (p == first)
        return bad(line, "there is no value where one should be");
    if (count <= 19 && n <= (UINT64_C(1) << 53) && decimals <= 22 && (p >= line->end || (*p | 0x20) != 'e')) {
        *ret = (double)n / powers[decimals];
        if (*start == '-')
            *ret = -*ret;
        line->at = p;
        return true;
    }
    char *stop = NULL;
    errno = 0;
    *ret = strtod(start, &stop); /* the line ends with a byte that no number has */
    line->at = stop;
    return isfinite(*ret) || bad(line, "a number is too large");
}

/* NaN and infinities travel as text. */
static bool number_as_text(delta_line *line, double *ret)
{
    const char *s = NULL;
    size_t length = 0;
    line->at++;
    if (!text(line, &s, &length))
        return false;
    if (length == 3 && memcmp(s, "NaN", 3) == 0)
        *ret = NAN;
    else if (length == 8 && memcmp(s, "Infinity", 8) == 0)
        *ret = INFINITY;
    else if (length == 9 && memcmp(s, "-Infinity", 9) == 0)
        *ret = -INFINITY;
    else
        return bad(line, "a text stands where a number should be");
    return true;
}

/* ---- values ---- */

static bool word(delta_line *line, const char *expected)
{
    size_t length = strlen(expected);
    if ((size_t)(line->end - line->at) < length || memcmp(line->at, expected, length) != 0)
        return false;
    line->at += length;
    return true;
}

static bool put_text(delta_line *line, size_t column, idx_t row)
{
    const char *s = NULL;
    size_t length = 0;
    if (!expect(line, '"') || !text(line, &s, &length))
        return false;
    duckdb_vector_assign_string_element_len(line->cells->vectors[column], row, s, length);
    return true;
}

static bool put_time(delta_line *line, size_t column, idx_t row)
{
    const char *s = NULL;
    size_t length = 0;
    int64_t microseconds = 0;
    if (!expect(line, '"') || !text(line, &s, &length))
        return false;
    if (!delta_parse_time(s, length, &microseconds))
        return bad(line, "a text is no timestamp");
    ((int64_t *)line->cells->data[column])[row] = microseconds;
    if ((int)column == line->table->time_column)
        ((int32_t *)line->cells->data[line->table->count])[row] = delta_days(microseconds);
    return true;
}

static bool put_value(delta_line *line, size_t column, idx_t row)
{
    void *data = line->cells->data[column];
    switch (line->table->columns[column].type) {
    case LB_I64:
        return integer(line, &((int64_t *)data)[row]);
    case LB_F64:
        return *line->at == '"' ? number_as_text(line, &((double *)data)[row]) : number(line, &((double *)data)[row]);
    case LB_BOOL:
        ((bool *)data)[row] = *line->at == 't';
        return word(line, "true") || word(line, "false") || bad(line, "there is no true or false where one should be");
    case LB_TIME:
        return put_time(line, column, row);
    default:
        return put_text(line, column, row);
    }
}

/* ---- the line ---- */

static size_t find_column(const delta_table_def *table, const char *name, size_t length, size_t from)
{
    for (size_t n = 0; n < table->count; n++) {
        size_t i = from + n < table->count ? from + n : from + n - table->count;
        if (table->name_lengths[i] == length && memcmp(table->columns[i].name, name, length) == 0)
            return i;
    }
    return table->count;
}

/* The column that the key at hand names. Writers give them in the table's order, so the next one is tried before the
 * key is read for what it is. */
static bool key(delta_line *line, size_t next, size_t *ret_column)
{
    const delta_table_def *table = line->table;
    const char *name = "";
    size_t length = next < table->count ? table->name_lengths[next] : 0;
    if (length && (size_t)(line->end - line->at) > length + 2 && line->at[0] == '"' && line->at[length + 1] == '"' &&
        memcmp(line->at + 1, table->columns[next].name, length) == 0) {
        line->at += length + 2;
        *ret_column = next;
        return true;
    }
    if (!expect(line, '"') || !text(line, &name, &length))
        return false;
    *ret_column = find_column(table, name, length, next);
    return *ret_column < table->count || bad(line, "there is no column %.*s", (int)(length > 80 ? 80 : length), name);
}

static bool member(delta_line *line, size_t *next, bool *seen, idx_t row)
{
    size_t column = 0;
    if (!key(line, *next, &column))
        return false;
    if (seen[column])
        return bad(line, "%s is given twice", line->table->columns[column].name);
    if (!expect(line, ':') || line->at >= line->end)
        return bad(line, "it ends within %s", line->table->columns[column].name);
    *next = column + 1;
    if (word(line, "null"))
        return true;
    seen[column] = true;
    if (put_value(line, column, row))
        return true;
    char what[sizeof line->problem];
    memcpy(what, line->problem, sizeof what);
    return bad(line, "%.60s: %.120s", line->table->columns[column].name, what);
}

static bool finish_row(delta_line *line, const bool *seen, idx_t row)
{
    const delta_table_def *table = line->table;
    for (size_t i = 0; i < table->count; i++) {
        if (seen[i])
            continue;
        if (table->columns[i].required)
            return bad(line, "%s is missing", table->columns[i].name);
        duckdb_validity_set_row_invalid(line->cells->validity[i], row);
    }
    return true;
}

bool delta_line_parse(delta_line *line, const char *content, size_t length, idx_t row)
{
    bool seen[DELTA_COLUMNS_MAX] = {false};
    size_t next = 0;
    line->at = content;
    line->end = content + length;
    if (!expect(line, '{'))
        return false;
    while (line->at < line->end && *line->at != '}') {
        if (next > 0 && !expect(line, ','))
            return false;
        if (!member(line, &next, seen, row))
            return false;
    }
    if (!expect(line, '}'))
        return false;
    if (line->at != line->end)
        return bad(line, "something stands after its end");
    return finish_row(line, seen, row);
}
