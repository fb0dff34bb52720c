/* outbox.h: the writing half of the outbox: records wait here, durable, until the delta service has committed them.
 *
 * Layout: DIR/<table>/<id>.ndjson, a JSON object a line, the first line a header
 * {"lbops_outbox":1,"table":...,"run_id":..., "rows":N}. A file appears under its final name only when it is complete
 * and fsynced. Names sort by the time they were made. Half-written files are <id>.<pid>.tmp and are removed when their
 * writer is gone. Reading is the delta service's part. */
#ifndef LBOPS_HOST_OUTBOX_H
#define LBOPS_HOST_OUTBOX_H

#include "tables.h"

#define OUTBOX_UNFINISHED ".tmp" /* how names end */
#define OUTBOX_VISIBLE    ".ndjson"

/* A batch collects the records of one run (or one group of run rows) and is written at once. */
typedef struct outbox_batch outbox_batch;

/* dir is made if missing, with the first write. limit: bytes that a batch may hold in memory before it spills to
 * temporary files; the largest row comes on top. */
outbox_batch *outbox_batch_new(const char *dir, const char *run_id, size_t limit);

/* Files of this batch stand in a journal as well (journal.h): as DIR/<run_id>-<id>.<kind>, linked when they are synced
 * and before they show, so that whoever finds a temporary file with a link knows that it is complete. */
#define OUTBOX_INTENT  "intent"
#define OUTBOX_OUTCOME "outcome"
void outbox_batch_journal(outbox_batch *batch, const char *dir, const char *run_id, const char *kind);

outbox_batch *outbox_batch_free(outbox_batch *batch); /* drops what was not committed, temporary files too */

/* Validates and keeps one record. A failure leaves the batch as it was. An unknown table is LB_ERR_NOT_FOUND. */
LB_MUST_CHECK int outbox_add(outbox_batch *batch, const char *table, const lb_value *values, const lb_target *target,
                             lb_error *err);
/* The run a row belongs to, where it is not the batch's own (run rows written in groups). */
LB_MUST_CHECK int outbox_add_for(outbox_batch *batch, const char *table, const lb_value *values,
                                 const lb_target *target, const char *run_id, lb_error *err);
int64_t outbox_rows(const outbox_batch *batch); /* not committed yet */

/* Makes everything durable: after 0 the records survive a power cut. After a failure none is visible and the batch
 * still holds them, so that it can be tried again (a file that shows already and can no longer be hidden counts as
 * written: the next try makes it durable and never writes its rows twice). The batch is empty after success. */
LB_MUST_CHECK int outbox_commit(outbox_batch *batch, lb_error *err);

/* 1: a file of the table that shows, and was written after that time, holds the text; 0: none does. */
LB_MUST_CHECK int outbox_holds(const char *dir, const char *table, const char *text, int64_t since, lb_error *err);

/* The temporary file of that id, which a writer that is dead has left: whether there is one, and renaming it into
 * place. 1: there was, 0: there was none (it shows, or has been taken away). Only for files that are known to be
 * complete. */
LB_MUST_CHECK int outbox_is_unfinished(const char *dir, const char *table, const char *id, lb_error *err);
LB_MUST_CHECK int outbox_finish(const char *dir, const char *table, const char *id, lb_error *err);

/* Removes *.tmp files whose writer (the pid in their name) no longer lives. Returns how many, or an error. A pid that
 * is in use again only delays it. A file with a link in a journal is not half-written: it stays. */
LB_MUST_CHECK int outbox_sweep(const char *dir, lb_error *err);
LB_MUST_CHECK int outbox_sweep_directory(const char *dir, lb_error *err); /* the same for one directory's own files */

/* Bytes that files under dir take, half-written ones too, for limits and reports. A missing dir holds 0. */
LB_MUST_CHECK int outbox_size(const char *dir, int64_t *ret_bytes, lb_error *err);

#endif
