/* event.h: one event, and its line in the log.
 *
 * A line is a JSON object with its members in this order: seq, at, kind, run_id, tool, agent, project, branch, depth,
 * cause, key, payload, hash. hash is the SHA-256, in lower-case hexadecimal, over the hash of the line before and then
 * this line as it would be without its member hash:
 *
 *   hash(n) = sha256(hash(n-1) + '{"seq":n, ... ,"payload":{...}}')
 *
 * A segment's first line is a header with the members lbops_events, first, at, previous, hash (and broken, see
 * event_log.h). It is a link of the chain like any other; the very first continues from 64 zeros. */
#ifndef LBOPS_HOST_EVENT_H
#define LBOPS_HOST_EVENT_H

#include "buf.h"
#include "sha256.h"

#define EVENT_HASH     (SHA256_TEXT - 1)                            /* hexadecimal digits */
#define EVENT_TAIL     (sizeof ",\"hash\":\"" - 1 + EVENT_HASH + 2) /* ,"hash":"..."} */
#define EVENT_PAYLOAD  ((size_t)1024 * 1024)                        /* bytes of the largest payload */
#define EVENT_LINE_MAX (EVENT_PAYLOAD + (size_t)64 * 1024)          /* bytes of the longest line */
#define EVENT_KIND_MAX 63   /* bytes of a kind: spec_is_event says what can be one */
#define EVENT_TEXT_MAX 4096 /* bytes of run_id, tool, agent, project, branch and key each */

typedef struct event {
    uint64_t seq; /* from 1, without gaps; what is to be added has none yet */
    int64_t at;   /* microseconds since 1970; 0 in what is to be added: now */
    const char *kind;
    const char *run_id, *tool, *agent, *project, *branch; /* NULL: none */
    uint32_t depth;                                       /* one more than the event's that started this one's run */
    uint64_t cause;                                       /* seq of that event; 0: none */
    const char *key;                                      /* lets a reader see a repeat, or NULL */
    const char *payload;                                  /* a JSON object; NULL in what is to be added: {} */
    const char *line;                                     /* what was read: the whole record, without its newline */
    size_t line_length;
} event;

/* Checks an event from others: its kind, its texts, its payload (one JSON object, UTF-8). */
LB_MUST_CHECK int event_check(const event *e, lb_error *err);

/* Writes a checked event as a line with its newline, with room for the hash that event_seal fills in. */
void event_put(buf *into, const event *e);

/* Fills in the hash of the line (its length without the newline) and makes it the one to go on from. */
void event_seal(char *line, size_t length, char previous[SHA256_TEXT]);

/* The hash that the line ought to have after `previous`. False: it is too short to have one. */
bool event_hash(const char *line, size_t length, const char *previous, char ret_hash[SHA256_TEXT]);

/* The member hash of a line, or NULL when it does not end with one. */
const char *event_line_hash(const char *line, size_t length);

/* Reads a line as event_put and event_seal write it; no other form is one. The event's texts lie in `scratch`, which is
 * cleared first; its line is the one given. The hash is not judged here. */
LB_MUST_CHECK int event_parse(const char *line, size_t length, buf *scratch, event *ret_event, lb_error *err);

/* Only seq and kind (not NUL-terminated), without touching the line. */
bool event_peek(const char *line, size_t length, uint64_t *ret_seq, const char **ret_kind, size_t *ret_kind_length);

#endif
