/* vacuum_tune.h: which autovacuum settings a table's size and churn ask for. Arithmetic only. */
#ifndef LBOPS_VACUUM_TUNE_H
#define LBOPS_VACUUM_TUNE_H

#include "vacuum_scan.h"

typedef struct vacuum_tuning {
    double churn_per_hour; /* rows updated and deleted */
    double cycle_hours;    /* how often a vacuum is wanted */
    double now_trigger;    /* dead rows that autovacuum waits for today */
    double trigger;        /* those it should wait for */
    double scale;          /* what says so: scale factor and threshold */
    int64_t threshold;
    double analyze_scale; /* negative: as it is */
    double insert_scale;  /* negative: as it is; set where rows are only ever inserted */
    double runs_per_hour; /* of autovacuum, as observed */
} vacuum_tuning;

/* hours: the span that the counters cover. */
void vacuum_tune(const vacuum_relation *v, double hours, vacuum_tuning *ret_tuning);

/* How far off today's trigger is: 4 where it is four times too late; 0 where too little changes to matter. Below 1: it
 * comes earlier than it has to. */
double vacuum_tuning_off(const vacuum_tuning *t);

/* Did it make things worse? Runs per hour since it was set, of at most so many, and the part of the time they took
 * (negative: unknown). */
bool vacuum_tuning_failed(double runs_per_hour, double most_runs_per_hour, double time_share);

#endif
