/* event_log.h: the log of all events: JSON lines in segments, each line chained to the one before by its hash (event.h)
 * so that a gap or an edit shows. Writing and syncing happen in a thread of its own, in groups; adding never blocks.
 * [supervisor]
 *
 * Layout: DIR/<first seq, 20 digits>.ndjson; DIR/lock is held by the one writer. Opening after a crash cuts a torn last
 * line (kept in <segment>.torn). A chain that is broken elsewhere is never mended: it is said, and writing goes on in a
 * new segment whose header names the break. What the chain alone cannot show is that the newest lines are missing. */
#ifndef LBOPS_HOST_EVENT_LOG_H
#define LBOPS_HOST_EVENT_LOG_H

#include "event.h"

#include <ev.h>

typedef struct event_log event_log;

/* Called on the loop. Any may be NULL. None is called from inside event_log_add. */
typedef struct event_log_hooks {
    void *state;
    void (*durable)(void *state, uint64_t seq);          /* every event up to seq is on disk */
    void (*trouble)(void *state, const lb_error *error); /* writing fails, is tried again each second; NULL: it works */
    void (*room)(void *state);                           /* an event was refused with LB_ERR_LIMIT; now there is room */
} event_log_hooks;

typedef struct event_log_options {
    struct ev_loop *loop;
    const char *dir; /* state_dir/events; made if missing */
    event_log_hooks hooks;
    /* 0 stands for the default */
    size_t segment_bytes; /* a new segment after so many, 16 MiB */
    int64_t segment_s;    /* or when it is so old, a day */
    int64_t keep_s;       /* segments whose newest event is older go, once event_log_passed allows it; 90 days */
    size_t backlog_bytes; /* what waits in memory at most, 64 MiB */
} event_log_options;

/* What opening found. */
typedef struct event_log_found {
    uint64_t first, last; /* seq of the oldest kept event and of the newest; 0: none yet */
    char torn[512];       /* a sentence: a torn line was cut, and where it is kept; "" for none */
    char broken[512];     /* a sentence: FILE, line and what is wrong with the chain; "" for none */
} event_log_found;

/* LB_ERR_CONFLICT: another process writes to this log; the message says which. */
LB_MUST_CHECK int event_log_open(const event_log_options *options, event_log **ret_log, event_log_found *ret_found,
                                 lb_error *err);

/* Writes what is left (a disk that is full is tried once more), calls back, ends the thread. After a failure the hook
 * `trouble` has said so, and durable events end before those. */
event_log *event_log_free(event_log *log);

/* Accepts an event and gives it its seq. From then on only a crash of this process can lose it, until `durable` says
 * that it is on disk, after which nothing can. LB_ERR_LIMIT: the backlog is full (a slow or full disk); hold back what
 * depends on it and try again when `room` is called. LB_ERR_INVALID: it is no sound event and never will be. */
LB_MUST_CHECK int event_log_add(event_log *log, const event *e, uint64_t *ret_seq, lb_error *err);

uint64_t event_log_last(event_log *log);          /* accepted */
uint64_t event_log_durable(const event_log *log); /* on disk, as far as the hook was told */
size_t event_log_backlog(event_log *log);         /* bytes that wait or are being written */

/* Every subscription has passed all events up to seq (UINT64_MAX: there are none). Old segments up to there may go;
 * before the first call none does. */
void event_log_passed(event_log *log, uint64_t seq);

#endif
