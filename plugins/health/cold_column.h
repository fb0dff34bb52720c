/* cold_column.h: how much of a column of moments lies before another moment, by the planner's statistics of it. */
#ifndef LBOPS_COLD_COLUMN_H
#define LBOPS_COLD_COLUMN_H

#include <lbops/lbops.h>

/* What pg_stats says: moments in seconds since 1970, shares of all rows. */
typedef struct cold_spread {
    double null_share;
    const double *bounds; /* ends of equally filled buckets, in order */
    size_t bound_count;
    const double *common_values, *common_shares;
    size_t common_count;
} cold_spread;

/* The share of all rows that lie before the moment; -1: the statistics do not say. */
double cold_share_before(const cold_spread *spread, double moment);

/* How far that may be off: a bucket, for within one nobody knows. */
double cold_share_error(const cold_spread *spread);

/* The last of the moments that the statistics know; -INFINITY where they know none. */
double cold_newest(const cold_spread *spread);

#endif
