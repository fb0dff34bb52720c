/* statements_row.h: a row of a snapshot on its way into history: cells pass as they came, under their names. */
#ifndef LBOPS_STATEMENTS_ROW_H
#define LBOPS_STATEMENTS_ROW_H

#include "statements_source.h"

typedef struct statements_snapshot_facts {
    const char *id;
    int64_t server_version;
    int64_t taken_before; /* when the snapshot before was taken; LB_TIME_NONE: it is the first of its epoch */
} statements_snapshot_facts;

/* The cells of a snapshot, oldest or newest extension alike: both statements have the same columns. */
#define STATEMENTS_PLACES (STATEMENTS_COUNTERS + STATEMENTS_TIMES + 5)

typedef struct statements_reader {
    lb_rows *rows;
    size_t columns;
    size_t at[STATEMENTS_PLACES]; /* where the columns stand that are counted with */
    const lb_value *cells;        /* of the current row */
} statements_reader;

LB_MUST_CHECK int statements_open(lb_ctx *ctx, const statements_source *s, const int64_t *without_user,
                                  statements_reader *ret_reader, lb_error *err);
bool statements_read(lb_ctx *ctx, statements_reader *reader, statements_totals *ret_totals);

/* Stores the current row; delta may be NULL. */
LB_MUST_CHECK int statements_store(lb_ctx *ctx, const statements_source *s, const statements_snapshot_facts *facts,
                                   const statements_reader *reader, const statements_totals *delta, lb_error *err);

#endif
