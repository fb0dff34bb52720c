/* event_reader.h: what the two files of a reader share: event_seek.c opens segments, event_read.c reads their lines.
 * Nobody else includes this. */
#ifndef LBOPS_HOST_EVENT_READER_H
#define LBOPS_HOST_EVENT_READER_H

#include "event_read.h"

#define EVENT_READ_BYTES  ((size_t)63 * 1024)
#define EVENT_NOT_COUNTED UINT64_MAX

/* How far it came. All that has to be taken back when a line must be read again. */
typedef struct event_place {
    uint64_t seq;  /* of the last event looked at; 0: not known yet */
    uint64_t line; /* lines before the next one; UINT64_MAX: not counted */
    off_t offset;  /* where the next line starts */
    bool is_chained;
    char previous[SHA256_TEXT]; /* hash to go on from, when it is chained */
} event_place;

struct event_reader {
    char *dir, *path;
    event_read_options options;
    uint64_t bound;
    int fd, watch;
    uint64_t first;    /* names the open segment; 0: none is open yet */
    uint64_t segments; /* opened so far */
    event_place at;
    bool was_reread; /* the line at at.offset has been given a second chance */
    buf chunk;       /* bytes of the file from at.offset on, after `consumed` */
    size_t consumed;
    buf texts;
};

/* LB_ERR_NOT_FOUND: it has been deleted. */
LB_MUST_CHECK int event_reader_open_segment(event_reader *r, uint64_t first, lb_error *err);
void event_reader_forget_chunk(event_reader *r);

#endif
