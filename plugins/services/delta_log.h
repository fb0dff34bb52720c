/* delta_log.h: a table's _delta_log: what it says (the snapshot), and commits put into it.
 *
 * A commit is written under a name of its own, synced, and linked to its version's name: link(2) fails when that
 * version exists, so a second writer is never overwritten. We speak reader version 1 and writer version 2, which is all
 * that an append-only history with removes needs; a table that somebody has upgraded past that is refused. */
#ifndef LBOPS_SERVICES_DELTA_LOG_H
#define LBOPS_SERVICES_DELTA_LOG_H

#include "delta_engine.h"

#define DELTA_READER_VERSION 1
#define DELTA_WRITER_VERSION 2
#define DELTA_PARTITION      "date"

typedef struct delta_data_file {
    char *path;                      /* relative, decoded */
    char *partition;                 /* its date, or NULL */
    char *stats;                     /* JSON text, or NULL */
    int64_t size, modified_ms, rows; /* rows: -1 where the statistics do not say */
    uint64_t hash;
} delta_data_file;

typedef struct delta_data_files {
    delta_data_file *items;
    size_t count, capacity;
} delta_data_files;

/* A file that is in no later snapshot; it lies on the disk until the vacuum's grace is over. */
typedef struct delta_tombstone {
    char *path, *partition;
    int64_t deleted_ms, size;
} delta_tombstone;

typedef struct delta_application {
    char *id;
    int64_t version, updated_ms;
} delta_application;

typedef struct delta_snapshot {
    int64_t version;      /* -1: no table yet */
    int64_t checkpoint;   /* version of the newest one that we know, or -1 */
    int64_t timestamp_ms; /* of the last commit that says it */
    int reader, writer;
    char *id, *name, *description, *schema, *partition_columns, *configuration; /* JSON texts from schema on */
    int64_t created_ms;
    delta_data_files files;
    delta_tombstone *tombstones;
    size_t tombstone_count, tombstone_capacity;
    delta_application *applications;
    size_t application_count, application_capacity;
} delta_snapshot;

void delta_data_file_done(delta_data_file *file);
void delta_data_files_done(delta_data_files *files);
void delta_snapshot_done(delta_snapshot *snapshot);
const delta_data_file *delta_snapshot_find(const delta_snapshot *snapshot, const char *path);
int64_t delta_snapshot_application(const delta_snapshot *snapshot, const char *id); /* -1: never */

/* Brings a snapshot (zeroed with version -1 at first) up to the newest commit in DIR/_delta_log. The engine reads
 * checkpoints; it is asked for when there is one to read. */
typedef struct delta_log {
    const char *directory;                             /* of the table */
    delta_engine *(*engine)(void *arg, lb_error *err); /* NULL after a failure */
    void *arg;
} delta_log;
LB_MUST_CHECK int delta_log_read(const delta_log *log, delta_snapshot *snapshot, lb_error *err);

/* One action in its JSON form into the snapshot: a line of a commit, a row of a checkpoint. */
LB_MUST_CHECK int delta_replay(delta_snapshot *snapshot, const char *json, size_t length, lb_error *err);

/* May we write? LB_ERR_UNSUPPORTED when somebody upgraded the table. */
LB_MUST_CHECK int delta_check_protocol(const delta_snapshot *snapshot, const char *table, lb_error *err);

/* Puts a commit there. LB_ERR_CONFLICT: that version exists already, nothing happened. *ret_stands: the commit is
 * visible, even where the call fails afterwards because it could not be made durable. */
LB_MUST_CHECK int delta_log_put(const char *directory, int64_t version, const delta_text *actions, bool *ret_stands,
                                lb_error *err);

/* _last_checkpoint, written or replaced. */
LB_MUST_CHECK int delta_log_point(const char *directory, int64_t version, int64_t actions, int64_t size, lb_error *err);

char *delta_log_path(const char *directory, int64_t version, const char *suffix); /* ".json"; the caller frees */

#endif
