/* delta_local.h: the local history: Delta tables in a folder, written and read by DuckDB in this process.
 *
 *   ROOT/lock                     held by the one process that writes
 *   ROOT/TABLE/_delta_log/        the table, for anybody who speaks Delta
 *   ROOT/TABLE/date=.../part-*    its data
 *   ROOT/TABLE/_lbops/ledger      outbox files that it has taken
 *   ROOT/TABLE/_lbops/stage-*     files being written; swept when the table is opened
 *   ROOT/tmp-PID                  where sorts of a process spill; swept when that process is gone
 *
 * After any failure what is in memory is forgotten and the disk is believed. */
#ifndef LBOPS_SERVICES_DELTA_LOCAL_H
#define LBOPS_SERVICES_DELTA_LOCAL_H

#include "delta_ledger.h"
#include "delta_scan.h"

#define DELTA_TEMP "tmp-"

typedef struct delta_settings {
    const char *path, *lake_root, *catalog_password;
    lb_texts catalogs;
    int64_t flush_interval_s, flush_mb, flush_rows, upkeep_interval_s;
    int64_t memory_mb, threads, checkpoint_commits, compact_mb, compact_files;
    int64_t vacuum_grace_hours, log_days, rollup_days, ledger_days;
    lb_texts retention;
} delta_settings;

typedef struct delta_local delta_local;
typedef struct delta_asker delta_asker;

typedef struct delta_table {
    delta_local *owner;
    delta_table_def def;
    char *directory;
    bool writable; /* snapshot and ledger are loaded, under the lock */
    delta_snapshot snapshot;
    delta_ledger ledger;
    duckdb_prepared_statement write_one; /* prepared when first needed; its plan costs more than its work */
} delta_table;

struct delta_local {
    const lb_service_host *host;
    delta_settings settings;
    char *root, *temp_dir, *lake_root, *catalog_password;
    char **catalogs;      /* NAME=CONNINFO; ends with NULL */
    delta_engine *engine; /* for commits and upkeep; opened when first needed */
    delta_scan *scan;     /* what outbox() reads */
    delta_asker *asker;   /* for questions of tools; opened when first needed */
    delta_table *tables;
    size_t table_count;
    int lock_fd;
};

/* ---- tables ---- */

delta_table *delta_find_table(const delta_local *local, const char *name);
delta_engine *delta_get_engine(void *local, lb_error *err);

/* Takes the lock, reads the log, opens the ledger, sweeps what a dead process left. Cheap when it is done already:
 * then only what others committed is read. */
LB_MUST_CHECK int delta_table_open(delta_table *table, lb_error *err);
void delta_table_forget(delta_table *table);

/* ---- changes ---- */

typedef struct delta_change {
    const char *operation; /* as Delta names them: WRITE, OPTIMIZE, DELETE ... */
    bool data_change;
    delta_data_files adds;
    const char **removes; /* paths */
    size_t remove_count;
    int64_t rows;                  /* for the metrics */
    int64_t sequence;              /* of the ledger, or -1 */
    const char *const *outbox_ids; /* files that it commits */
    size_t outbox_count;
    bool stands; /* out: the commit is in the log, whatever failed after that */
} delta_change;

/* Commits it as the next version, again after each foreign commit that came between. LB_ERR_CONFLICT: a file to be
 * removed is no longer there. A table that does not exist is made; columns that it lacks are added. After a failure the
 * table must be forgotten. */
LB_MUST_CHECK int delta_commit_change(delta_table *table, delta_change *change, lb_error *err);

/* The schema with every column of ours, or NULL when it has them all. */
LB_MUST_CHECK int delta_schema_with(const delta_table_def *def, const char *schema, char **ret_schema, lb_error *err);

/* A checkpoint when `commits` have come since the last one. */
LB_MUST_CHECK int delta_checkpoint(delta_table *table, int64_t commits, int64_t *ret_written, lb_error *err);

/* ---- data files ---- */

/* Runs a COPY ... (RETURN_STATS) whose last parameter is where to write: a new folder under _lbops. What it wrote is
 * then synced and moved beside the table's data, and described in `adds`. partition: the date of all rows, for a COPY
 * that writes one file; NULL: the COPY's own folders say it. */
LB_MUST_CHECK int delta_write_data(delta_table *table, const char *sql, duckdb_value *values, size_t count,
                                   const char *partition, int64_t deadline, delta_data_files *adds, lb_error *err);
/* The same for the few rows of the scan in hand when they are all of one date: one file, without a folder of its own,
 * by a statement that stays prepared. A scan that turns out mixed has written nothing. */
LB_MUST_CHECK int delta_write_one(delta_table *table, int64_t deadline, delta_data_files *adds, lb_error *err);
void delta_drop_data(const delta_table *table, delta_data_files *adds); /* unlinks what will not be committed */
void delta_settle_data(const delta_table *table, delta_change *change, int result); /* ends a change */

/* One row of RETURN_STATS as Delta statistics. */
void delta_stats_put(const delta_table_def *def, duckdb_data_chunk chunk, idx_t row, int64_t rows, delta_text *text);

/* ---- the service's calls ---- */

int delta_local_commit(void *state, const char *name, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                       lb_delta_receipt *ret_receipt, lb_error *err);
int delta_local_maintain(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err);
int delta_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err);

/* Upkeep's parts. */
LB_MUST_CHECK int delta_compact(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err);
LB_MUST_CHECK int delta_roll_up(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err);
LB_MUST_CHECK int delta_expire(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err);
LB_MUST_CHECK int delta_vacuum(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err);

/* A SELECT of the table's columns with their types and no row: a table without files has them, and files without a
 * column get it. has_date: of the partition's date as well. */
void delta_put_empty(delta_text *sql, const delta_table_def *def, bool has_date);

/* What one SELECT names and may name; LB_ERR_DENIED for anything that is not a question to the tables. *ret_names: the
 * base tables in it, NULL-terminated, freed by delta_names_free. */
LB_MUST_CHECK int delta_question_check(delta_engine *engine, const char *text, char ***ret_names, lb_error *err);
char **delta_names_free(char **names);

/* The same for questions to the lakehouse: names of one part (of what WITH has named) or three. The last one's name is
 * NULL. */
typedef struct delta_named {
    char *catalog, *schema, *name;
} delta_named;
LB_MUST_CHECK int delta_question_tables(delta_engine *engine, const char *text, delta_named **ret_names, lb_error *err);
delta_named *delta_named_free(delta_named *names);

/* Runs one that has been checked, with its values, and hands the answer over. */
LB_MUST_CHECK int delta_answer(delta_engine *engine, const lb_delta_question *question, const lb_delta_sink *sink,
                               bool *ret_cut, lb_error *err);

delta_asker *delta_asker_free(delta_asker *asker);

#endif
