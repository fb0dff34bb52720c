/* event_file.h: the writing end of the log's files: opening after a crash, committing, new segments, deleting old ones.
 * Blocks on the disk, so it belongs to the log's own thread once it is open. For event_log.c alone. */
#ifndef LBOPS_HOST_EVENT_FILE_H
#define LBOPS_HOST_EVENT_FILE_H

#include "event_log.h"
#include "event_segment.h"

typedef struct event_file {
    char *dir, *path;
    int lock, fd; /* fd -1: the next commit begins a segment */
    size_t segment_bytes;
    int64_t segment_us, keep_us;
    uint64_t first;             /* seq of the first event of the open segment */
    uint64_t next;              /* seq of the first event of the next commit */
    int64_t begun;              /* when the open segment was */
    off_t durable;              /* bytes of it that are on disk for certain */
    bool is_dirty;              /* there may be more bytes behind them, of a commit that failed */
    char previous[SHA256_TEXT]; /* hash of the last line */
    char broken[512];           /* for the header of the next segment: what is wrong in this one */
} event_file;

/* Takes the lock, looks at what is there and makes it fit to go on. dir and the three limits are set already. After a
 * failure event_file_done is due as well. */
LB_MUST_CHECK int event_file_open(event_file *f, event_log_found *ret_found, lb_error *err);
void event_file_done(event_file *f);

/* Lines as event_put wrote them, for events from f->next on. Seals them first, once (*is_sealed). After 0 they are on
 * disk; after a failure nothing is, and the same call can be made again. */
LB_MUST_CHECK int event_file_commit(event_file *f, buf *lines, bool *is_sealed, uint64_t last, lb_error *err);

/* Deletes the segments that are old enough and hold nothing after `passed`. */
LB_MUST_CHECK int event_file_trim(const event_file *f, uint64_t passed, lb_error *err);

#endif
