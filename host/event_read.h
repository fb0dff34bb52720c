/* event_read.h: reading the log of events, beside its writer or without one. Any number of readers; each has its own
 * place. Nothing here writes. [any] */
#ifndef LBOPS_HOST_EVENT_READ_H
#define LBOPS_HOST_EVENT_READ_H

#include "event.h"

typedef struct event_reader event_reader;

/* All that is given must hold. NULL and 0: anything. */
typedef struct event_filter {
    const char *kind; /* a pattern with * and ? */
    const char *run_id, *tool, *agent, *project, *branch;
    int64_t since; /* microseconds since 1970: events at or after */
} event_filter;

typedef struct event_read_options {
    uint64_t from;       /* the first seq to give; 0: the oldest kept */
    event_filter filter; /* its texts must outlive the reader */
    bool verify;         /* check the chain along the way */
    bool follow;         /* watch the directory from now on: event_reader_fd (makes it, when it is missing) */
} event_read_options;

/* A missing directory is an empty log. */
LB_MUST_CHECK int event_reader_new(const char *dir, const event_read_options *options, event_reader **ret_reader,
                                   lb_error *err);
event_reader *event_reader_free(event_reader *r);

/* The next event that passes the filter: 1, and it is good until the next call. 0: there is no more now. Negative: a
 * broken line, link or file (LB_ERR_CONFLICT), FILE:LINE in the message; calling again goes on behind it. Other errors
 * are of the disk. At most `limit` lines are looked at (0: any number); when they are used up the answer is 0 as well,
 * and event_reader_seq says how far it came. */
LB_MUST_CHECK int event_reader_next(event_reader *r, size_t limit, event *ret_event, lb_error *err);

/* Reads no event past this one, such as one that is not durable yet. UINT64_MAX at first: all there are. */
void event_reader_bound(event_reader *r, uint64_t seq);

uint64_t event_reader_seq(const event_reader *r); /* of the last line that was looked at, passed the filter or not */
int event_reader_fd(const event_reader *r);       /* readable when there may be more; only with `follow` */
const char *event_reader_file(const event_reader *r); /* where the last line stands; "" at the start */
uint64_t event_reader_line(event_reader *r);          /* and which line it is there */

/* For the writer: where the last whole line ends in its file, and its hash. */
int64_t event_reader_end(const event_reader *r);
const char *event_reader_head(const event_reader *r);
uint64_t event_reader_segments(const event_reader *r); /* opened so far */

typedef struct event_verified {
    uint64_t first, last, count, segments, breaks;
    char head[SHA256_TEXT]; /* hash of the newest line: keep it elsewhere to see whether lines are missing at the end */
} event_verified;

/* Checks the whole chain. `found` is called for each break with FILE:LINE in the message. */
LB_MUST_CHECK int event_verify(const char *dir, void (*found)(void *state, const lb_error *brk), void *state,
                               event_verified *ret_result, lb_error *err);

#endif
