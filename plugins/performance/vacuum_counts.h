/* vacuum_counts.h: how much tables change and how often autovacuum comes to them, over days. The server's own counters
 * begin anew whenever the compute has slept; who looks often notes them, and what they grew by from note to note is the
 * truth. */
#ifndef LBOPS_VACUUM_COUNTS_H
#define LBOPS_VACUUM_COUNTS_H

#include "vacuum_scan.h"

#include <sql/vacuum/churn.h>

struct json_object;

typedef struct vacuum_observed {
    double changed, inserted, autovacuums; /* rows updated and deleted; rows; runs */
    double hours;                          /* in which that was */
    bool is_history;                       /* else: counted by the server, since it began */
    bool is_least;                         /* it began anew meanwhile: what it had counted right before is not in it */
    double updated, hot;                   /* rows updated, and those of them that left the indexes alone */
    double updated_hours;                  /* in which that was; 0: nobody has noted it yet */
} vacuum_observed;

typedef struct vacuum_counts {
    vacuum_churn_row *rows;
    size_t count;
} vacuum_counts;

/* Notes the counters of large tables that have changed, once an hour. before: what `now` was at the last look. */
LB_MUST_CHECK int vacuum_counts_note(lb_ctx *ctx, const vacuum_scan *scan, struct json_object *before,
                                     struct json_object *now, lb_error *err);

/* What was noted since a moment, of all tables or of one; nothing where history cannot be asked. */
LB_MUST_CHECK int vacuum_counts_read(lb_ctx *ctx, const vacuum_scan *scan, int64_t since, const char *object,
                                     vacuum_counts *ret_counts, lb_error *err);

/* The notes where they cover so many hours, or more than the server's counters do; else these. */
vacuum_observed vacuum_counts_of(const vacuum_scan *scan, const vacuum_counts *counts, const vacuum_relation *v,
                                 double least_hours);

/* Autovacuum's visits since the server had counted so many; negative: there are no notes. */
double vacuum_counts_visits(const vacuum_counts *counts, const vacuum_relation *v, double base);

#endif
