/* rest_text.h: texts that the services over HTTP need: buffers that wipe what they held, URL escaping, taking secrets
 * out of foreign texts, and the two ways in which servers write times. [any] */
#ifndef LBOPS_SERVICES_REST_TEXT_H
#define LBOPS_SERVICES_REST_TEXT_H

#include <lbops/lbops.h>

/* Grows up to its limit. A zeroed one with a limit is ready; what did not fit (or no memory) sets `failed`. */
typedef struct rest_buf {
    char *data; /* ends with a NUL once anything was put */
    size_t length, room, limit;
    bool failed;
} rest_buf;

void rest_buf_put(rest_buf *b, const char *bytes, size_t length);
void rest_buf_text(rest_buf *b, const char *text);
void rest_buf_escaped(rest_buf *b, const char *text); /* for a part of a path or a query */
void rest_buf_done(rest_buf *b);                      /* wiped: it may have held a token */

/* malloc'd, or NULL when there is no memory. */
LB_PRINTF(1, 2) char *rest_printf(const char *fmt, ...);
char *rest_strdup(const char *text); /* NULL stays NULL */
void rest_wipe(char *secret);        /* overwritten, then freed; NULL is fine */

/* Replaces each occurrence of the secret by ***. Secrets shorter than 4 bytes are no secrets, and NULL is fine. */
void rest_hide(char *text, size_t size, const char *secret);

/* One line that is fit to show: control characters become spaces, and a long text is cut. */
void rest_line(char *into, size_t size, const char *text, size_t length);

#define REST_NO_TIME INT64_MIN

/* "2026-08-19T10:00:00.5Z", or with an offset: microseconds since 1970, or REST_NO_TIME. */
int64_t rest_time(const char *text);
int64_t rest_http_time(const char *text); /* "Wed, 19 Aug 2026 10:00:00 GMT" */
int64_t rest_wall_clock(void);

/* "300s", "0.5s": microseconds, or -1. */
int64_t rest_duration(const char *text);

#endif
