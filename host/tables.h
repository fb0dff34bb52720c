/* tables.h: the history tables, defined once: what validation, the outbox, the Delta services, the docs and the
 * dashboards use. The definitions are tables.def; this reads them. */
#ifndef LBOPS_HOST_TABLES_H
#define LBOPS_HOST_TABLES_H

#include "buf.h"

typedef struct table_column {
    const char *name;
    const char *member; /* ,"name": as rows have it */
    size_t member_length;
    lb_type type; /* LB_TEXT LB_I64 LB_F64 LB_BOOL LB_TIME LB_JSON */
    bool required;
    const char *doc;
} table_column;

typedef struct table_def {
    const char *name;
    const char *doc;
    const char *partition_time;  /* the timestamp column that gives the partition's date, or NULL */
    int retention_days;          /* 0: rows are kept */
    const table_column *columns; /* ends with a column without a name; the standard ones included */
    size_t column_count;
} table_def;

#define TABLE_COLUMNS_MAX 128               /* of one table */
#define TABLE_ROW_MAX     ((size_t)8 << 20) /* bytes of one encoded row: readers of JSON lines stop at 16 MiB */

/* Columns that the host fills: project_id, branch_id, run_id. A record that names project_id or branch_id itself (the
 * branch that a run has just made) keeps its own; run_id is always the host's. */
const table_def *table_find(const char *name);
size_t table_count(void);
const table_def *table_at(size_t index);
const char *table_nearest(const char *name);
const char *table_type_name(lb_type type);       /* "text" "integer" "double" "boolean" "timestamp" "json" */
bool table_value_is_null(const lb_value *value); /* no value is given, in whatever form it says so */

/* One record as one JSON line (without the newline) with its columns in the table's order; columns without a value are
 * left out. Timestamps are RFC 3339 in UTC, JSON is a string that holds the document, NaN and infinities are strings.
 * Unknown column (with the nearest right one), wrong type, missing required value, a text that is not UTF-8:
 * LB_ERR_INVALID naming table and column. Integers are accepted for doubles; LB_NUMERIC for a double or an integer when
 * it is exact; objects and lists for JSON. `into` is as it was after a failure. */
LB_MUST_CHECK int table_encode(const table_def *table, const lb_value *values, const lb_target *target,
                               const char *run_id, buf *into, lb_error *err);

/* CREATE TABLE IF NOT EXISTS in Databricks SQL. Beside the table's own columns there is the partition's date, which the
 * writer fills. catalog and schema may be NULL. */
#define TABLE_PARTITION "date"
void table_ddl(buf *into, const table_def *table, const char *catalog, const char *schema);

/* All tables for people and for programs: what the docs print. */
void table_markdown(buf *into);
void table_json(buf *into);

#endif
