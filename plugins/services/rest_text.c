#include "rest_text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <time.h>

#define MICROSECONDS INT64_C(1000000)

/* ---- buffers ---- */

static bool make_room(rest_buf *b, size_t more)
{
    size_t need = b->length + more + 1, room = b->room ? b->room : 256;
    if (need > b->limit + 1 || need < more)
        return false;
    if (need <= b->room)
        return true;
    while (room < need)
        room *= 2;
    char *data = malloc(room); /* not realloc, which would leave the old bytes about */
    if (!data)
        return false;
    if (b->data) {
        memcpy(data, b->data, b->length);
        explicit_bzero(b->data, b->room);
        free(b->data);
    }
    b->data = data;
    b->room = room;
    return true;
}

void rest_buf_put(rest_buf *b, const char *bytes, size_t length)
{
    if (b->failed || !make_room(b, length)) {
        b->failed = true;
        return;
    }
    if (length)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
}

void rest_buf_text(rest_buf *b, const char *text)
{
    rest_buf_put(b, text, strlen(text));
}

void rest_buf_escaped(rest_buf *b, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        const char code[] = {'%', hex[c >> 4], hex[c & 15]};
        if (isalnum(c) || strchr("-._~", c))
            rest_buf_put(b, text, 1);
        else
            rest_buf_put(b, code, sizeof code);
    }
}

void rest_buf_done(rest_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->room);
    free(b->data);
    *b = (rest_buf){.limit = b->limit};
}

/* ---- texts ---- */

char *rest_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

char *rest_strdup(const char *text)
{
    return text ? strdup(text) : NULL;
}

void rest_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void rest_hide(char *text, size_t size, const char *secret)
{
    size_t length = secret ? strlen(secret) : 0;
    if (length < 4 || size < 4)
        return;
    for (char *p = text; (p = strstr(p, secret)); p += 3) {
        p[0] = p[1] = p[2] = '*';
        memmove(p + 3, p + length, strlen(p + length) + 1);
    }
}

/* A cut may have left a part of the last one. */
static size_t whole_characters(const char *text, size_t length)
{
    size_t last = length;
    while (last && length - last < 3 && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
        last--;
    unsigned char lead = last ? (unsigned char)text[last - 1] : 0;
    size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return lead >= 0xc0 && length - last + 1 < bytes ? last - 1 : length;
}

void rest_line(char *into, size_t size, const char *text, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length && text[i] && used + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > ' ' && c != 0x7f)
            into[used++] = text[i];
        else if (used && into[used - 1] != ' ')
            into[used++] = ' ';
    }
    used = whole_characters(into, used);
    while (used && into[used - 1] == ' ')
        used--;
    into[used] = '\0';
}

/* ---- times ---- */

static bool digits(const char **p, int count, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        number = number * 10 + (**p - '0');
    }
    *ret_number = number;
    return true;
}

static int64_t fraction(const char **p)
{
    int64_t micro = 0, scale = MICROSECONDS / 10;
    if (**p != '.')
        return 0;
    for ((*p)++; isdigit((unsigned char)**p); (*p)++, scale /= 10)
        micro += (**p - '0') * scale;
    return micro;
}

static bool zone(const char **p, int *ret_offset_s)
{
    int hours = 0, minutes = 0, sign = **p == '-' ? -1 : 1;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        *ret_offset_s = 0;
        return true;
    }
    if (**p != '+' && **p != '-')
        return false;
    (*p)++;
    if (!digits(p, 2, &hours) || *(*p)++ != ':' || !digits(p, 2, &minutes))
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

int64_t rest_time(const char *text)
{
    struct tm t = {0};
    int offset = 0;
    const char *p = text ? text : "";
    if (!digits(&p, 4, &t.tm_year) || *p++ != '-' || !digits(&p, 2, &t.tm_mon) || *p++ != '-' ||
        !digits(&p, 2, &t.tm_mday) || (*p != 'T' && *p != 't' && *p != ' '))
        return REST_NO_TIME;
    p++;
    if (!digits(&p, 2, &t.tm_hour) || *p++ != ':' || !digits(&p, 2, &t.tm_min) || *p++ != ':' ||
        !digits(&p, 2, &t.tm_sec))
        return REST_NO_TIME;
    int64_t micro = fraction(&p);
    if (!zone(&p, &offset) || *p || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31)
        return REST_NO_TIME;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return ((int64_t)timegm(&t) - offset) * MICROSECONDS + micro;
}

int64_t rest_http_time(const char *text)
{
    time_t t = text ? curl_getdate(text, NULL) : -1;
    return t < 0 ? REST_NO_TIME : (int64_t)t * MICROSECONDS;
}

int64_t rest_wall_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}

int64_t rest_duration(const char *text)
{
    const char *p = text ? text : "";
    int64_t seconds = 0;
    if (!isdigit((unsigned char)*p))
        return -1;
    for (; isdigit((unsigned char)*p); p++) {
        if (seconds > INT64_C(1000000000000))
            return -1;
        seconds = seconds * 10 + (*p - '0');
    }
    int64_t micro = fraction(&p);
    return strcmp(p, "s") == 0 ? seconds * MICROSECONDS + micro : -1;
}
