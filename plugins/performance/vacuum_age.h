/* vacuum_age.h: what is said of databases and tables whose ids grow old. */
#ifndef LBOPS_VACUUM_AGE_H
#define LBOPS_VACUUM_AGE_H

#include "vacuum_clock.h"
#include "vacuum_scan.h"

#include <sql/vacuum/databases.h>

/* One of the two counters. */
typedef struct vacuum_counter {
    const char *name, *metric, *next_metric, *days_metric;
    int64_t worst;
    double rate;      /* ids per day; negative: unknown */
    const char *span; /* that it rests on; NULL where it is unknown */
    bool is_mxid;
} vacuum_counter;

typedef struct vacuum_age_limits {
    int64_t warning, critical;
} vacuum_age_limits;

/* "normal", "warning" or "critical". */
const char *vacuum_age_level(const vacuum_age_limits *limits, int64_t age);

LB_MUST_CHECK int vacuum_report_database(lb_ctx *ctx, const vacuum_age_limits *limits, const vacuum_databases_row *db,
                                         const vacuum_counter *c, int64_t age, const vacuum_horizon_row *holder,
                                         lb_error *err);

/* A table past a threshold, or long past its own freeze_max_age. */
LB_MUST_CHECK int vacuum_report_table(lb_ctx *ctx, const vacuum_age_limits *limits, const vacuum_scan *scan,
                                      const vacuum_relation *v, const vacuum_counter *c,
                                      const vacuum_horizon_row *holder, lb_error *err);

#endif
