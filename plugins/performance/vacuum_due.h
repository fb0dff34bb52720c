/* vacuum_due.h: which relations want a vacuum or an ANALYZE now, and how badly. The product's rule (dead ratio, hours
 * since the last vacuum) holds together with floors: an unchanged table needs nothing, however old its last vacuum. */
#ifndef LBOPS_VACUUM_DUE_H
#define LBOPS_VACUUM_DUE_H

#include "vacuum_scan.h"

typedef enum vacuum_reason {
    VACUUM_DEAD = 1,    /* past the dead-row trigger, or the dead ratio */
    VACUUM_INSERTS = 2, /* past the insert trigger */
    VACUUM_STALE = 4,   /* changed, and no vacuum for long */
    VACUUM_ANALYZE = 8, /* statistics are due */
} vacuum_reason;

typedef struct vacuum_limits {
    double dead_ratio;  /* dead of all rows */
    int64_t min_rows;   /* the floor: fewer dead or changed rows are nothing */
    double min_changed; /* part of a table's rows whose change is something */
    double stale_hours;
} vacuum_limits;

/* Reasons as bits; 0: nothing is due. */
unsigned vacuum_due(const vacuum_relation *v, const vacuum_limits *limits, int64_t now);

/* How far past its worst trigger: what is to be done first. */
double vacuum_urgency(const vacuum_relation *v);

/* True when a holder is older than the last vacuum: that one met the same dead rows, and another one frees as little.
 */
bool vacuum_is_futile(const vacuum_relation *v, const vacuum_horizon_row *holder);

/* Did it keep the vacuum that the relation has just had from removing rows? Of slots and standbys nobody knows since
 * when they hold: of them it is taken for true. */
bool vacuum_is_held(const vacuum_relation *v, const vacuum_horizon_row *holder);

/* "12000 dead rows (24 % of all) are 3.2 times the 3750 that autovacuum waits for". */
const char *vacuum_due_text(lb_ctx *ctx, const vacuum_relation *v, unsigned due, int64_t now);

/* The same, with who keeps a vacuum from helping; holder: NULL where there is none. */
const char *vacuum_reason_text(lb_ctx *ctx, const vacuum_relation *v, unsigned due, int64_t now,
                               const vacuum_horizon_row *holder);

#endif
