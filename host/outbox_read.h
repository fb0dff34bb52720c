/* outbox_read.h: the reading half of the outbox: what waits there, and how files leave it. outbox.h says how it looks.
 *
 * A file leaves in one of three ways: removed, because its rows are in the history; set aside, because it is damaged
 * (DIR/damaged/TABLE.ID.ndjson, with the reason beside it in TABLE.ID.reason); thinned, because the disk must not be
 * filled. Only outbox_thin loses records, and it counts them. */
#ifndef LBOPS_HOST_OUTBOX_READ_H
#define LBOPS_HOST_OUTBOX_READ_H

#include "clock.h"
#include "outbox.h"

#define OUTBOX_DAMAGED "damaged"

typedef struct outbox_file {
    char id[ID_TEXT];
    int64_t bytes, rows; /* rows: as its header says; 0 where it cannot be read */
} outbox_file;

typedef struct outbox_table {
    const table_def *table;
    outbox_file *files; /* in the order of their ids */
    size_t count, capacity;
    int64_t bytes, rows;
} outbox_table;

typedef struct outbox_listing {
    outbox_table *tables; /* one for each history table, in their order */
    size_t count;
    int64_t files, bytes, rows;
    int64_t strangers;    /* directories and files that are none of ours: left alone */
    char oldest[ID_TEXT]; /* smallest id, half-written files too; "" when nothing is there */
} outbox_listing;

LB_MUST_CHECK int outbox_list(const char *dir, outbox_listing *ret_listing, lb_error *err);
void outbox_listing_done(outbox_listing *listing);

char *outbox_path(const char *dir, const char *table, const char *id); /* the caller frees */

LB_MUST_CHECK int outbox_remove(const char *dir, const char *table, const char *id, lb_error *err);
LB_MUST_CHECK int outbox_set_aside(const char *dir, const char *table, const char *id, const char *reason,
                                   lb_error *err);

/* Records that may be thinned: of metrics only, the most plentiful first. Never those of anything that somebody may
 * have to account for (audit_log, approval_history, tool_runs and all the rest). */
bool outbox_may_thin(const char *table);

typedef struct outbox_thinned {
    int64_t files, rows, bytes;
} outbox_thinned;

/* Deletes the oldest files of the tables that may be thinned, table after table, until at most `limit` bytes wait or
 * nothing is left that may go. */
LB_MUST_CHECK int outbox_thin(const char *dir, const outbox_listing *listing, int64_t limit,
                              outbox_thinned *ret_thinned, lb_error *err);

#endif
