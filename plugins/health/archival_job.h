/* archival_job.h: the way of a table's cold rows to the lakehouse, in steps that each can be the last.
 *
 *   planned    the batch, a range of keys, is written down in the server itself (lbops_archive.batches)
 *   exported   its rows are in the lakehouse under its key, counted, summed and read back there
 *   deleted    the statement that deletes the rows writes this down too, if they are still the same to the last bit
 *   given_up   they are not: what was exported does not count, and the rows are of a later batch; also a batch that was
 *              deleted and has been brought back (restore_job.h)
 *
 * A row is hot until its batch is deleted and cold from then on, so each is in exactly one place at any moment,
 * wherever the way is broken off. While batches of a table are open no others are planned. */
#ifndef LBOPS_ARCHIVAL_JOB_H
#define LBOPS_ARCHIVAL_JOB_H

#include "archival_source.h"

typedef struct archival_options {
    const cold_policy *policy;
    const char *catalog, *schema, *name; /* of the archive; name NULL: one that the table's gives */
    int64_t batch_rows, max_rows, min_rows, pause_ms, partitions_ahead, detach_wait_s;
    bool abandon;
} archival_options;

typedef struct archival_batch {
    const char *key;
    int64_t place;
    lb_texts after, up_to;
    bool is_exported, is_new; /* exported; by this run */
    bool was_there;           /* of an earlier run, which did not come to note it */
    bool is_given_up;
    int64_t rows, digest, bytes, version;
    const char *checksum;
} archival_batch;

typedef struct archival_job {
    lb_ctx *ctx;
    const archival_options *options;
    const cold_set *set;
    archival_source source;
    const char *id, *time_column, *ground;
    lb_lake_name lake;
    const char *lake_label;
    double threshold_days;
    int64_t cutoff, begun;
    archival_batch *batches; /* the open ones, in the order of their keys */
    size_t count, given_up;
    bool was_open; /* they were there before this run */
    int64_t rows_exported, rows_given_up;
    int64_t too_few; /* cold rows that are left where they are, as they are fewer than min_rows */
    double plan_s, copy_s, prove_s, delete_s; /* that the steps took */
    lb_outcome deletion;                      /* 0: none was asked for */
} archival_job;

/* Open batches of earlier runs; none: the ones that are to be. count 0 afterwards: there is nothing cold. */
LB_MUST_CHECK int archival_plan(archival_job *job, lb_error *err);

/* Of what is to be copied: LB_ERR_UNSUPPORTED where a row has a moment that the lakehouse cannot hold. */
LB_MUST_CHECK int archival_check_moments(const archival_job *job, lb_error *err);

/* What is not in the lakehouse yet, and the proof that all of it is; gives up what there is nothing to prove by. */
LB_MUST_CHECK int archival_export(archival_job *job, lb_error *err);

/* Gives up batches of earlier runs whose rows are no longer those that were exported, or that have other columns now.
 */
LB_MUST_CHECK int archival_check(archival_job *job, lb_error *err);
LB_MUST_CHECK int archival_note_given_up(archival_job *job, lb_error *err);

/* Asks for the deletion of what is proven. */
LB_MUST_CHECK int archival_delete(archival_job *job, lb_error *err);

/* Makes partitions that will be needed soon. */
LB_MUST_CHECK int archival_make_ahead(archival_job *job, lb_error *err);

/* Asks for the end of partitions that are past the cutoff and empty. */
LB_MUST_CHECK int archival_drop_partitions(archival_job *job, lb_error *err);

/* History and event of what has been deleted since the last run that told. */
LB_MUST_CHECK int archival_tell_deleted(lb_ctx *ctx, lb_error *err);

/* A row of data_archival_history and the job's place in the result. */
LB_MUST_CHECK int archival_note(const archival_job *job, const char *step, const char *status, const lb_value *more,
                                lb_error *err);
/* Evidence that a person's hold on one of them stops an approved change: the table, its partitions and what it is one
 * of, or was until it was detached (was_of, or NULL). */
LB_MUST_CHECK int archival_tables_of(const archival_job *job, const cold_table *table, const cold_table *was_of,
                                     lb_value *ret_tables, lb_error *err);
lb_value archival_held_by(void);
/* Seconds since a moment. */
double archival_since(const archival_job *job, int64_t moment);
archival_range archival_range_of(const archival_job *job, const archival_batch *batch);

#endif
