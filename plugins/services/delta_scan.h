/* delta_scan.h: outbox files as a table function of DuckDB, `outbox()`: each line is checked while it is read, so that
 * what is written is what the outbox promised, and a damaged file is named with the line and the reason. */
#ifndef LBOPS_SERVICES_DELTA_SCAN_H
#define LBOPS_SERVICES_DELTA_SCAN_H

#include "delta_engine.h"

#include <stdatomic.h>

#define DELTA_SCAN_LINE_MAX ((size_t)16 << 20) /* the outbox stops at half of that */
#define DELTA_COLUMNS_MAX   128

/* A table as its definition says it; strings belong to the host. */
typedef struct delta_table_def {
    const char *name, *doc, *partition_time;
    int32_t retention_days;
    size_t count;
    lb_delta_column columns[DELTA_COLUMNS_MAX];
    uint16_t name_lengths[DELTA_COLUMNS_MAX];
    int time_column; /* index of partition_time, or -1 */
} delta_table_def;

LB_MUST_CHECK int delta_table_def_read(const lb_delta_table *given, delta_table_def *ret_def, lb_error *err);

/* One pass over files; those that are marked damaged already are left out. */
typedef struct delta_scan {
    const delta_table_def *table;
    lb_delta_file *const *files;
    size_t count;
    atomic_size_t next;
    atomic_bool damaged; /* at least one file turned out damaged: the pass fails after it has looked at all of them */
    bool one_date;       /* in: rows of a second date end the pass, with `mixed`; one thread does it */
    bool mixed, has_date;
    int32_t date; /* out: of all rows, in days since 1970-01-01 */
} delta_scan;

/* Makes outbox() known to the connection. *current is looked at whenever the function is used. */
LB_MUST_CHECK int delta_scan_register(delta_engine *engine, delta_scan **current, lb_error *err);

#endif
