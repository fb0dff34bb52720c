/* event_segment.h: the files of the log of events: their names, their headers, and which there are. [any] */
#ifndef LBOPS_HOST_EVENT_SEGMENT_H
#define LBOPS_HOST_EVENT_SEGMENT_H

#include "event.h"

#define EVENT_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000" /* before the first line */

/* The first line of a segment. */
typedef struct event_header {
    uint64_t first; /* seq of the first event that follows */
    int64_t at;     /* when the segment was begun */
    char previous[SHA256_TEXT];
    char broken[512]; /* what is wrong in the segment before, which is why this one was begun; or "" */
} event_header;

/* With its newline and its hash, which goes to header->previous for the next line. */
void event_header_put(buf *into, event_header *header);
LB_MUST_CHECK int event_header_parse(const char *line, size_t length, event_header *ret_header, lb_error *err);

/* Reads only the first line of a segment. LB_ERR_CONFLICT: it is no header. */
LB_MUST_CHECK int event_header_read(const char *dir, uint64_t first, event_header *ret_header, lb_error *err);

char *event_segment_path(const char *dir, uint64_t first); /* the caller frees */

/* The segments that are there by their names, oldest first. A missing directory has none. The caller frees. */
LB_MUST_CHECK int event_segments(const char *dir, uint64_t **ret_firsts, size_t *ret_count, lb_error *err);

#endif
