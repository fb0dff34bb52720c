/* delta_line.h: one line of an outbox file into one row of DuckDB's vectors. */
#ifndef LBOPS_SERVICES_DELTA_LINE_H
#define LBOPS_SERVICES_DELTA_LINE_H

#include "delta_scan.h"

/* Where the cells of a chunk go. The vectors are in the table's order; `date` is the last one where there is one. */
typedef struct delta_cells {
    duckdb_vector vectors[DELTA_COLUMNS_MAX + 1];
    void *data[DELTA_COLUMNS_MAX + 1];
    uint64_t *validity[DELTA_COLUMNS_MAX + 1];
} delta_cells;

typedef struct delta_line {
    const delta_table_def *table;
    delta_cells *cells;
    delta_text scratch; /* for texts with escapes */
    const char *at, *end;
    char problem[200];
} delta_line;

/* text[length] must be a line feed or a NUL. False with `problem` filled when the line is no row of the table. */
LB_MUST_CHECK bool delta_line_parse(delta_line *line, const char *text, size_t length, idx_t row);

#endif
