/* cold_model.h: tables with what can be known of the age of their rows. Read from the catalogue, from statistics and
 * from counters; never from the rows. */
#ifndef LBOPS_COLD_MODEL_H
#define LBOPS_COLD_MODEL_H

#include "cold_column.h"
#include "cold_quiet.h"

#include <sql/archival/partitions.h>
#include <sql/archival/references.h>
#include <sql/archival/tables.h>
#include <sql/archival/time_columns.h>

/* Which tables, and which never: names are "orders" or "public.orders", with a * at the end for any rest. */
typedef struct cold_policy {
    lb_texts tables;       /* only these; none given: all */
    lb_texts legal_hold;   /* nothing of these may leave */
    lb_texts keep;         /* nor of these, for a reason of people's own */
    lb_texts time_columns; /* "public.orders=placed_at": by this column, whatever else there is */
    double threshold_days;
    int64_t min_rows, min_bytes;
} cold_policy;

typedef struct cold_column {
    archival_time_columns_row r;
    cold_spread spread;
} cold_column;

typedef struct cold_table cold_table;
struct cold_table {
    archival_tables_row r;
    cold_table *parent;                   /* that it is a partition of */
    const archival_partitions_row *range; /* where that one is partitioned by ranges of time */
    bool has_ranges;                      /* some of its own partitions, or theirs, are ranges of time */
    const cold_column *columns;
    size_t column_count;
    const archival_references_row *references;
    size_t reference_count;
    cold_sight sight;
};

typedef struct cold_set {
    cold_table *tables; /* by name */
    size_t count;
    int64_t now, cutoff, counts_since;
    bool is_standby;
} cold_set;

/* Everything but columns and references, which cold_read_details adds for those that are looked at. */
LB_MUST_CHECK int cold_read(lb_ctx *ctx, double threshold_days, cold_set *ret_set, lb_error *err);
LB_MUST_CHECK int cold_read_details(lb_ctx *ctx, cold_set *set,
                                    bool (*wanted)(const cold_table *table, const void *arg), const void *arg,
                                    lb_error *err);

/* Names in lists that are no table's, and columns that are none: LB_ERR_INVALID; holds only where a table has nearly
 * that name, else it is told that they hold none here. */
LB_MUST_CHECK int cold_check_policy(lb_ctx *ctx, const cold_policy *policy, const cold_set *set, lb_error *err);

/* A table, in whichever schema and case, with nearly the name that a line gives; or NULL. */
const cold_table *cold_nearest(const cold_set *set, const char *line);

bool cold_listed(const lb_texts *names, const char *schema, const char *name);
/* The column that time_columns name for the table, or NULL. */
const char *cold_named_column(const cold_policy *policy, const cold_table *table);

/* Why nothing of it may leave by what people say of it, or of a table that it is a partition of; NULL: it may. */
const char *cold_held(const cold_policy *policy, const cold_table *table);

/* Why nothing of the table may be judged or moved, whatever its age; NULL: it may. */
const char *cold_obstacle(const cold_policy *policy, const cold_table *table);

/* Why the lakehouse can have no rows of it as the table is; NULL: it can. What cannot leave may still be cold. */
const char *cold_unfit(lb_ctx *ctx, const cold_table *table);

/* The column by which the age of rows is known, and the ground of that. Of several the one by which the fewest rows are
 * cold. NULL: none is, and *ret_ground says why. */
const cold_column *cold_choose(lb_ctx *ctx, const cold_policy *policy, const cold_set *set, const cold_table *table,
                               const char **ret_ground);

/* A partition that a range of time bounds; and one whose range ends before the cutoff. */
bool cold_has_range(const cold_table *leaf);
bool cold_is_past(const cold_set *set, const cold_table *leaf);

const cold_table *cold_root(const cold_table *table);
const char *cold_label(lb_ctx *ctx, const cold_table *table); /* "public.orders"; NULL: out of memory */
int64_t cold_writes(const cold_table *table);
int64_t cold_reads(const cold_table *table);

#endif
