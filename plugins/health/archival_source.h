/* archival_source.h: a table whose cold rows are to leave, and the pieces of SQL that name them. */
#ifndef LBOPS_ARCHIVAL_SOURCE_H
#define LBOPS_ARCHIVAL_SOURCE_H

#include "cold_model.h"

#include <sql/archival/columns.h>

/* Columns that rows have in the lakehouse: what they were here to the last bit, which the delete compares, and what
 * their values come to anywhere, which the proof makes anew of what it reads back. */
#define ARCHIVAL_DIGEST "lbops_digest"
#define ARCHIVAL_VALUES "lbops_values"

/* Rows that come back at once (restore_job.h): by themselves, and where somebody says so. */
#define RESTORE_ROWS      10000
#define RESTORE_ROWS_MOST 100000

typedef struct archival_pieces {
    const lb_sql **items;
    size_t count;
} archival_pieces;

typedef struct archival_source {
    const cold_table *table;
    const char *label;
    const archival_columns_row *columns;
    const archival_columns_row **key; /* in the order of the key */
    size_t column_count, key_count;
    archival_pieces all, keys, texts; /* t.a, t.b ...; of the key; of the key as text */
    int64_t fixed_bytes;              /* about how many bytes a row has as text: where that depends on no value, */
    const lb_sql *more_bytes;         /* and the rest */
    const lb_sql *digest;             /* of a row */
    const lb_sql *values;             /* a digest of its values, as engines of the lakehouse see them */
    const lb_sql *lake_cells;         /* of what they make that */
    const lb_sql *lake_key;           /* its key there, for people; or a digest of it: */
    bool is_key_hidden;               /* it may name somebody */
    const lb_sql *unreferenced;       /* "and nobody refers to it", or NULL */
    int64_t text_bytes;               /* about what these two take up in a statement */
} archival_source;

/* Cold rows of a range of keys; an empty text list is an open end. */
typedef struct archival_range {
    const char *time_column;
    int64_t cutoff;
    lb_texts after, up_to;
} archival_range;

/* *ret_why: why rows of this table cannot be archived, or NULL. */
LB_MUST_CHECK int archival_read_source(lb_ctx *ctx, const cold_table *table, archival_source *ret_source,
                                       const char **ret_why, lb_error *err);
LB_MUST_CHECK int archival_scope_of(lb_ctx *ctx, const archival_source *source, const archival_range *range,
                                    const lb_sql **ret_scope, lb_error *err);
/* Fills fixed_bytes, more_bytes, values, lake_cells and lake_key. */
LB_MUST_CHECK int archival_compose_values(lb_ctx *ctx, archival_source *source, lb_error *err);
const archival_columns_row *archival_column(const archival_source *source, const char *name);

/* A column of an archive, whose engines know no capitals, or NULL; and one that no row here has. */
const lb_lake_column *archival_lake_column(const lb_lake_table *archive, const char *name);
bool archival_is_own_column(const char *name);

#endif
