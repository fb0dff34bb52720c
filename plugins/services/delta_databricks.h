/* delta_databricks.h: what the files of the service share: the history as Delta tables of Unity Catalog, written and
 * asked through a SQL warehouse.
 *
 *   /Volumes/CATALOG/SCHEMA/VOLUME/outbox/TABLE/ID.parquet   outbox file ID on its way; gone when its rows are loaded
 *   STATE_DIR/delta_databricks/lock                          held by the one process that writes
 *   STATE_DIR/delta_databricks/next.parquet                  the outbox file that is being uploaded
 *
 * Exactly once: the name in the volume follows from the outbox id alone, and COPY INTO loads a path at most once in the
 * life of its table. So whatever was cut, lost or answered too late, doing all of it again is right. */
#ifndef LBOPS_SERVICES_DELTA_DATABRICKS_H
#define LBOPS_SERVICES_DELTA_DATABRICKS_H

#include "auth_config.h"
#include "auth_token.h"
#include "delta_ledger.h"
#include "delta_scan.h"
#include "rest_client.h"

#define BRICKS_NAME_MOST 255
#define BRICKS_PARTITION "date"

typedef struct bricks_settings {
    auth_settings auth;
    const char *ca_file, *warehouse_id, *catalog, *schema, *volume;
    int64_t flush_interval_s, flush_bytes, flush_rows, upkeep_interval_s;
    int64_t poll_ms, retry_pause_ms, attempt_timeout_s, retry_budget_s;
    int64_t vacuum_grace_hours, rollup_days, memory_mb;
    bool optimize;
    lb_texts retention;
} bricks_settings;

typedef struct bricks_table {
    delta_table_def def;
    bool ready; /* it is there, with all columns */
} bricks_table;

/* How answers show points in time. */
typedef enum bricks_times { BRICKS_TIMES_UNKNOWN, BRICKS_TIMES_WHOLE, BRICKS_TIMES_CUT } bricks_times;

typedef struct bricks {
    const lb_service_host *host;
    bricks_settings settings; /* numbers; its texts are the caller's and NULL here */
    char *warehouse, *catalog, *schema, *volume, *ca_file, *stage_dir;
    auth *auth;
    rest_client *client;
    lb_service_host patient; /* the host, without its wish to stop: a statement is cancelled when everything ends */
    rest_client *parting;
    delta_engine *engine; /* opened when first needed */
    delta_scan *scan;     /* what outbox() reads */
    bricks_table *tables;
    size_t table_count;
    bricks_times times;
    void (*meanwhile)(void *arg); /* what can be done while a question is answered; or NULL */
    void *meanwhile_arg;
    bool grounded; /* catalog, schema and volume are there */
    int lock_fd;
} bricks;

bricks_table *bricks_find_table(const bricks *b, const char *name);
int64_t bricks_left(const bricks *b, int64_t deadline); /* microseconds */

/* ---- text of statements (delta_databricks_text.c) ---- */

void bricks_identifier(delta_text *sql, const char *name);  /* `a``b`: the one way a name gets into a statement */
void bricks_literal(delta_text *sql, const char *text);     /* 'a\'b': the one way a text does */
char *bricks_full_name(const bricks *b, const char *table); /* `c`.`s`.`t` */
const char *bricks_type(lb_type type);                      /* BIGINT */
char *bricks_folder(const bricks *b, const char *table);    /* /Volumes/c/s/v/outbox/t */

void bricks_lake_full_name(delta_text *sql, const lb_lake_name *name);

/* ---- statements (delta_databricks_statement.c) ---- */

typedef struct bricks_value {
    const char *name, *value, *type;
} bricks_value;

typedef struct bricks_statement {
    const char *text, *what; /* what: for messages */
    const bricks_value *values;
    size_t value_count;
    int64_t row_limit, byte_limit; /* 0: none */
    int64_t deadline;
    bool anywhere; /* it names catalog and schema itself: the history's need not be there */
} bricks_statement;

/* Runs it to its end. *ret_answer: the last answer, put by the caller. *ret_doubt: it failed for us, and may have been
 * carried out all the same, or may be yet; NULL: that does not matter. Past the deadline it is cancelled. */
LB_MUST_CHECK int bricks_run(bricks *b, const bricks_statement *statement, struct json_object **ret_answer,
                             bool *ret_doubt, lb_error *err);
/* The same where the answer says nothing that matters. */
LB_MUST_CHECK int bricks_do(bricks *b, const char *text, const char *what, int64_t deadline, lb_error *err);

/* A question's answer. */
typedef struct bricks_answer {
    struct json_object *rows;
    struct json_object *shape; /* its columns, where those of `rows` have numbers in place of points in time; or NULL */
} bricks_answer;

/* Asks so that points in time come to the microsecond (delta_databricks_exact.c). What is filled is the caller's to
 * end, whatever is returned. */
LB_MUST_CHECK int bricks_ask(bricks *b, const bricks_statement *question, bricks_answer *ret_answer, lb_error *err);
void bricks_answer_done(bricks_answer *answer);

/* Each part of a result's rows in their order. */
typedef int (*bricks_rows_fn)(void *arg, struct json_object *rows, lb_error *err);
LB_MUST_CHECK int bricks_each_part(bricks *b, struct json_object *answer, int64_t deadline, bricks_rows_fn rows,
                                   void *arg, lb_error *err);

/* The number in a column of the first row, or its text; fallback, or NULL, where there is none. */
int64_t bricks_count_of(struct json_object *answer, const char *column, int64_t fallback);
const char *bricks_cell_of(struct json_object *answer, const char *column);

/* ---- what must be there (delta_databricks_ground.c) ---- */

/* Catalog, schema, volume and the table, each made where it is missing. */
LB_MUST_CHECK int bricks_prepare(bricks *b, bricks_table *table, int64_t deadline, lb_error *err);
void bricks_forget_ground(bricks *b, bricks_table *table); /* after a failure nothing is believed */

/* Names the grant in the hint of an error that is about permission. Returns the error's code. */
LB_PRINTF(3, 4) int bricks_name_grant(const bricks *b, lb_error *err, const char *fmt, ...);

/* The columns of the table as it is now: rest_json_text(..., "name") of each, in their order. */
LB_MUST_CHECK int bricks_describe(bricks *b, const char *table, int64_t deadline, struct json_object **ret_table,
                                  lb_error *err);

/* Catalog, schema and volume of the history alone. */
LB_MUST_CHECK int bricks_prepare_places(bricks *b, int64_t deadline, lb_error *err);
/* Another catalog with its schema, each made where it is missing. */
LB_MUST_CHECK int bricks_prepare_schema(bricks *b, const char *catalog, const char *schema, const char *comment,
                                        int64_t deadline, lb_error *err);
/* A document of Unity Catalog: "tables", "a.b.c". */
LB_MUST_CHECK int bricks_find(bricks *b, const char *kind, const char *name, int64_t deadline,
                              struct json_object **ret_found, lb_error *err);
const char *bricks_column_type(struct json_object *table, const char *name); /* or NULL */
bool bricks_is_view(struct json_object *table);

/* ---- loading (delta_databricks_commit.c) ---- */

LB_MUST_CHECK int bricks_get_engine(bricks *b, lb_error *err);

/* Sends a COPY INTO until an answer comes: files are names in the folder. *ret_asked: how often; after the first the
 * rows may be there by our own hand when the answer says that nothing was new. */
typedef struct bricks_copy {
    const char *table, *folder, *what; /* table as it stands in a statement */
    const char *const *files;
    size_t count;
    int64_t deadline;
} bricks_copy;
LB_MUST_CHECK int bricks_copy_into(bricks *b, const bricks_copy *copy, int64_t *ret_rows, int *ret_asked,
                                   lb_error *err);

/* ---- upkeep (delta_databricks_rollup.c) ---- */

/* Snapshots older than the setting become a row for each hour, date by date. */
LB_MUST_CHECK int bricks_roll_up(bricks *b, const bricks_table *table, const lb_delta_care *care, int64_t deadline,
                                 lb_delta_upkeep *upkeep, lb_error *err);

/* ---- the volume (delta_databricks_volume.c) ---- */

/* Outbox files as ID.parquet in the folder of their table. */
LB_MUST_CHECK int bricks_make_folder(bricks *b, const char *table, int64_t deadline, lb_error *err);
LB_MUST_CHECK int bricks_make_path(bricks *b, const char *folder, int64_t deadline, lb_error *err);
LB_MUST_CHECK int bricks_put(bricks *b, const char *file, const char *path, int64_t deadline, int64_t *ret_bytes,
                             lb_error *err);
/* Where the file is there already, it stays as it is: LB_ERR_CONFLICT. */
LB_MUST_CHECK int bricks_put_once(bricks *b, const char *file, const char *text, int64_t deadline, lb_error *err);
/* *ret_text NULL: there is no such file. */
LB_MUST_CHECK int bricks_get(bricks *b, const char *file, int64_t deadline, char **ret_text, lb_error *err);
LB_MUST_CHECK int bricks_delete(bricks *b, const char *file, int64_t deadline, lb_error *err);
LB_MUST_CHECK int bricks_upload(bricks *b, const char *table, const char *id, const char *path, int64_t deadline,
                                int64_t *ret_bytes, lb_error *err);
LB_MUST_CHECK int bricks_remove(bricks *b, const char *table, const char *id, int64_t deadline, lb_error *err);
/* Calls `each` with the id of every outbox file that lies there. */
LB_MUST_CHECK int bricks_list(bricks *b, const char *table, int64_t deadline,
                              int (*each)(void *arg, const char *id, lb_error *err), void *arg, lb_error *err);

/* ---- questions (delta_databricks_check.c) ---- */

#define BRICKS_CATALOG "ops_catalog"
#define BRICKS_SCHEMA  "lakebase_ops"
#define BRICKS_MARKER  "p" /* $1 of a question is :p1 there */

/* 0 for one statement that reads nothing but tables of the history's schema; LB_ERR_DENIED for everything else.
 * *ret_text: the statement as it is to be sent, where ops_catalog.lakebase_ops is what the two are called here, and
 * parameters are marked as the platform does it. */
LB_MUST_CHECK int bricks_check_question(const char *catalog, const char *schema, const char *text, char **ret_text,
                                        lb_error *err);

/* ---- the service's calls ---- */

LB_MUST_CHECK int bricks_lock(bricks *b, lb_error *err);
int bricks_commit(void *state, const char *name, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                  lb_delta_receipt *ret_receipt, lb_error *err);
int bricks_maintain(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err);
int bricks_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                 lb_error *err);
int bricks_lake_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err);
int bricks_lake_table(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink,
                      lb_error *err);
int bricks_lake_append(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err);
int bricks_lake_merge(void *state, const lb_lake_name *name, const lb_delta_question *merge, const lb_delta_sink *sink,
                      lb_error *err);
int bricks_lake_view(void *state, const lb_lake_name *name, const char *text, int64_t deadline,
                     const lb_delta_sink *sink, lb_error *err);
char *bricks_translate(const char *composed); /* the composer's words as the warehouse's; the caller frees */

#endif
