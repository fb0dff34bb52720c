/* delta_base.h: what the files of the delta services share: memory, text, files.
 *
 * Memory that cannot be had ends the process: a delta service lives in a process of its own, and whatever it was doing
 * is safe to be done again. */
#ifndef LBOPS_SERVICES_DELTA_BASE_H
#define LBOPS_SERVICES_DELTA_BASE_H

#include <lbops/delta.h>

#include <stdlib.h>

#define DELTA_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DELTA_CLEANUP(fn)  __attribute__((cleanup(fn)))
#define DELTA_AUTO_FREE    DELTA_CLEANUP(delta_free_holder)
#define DELTA_AUTO_FD      DELTA_CLEANUP(delta_close_holder)
#define DELTA_SECOND       INT64_C(1000000)
#define DELTA_DAY          (86400 * DELTA_SECOND)
#define DELTA_TIME_TEXT    32
#define DELTA_UUID_TEXT    37
#define DELTA_DATE_TEXT    16 /* "2026-01-31" and room for any year */

void *delta_alloc(size_t bytes); /* zeroed */
void *delta_grow(void *memory, size_t bytes);
char *delta_strdup(const char *text); /* NULL stays NULL */
char *delta_strndup(const char *text, size_t length);
LB_PRINTF(1, 2) char *delta_printf(const char *fmt, ...);
void delta_free_holder(void *holder);
void delta_close_holder(const int *fd);

/* Makes room for one more element of an array that grows by doubling. */
#define DELTA_PUSH(items, count, capacity)                                                                             \
    ((count) < (capacity)                                                                                              \
         ? (void)0                                                                                                     \
         : (void)((items) = delta_grow((items), ((capacity) = (capacity) ? (capacity)*2 : 8) * sizeof *(items))))

/* ---- text ---- */

typedef struct delta_text {
    char *data; /* NUL-terminated whenever it is not NULL */
    size_t length, capacity;
} delta_text;

#define DELTA_TEXT DELTA_CLEANUP(delta_text_done) delta_text
void delta_text_done(delta_text *text);
void delta_text_put(delta_text *text, const char *data, size_t length);
void delta_text_puts(delta_text *text, const char *data);
LB_PRINTF(2, 3) void delta_text_printf(delta_text *text, const char *fmt, ...);
void delta_text_json(delta_text *text, const char *string);        /* quoted and escaped; NULL: null */
void delta_text_identifier(delta_text *text, const char *name);    /* "a""b": the one way a name gets into SQL */
void delta_text_literal(delta_text *text, const char *string);     /* 'a''b' */
void delta_text_time(delta_text *text, int64_t microseconds);      /* 2026-01-31T23:59:59.123456Z */
void delta_date(int64_t microseconds, char text[DELTA_DATE_TEXT]); /* of a point in time, in UTC */
int32_t delta_days(int64_t microseconds);                          /* since 1970-01-01 */
int64_t delta_now(void);                                           /* the wall clock */
void delta_uuid(char text[DELTA_UUID_TEXT]);
bool delta_parse_time(const char *text, size_t length, int64_t *ret_microseconds); /* RFC 3339, or what DuckDB prints */

LB_PRINTF(3, 4) void delta_say(const lb_service_host *host, lb_level level, const char *fmt, ...);

/* ---- statements of ours ---- */

typedef struct delta_slot {
    const char *name, *text; /* {name} becomes text, which is SQL already */
} delta_slot;

char *delta_render(const char *sql, const delta_slot *slots, size_t count);
/* The SELECT that rolls up that table's `snapshots`, or NULL: its rows stay as they are. */
const char *delta_rolled(const char *table);

/* ---- files ---- */

int delta_fail_errno(lb_error *err, int error_number, const char *what, const char *path);
LB_MUST_CHECK int delta_make_dir(const char *path, lb_error *err); /* and those above; durable */
LB_MUST_CHECK int delta_sync(const char *path, lb_error *err);     /* a file or a directory */
LB_MUST_CHECK int delta_write(const char *path, const char *data, size_t length, lb_error *err); /* new, synced */
LB_MUST_CHECK int delta_read(const char *path, char **ret_text, size_t *ret_length, lb_error *err);
/* LB_ERR_NOT_FOUND from delta_read is not an error of the disk: the file is not there. */

#endif
