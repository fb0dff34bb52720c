/* clock.h: time. Points in time are microseconds since 1970-01-01T00:00:00Z; spans come from the monotonic clock. */
#ifndef LBOPS_HOST_CLOCK_H
#define LBOPS_HOST_CLOCK_H

#include "base.h"

#define CLOCK_TEXT   32 /* "2026-01-31T23:59:59.123456Z" and its NUL */
#define CLOCK_SECOND INT64_C(1000000)

int64_t clock_now(void);
int64_t clock_monotonic(void);
int64_t clock_cpu(void); /* processor time of this process */
void clock_format(int64_t microseconds, char text[CLOCK_TEXT]);

/* RFC 3339 and what Postgres prints: date, then 'T' or a blank, seconds with up to six digits, then Z, +02, +0200 or
 * +02:00 (none: UTC). False when it is not one; infinity gives INT64_MAX, -infinity INT64_MIN + 1. */
bool clock_parse(const char *text, int64_t *ret_microseconds);

/* A new sortable identifier: 48 bits of milliseconds and 80 random ones, as 26 characters of Crockford's base 32. Two
 * made by one process sort in the order they were made. */
#define ID_TEXT 27
void id_new(char id[ID_TEXT]);

#endif
