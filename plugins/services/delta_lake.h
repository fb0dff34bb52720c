/* delta_lake.h: tables of the lakehouse at home: Delta tables in folders ROOT/CATALOG/SCHEMA/NAME, whoever wrote them.
 *
 * There is no lock: a commit that another writer was faster than is made again on top of the other's. A batch stands in
 * the log as the transaction `lbops:KEY:CHECKSUM:BYTES`, whose version is the number of its rows: what the log says is
 * all that there is to know, and it says it in the commit that brings the rows. */
#ifndef LBOPS_SERVICES_DELTA_LAKE_H
#define LBOPS_SERVICES_DELTA_LAKE_H

#include "delta_local.h"

#define LAKE_NAME_PARTS 3
#define LAKE_PREFIX     "lake_" /* of catalogs in a question: DuckDB keeps `main` and others for itself */

/* One column as the log has it. `spark` is the type as Spark writes it, `duckdb` as DuckDB does; NULL: a struct, a map
 * or something newer, which is read as it comes. */
typedef struct lake_field {
    char *name, *spark, *duckdb;
} lake_field;

typedef struct lake_fields {
    lake_field *items;
    size_t count, capacity;
} lake_fields;

typedef struct lake_table {
    delta_local *local;
    char *directory;
    delta_snapshot snapshot;
    lake_fields fields;
} lake_table;

/* A name is a folder, and must lead nowhere else. */
LB_MUST_CHECK int lake_check_name(const lb_lake_name *name, lb_error *err);
void lake_fields_done(lake_fields *fields);
char *lake_folder(const delta_local *local, const lb_lake_name *name);
char *lake_temp_dir(const delta_local *local);

/* Reads the log, if there is one: snapshot.version is -1 else. */
LB_MUST_CHECK int lake_table_open(delta_local *local, const lb_lake_name *name, lake_table *ret_table, lb_error *err);
void lake_table_done(lake_table *table);
LB_MUST_CHECK int lake_fail_absent(const lb_lake_name *name, lb_error *err);

/* "decimal(12,2)" as DuckDB and as the log say it; NULL: not a type of ours. The caller frees. */
char *lake_duckdb_type(const char *spark);
char *lake_delta_type(const char *spark);

/* Text of column cN, as Postgres prints it, as a column of its type: ", CAST(c1 AS BIGINT) AS "id"" without the comma.
 */
void lake_put_cell(delta_text *sql, uint32_t index, const char *spark, const char *name);

/* Can a table of the lakehouse have such a column? */
LB_MUST_CHECK int lake_check_column(const char *name, const char *spark, lb_error *err);
/* The rows of a batch as one Parquet file, with the batch's key; counted. */
LB_MUST_CHECK int lake_write_parquet(delta_engine *engine, const lb_delta_append *append, const char *path,
                                     int64_t *ret_bytes, lb_error *err);
bool lake_key_is_sound(const char *key);
/* Gives the receipt of a batch. */
typedef struct lake_receipt {
    int64_t rows, bytes, version;
    char checksum[80];
    bool repeated;
} lake_receipt;
LB_MUST_CHECK int lake_give_receipt(const lake_receipt *receipt, const lb_delta_sink *sink, lb_error *err);

/* A question from the composer's words into DuckDB's. */
char *lake_translate(const char *text);
/* Gives an engine those functions of Databricks that DuckDB calls otherwise. */
LB_MUST_CHECK int lake_teach(delta_engine *engine, lb_error *err);

struct delta_live;
/* Makes what a translated question names known to the engine that is to answer it. */
LB_MUST_CHECK int lake_show(delta_local *local, delta_engine *engine, struct delta_live *live, const char *text,
                            lb_error *err);
/* The columns of what is no Delta table. *ret_found: it is there, as a view or in a database. */
LB_MUST_CHECK int lake_describe_other(delta_local *local, const lb_lake_name *name, int64_t deadline,
                                      const lb_delta_sink *sink, bool *ret_found, lb_error *err);

/* A name is a table or a view. Who makes it either holds its folder (LOCK_SH: others may hold it so, too; LOCK_EX) from
 * the look at what it is until it is made. For as long as a file of a few lines takes to write; close() lets go. */
LB_MUST_CHECK int lake_hold(const delta_local *local, const lb_lake_name *name, int how, int *ret_fd, lb_error *err);
bool lake_is_view(const delta_local *local, const lb_lake_name *name);

/* Rows under the name of a view, or of a table on a server, nobody would see. */
LB_MUST_CHECK int lake_check_appendable(const delta_local *local, const lb_lake_name *name, lb_error *err);

int lake_local_view(void *state, const lb_lake_name *name, const char *text, int64_t deadline,
                    const lb_delta_sink *sink, lb_error *err);
int lake_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                     lb_error *err);
int lake_local_table(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink, lb_error *err);
int lake_local_append(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err);

#endif
