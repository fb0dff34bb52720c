/* history_rows.h: rows as tools write them, for the benches of the history, and what they come to on a disk. */
#ifndef LBOPS_TESTS_HISTORY_ROWS_H
#define LBOPS_TESTS_HISTORY_ROWS_H

#include "tables.h"

/* A statement as a tool records it: no text, columns of 18 left out, most counters small and many of them zero. n makes
 * its figures. */
void rows_statement(lb_value values[TABLE_COLUMNS_MAX + 1], int64_t n, int64_t queryid, int64_t at);

double rows_data_bytes(const char *table_folder); /* of its Parquet files */

/* What a year of 50 projects comes to at the tools' own schedules, from rows that went the whole way. All in bytes. */
typedef struct rows_year {
    double snapshot, hour, metric, run; /* a row, compacted */
    double statements, metrics, runs;   /* what is kept of them */
    double grace;                       /* what waits for the vacuum */
} rows_year;

rows_year rows_measure_year(void);

#endif
