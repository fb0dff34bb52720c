#include "delta_base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void *delta_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory)
        abort();
    return memory;
}

void *delta_grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes);
    if (!grown)
        abort();
    return grown;
}

char *delta_strndup(const char *text, size_t length)
{
    char *copy = delta_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *delta_strdup(const char *text)
{
    return text ? delta_strndup(text, strlen(text)) : NULL;
}

char *delta_printf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        abort();
    return text;
}

void delta_free_holder(void *holder)
{
    void *p;
    memcpy(&p, holder, sizeof p);
    free(p);
}

void delta_close_holder(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* what counts was synced before */
}

/* ---- text ---- */

void delta_text_done(delta_text *text)
{
    free(text->data);
    *text = (delta_text){0};
}

static char *reserve(delta_text *text, size_t length)
{
    size_t need = text->length + length + 1;
    if (need > text->capacity) {
        text->capacity = need > 2 * text->capacity ? need : 2 * text->capacity;
        text->data = delta_grow(text->data, text->capacity);
    }
    return text->data + text->length;
}

void delta_text_put(delta_text *text, const char *data, size_t length)
{
    char *at = reserve(text, length);
    memcpy(at, data, length);
    at[length] = '\0';
    text->length += length;
}

void delta_text_puts(delta_text *text, const char *data)
{
    delta_text_put(text, data, strlen(data));
}

void delta_text_printf(delta_text *text, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        abort(); /* our own formats are sound */
    char *at = reserve(text, (size_t)n);
    (void)vsnprintf(at, (size_t)n + 1, fmt, args); /* measured just now */
    va_end(args);
    text->length += (size_t)n;
}

void delta_text_json(delta_text *text, const char *string)
{
    if (!string) {
        delta_text_puts(text, "null");
        return;
    }
    delta_text_puts(text, "\"");
    for (const char *p = string; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            delta_text_printf(text, "\\%c", c);
        else if (c < 0x20)
            delta_text_printf(text, "\\u%04x", c);
        else
            delta_text_put(text, p, 1);
    }
    delta_text_puts(text, "\"");
}

static void put_quoted(delta_text *text, const char *string, char quote)
{
    delta_text_put(text, &quote, 1);
    for (const char *p = string; *p; p++) {
        if (*p == quote)
            delta_text_put(text, &quote, 1);
        delta_text_put(text, p, 1);
    }
    delta_text_put(text, &quote, 1);
}

void delta_text_identifier(delta_text *text, const char *name)
{
    put_quoted(text, name, '"');
}

void delta_text_literal(delta_text *text, const char *string)
{
    put_quoted(text, string, '\'');
}

/* ---- time ---- */

int32_t delta_days(int64_t microseconds)
{
    return (int32_t)(microseconds / DELTA_DAY - (microseconds % DELTA_DAY < 0));
}

static void split_time(int64_t microseconds, struct tm *ret)
{
    time_t seconds = microseconds / DELTA_SECOND - (microseconds % DELTA_SECOND < 0);
    if (!gmtime_r(&seconds, ret))
        *ret = (struct tm){.tm_mday = 1, .tm_year = 70};
}

void delta_date(int64_t microseconds, char text[DELTA_DATE_TEXT])
{
    struct tm t;
    split_time(microseconds, &t);
    (void)snprintf(text, DELTA_DATE_TEXT, "%04d-%02d-%02d", (t.tm_year + 1900) % 10000, (t.tm_mon + 1) % 100,
                   t.tm_mday % 100); /* as long as the bound */
}

void delta_text_time(delta_text *text, int64_t microseconds)
{
    struct tm t;
    int64_t fraction = microseconds % DELTA_SECOND;
    split_time(microseconds, &t);
    delta_text_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d.%06lldZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                      t.tm_hour, t.tm_min, t.tm_sec, (long long)(fraction < 0 ? fraction + DELTA_SECOND : fraction));
}

int64_t delta_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * DELTA_SECOND + t.tv_nsec / 1000;
}

static bool digits(const char **p, const char *end, int count, int *ret)
{
    int n = 0;
    for (; count > 0; count--, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return false;
        n = n * 10 + (**p - '0');
    }
    *ret = n;
    return true;
}

static bool skip(const char **p, const char *end, char a, char b)
{
    if (*p >= end || (**p != a && **p != b))
        return false;
    (*p)++;
    return true;
}

/* Up to six digits after a point, as microseconds. */
static bool parse_fraction(const char **p, const char *end, int64_t *ret)
{
    int64_t n = 0, scale = DELTA_SECOND;
    if (*p < end && **p == '.') {
        const char *start = ++*p;
        for (; *p < end && **p >= '0' && **p <= '9' && *p - start < 6; (*p)++) {
            scale /= 10;
            n += (**p - '0') * scale;
        }
        if (*p == start)
            return false;
    }
    *ret = n;
    return true;
}

/* Z, +02, +02:00; only whole UTC offsets of our own writers and of DuckDB come here. */
static bool parse_zone(const char **p, const char *end, int *ret_seconds)
{
    int hours, minutes = 0;
    *ret_seconds = 0;
    if (*p == end)
        return true;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return true;
    }
    char sign = **p;
    if (!skip(p, end, '+', '-') || !digits(p, end, 2, &hours))
        return false;
    if (*p < end && (**p == ':' || (**p >= '0' && **p <= '9'))) {
        *p += **p == ':';
        if (!digits(p, end, 2, &minutes))
            return false;
    }
    *ret_seconds = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* Days since 1970-01-01 of a proleptic Gregorian date (Hinnant's civil calendar). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool delta_parse_time(const char *text, size_t length, int64_t *ret_microseconds)
{
    const char *p = text, *end = text + length;
    int year, month, day, hour, minute, second, zone;
    int64_t fraction;
    if (!digits(&p, end, 4, &year) || !skip(&p, end, '-', '-') || !digits(&p, end, 2, &month) ||
        !skip(&p, end, '-', '-') || !digits(&p, end, 2, &day) || !skip(&p, end, 'T', ' ') ||
        !digits(&p, end, 2, &hour) || !skip(&p, end, ':', ':') || !digits(&p, end, 2, &minute) ||
        !skip(&p, end, ':', ':') || !digits(&p, end, 2, &second) || !parse_fraction(&p, end, &fraction) ||
        !parse_zone(&p, end, &zone) || p != end)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t seconds = days_of(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second - zone;
    *ret_microseconds = seconds * DELTA_SECOND + fraction;
    return true;
}

void delta_uuid(char text[DELTA_UUID_TEXT])
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        abort(); /* cannot happen for so few bytes once the system is up */
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(text, DELTA_UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void delta_say(const lb_service_host *host, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    host->vlog(level, fmt, args);
    va_end(args);
}
