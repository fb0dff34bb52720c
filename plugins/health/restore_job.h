/* restore_job.h: the way of archived rows back into their table, whole batches at a time.
 *
 * A batch is what the ledger (lbops_archive) has a proof of: so many rows, and the sum of the digests that this server
 * gave them when it deleted them. Its rows are read from the lakehouse, each as a text of its cells, and travel as
 * values in the one statement that inserts those that are not there, makes the digests anew of what the table has then,
 * and turns the batch's step from deleted to given_up (its checksum says restored). All of that happens, or nothing: a
 * row is cold before it and hot after it, also for views that were made long before. Archived again it is of another
 * batch.
 *
 * Before a person is asked the server has said what the rows come to, and that nothing which is there now stands in
 * their way. Less than a batch has no proof, and more than one statement holds has no way. */
#ifndef LBOPS_RESTORE_JOB_H
#define LBOPS_RESTORE_JOB_H

#include "archival_source.h"

#include <sql/archival/left_batches.h>
#include <sql/archival/restore_table.h>

#define RESTORE_WEIGHT (INT64_C(3400) << 10) /* bytes of a group, of the four million that can wait for an approval */

typedef struct restore_batch {
    archival_left_batches_row r;
    bool is_wanted;
    const lb_sql *came; /* its rows in the types of the table */
    int64_t there;      /* of them, rows that the table has already */
    int64_t weight;     /* about how many bytes its statement has where it waits */
} restore_batch;

typedef struct restore_job {
    lb_ctx *ctx;
    archival_source source;
    archival_restore_table_row table;
    archival_pieces columns, keys, written; /* of what came: typed; c.a of the key; c.a of all that is inserted */
    lb_texts names;                         /* of these */
    const lb_sql *cells;                    /* of a row in the lakehouse, as one text */
    restore_batch *batches;                 /* that are wanted, in the order of their keys */
    size_t count;
} restore_job;

/* Batches and archivals by name (none: all of the table); of those, such as hold a row of a span of time, LB_TIME_NONE
 * where it is open, and the row of a key, by the texts of its parts (none: any). */
typedef struct restore_wish {
    lb_texts names, key;
    int64_t since, until;
} restore_wish;

/* Fills everything but the batches. */
LB_MUST_CHECK int restore_compose(restore_job *job, lb_error *err);

/* Fills the batches with those that have left and that the wish is about. */
LB_MUST_CHECK int restore_find(restore_job *job, const restore_wish *wish, lb_error *err);

/* Its rows, and the server's word on them: LB_ERR_CONFLICT where they cannot come back as they left. */
LB_MUST_CHECK int restore_read(restore_job *job, restore_batch *batch, lb_error *err);

const char *restore_lake_label(lb_ctx *ctx, const restore_batch *batch); /* NULL: out of memory */

#endif
