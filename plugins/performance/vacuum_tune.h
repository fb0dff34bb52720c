/* vacuum_tune.h: which autovacuum settings a table's size and churn ask for. Arithmetic only. */
#ifndef LBOPS_VACUUM_TUNE_H
#define LBOPS_VACUUM_TUNE_H

#include "vacuum_counts.h"

typedef struct vacuum_tuning {
    double churn_per_hour; /* rows updated and deleted */
    double cycle_hours;    /* how often a vacuum is wanted */
    double now_trigger;    /* dead rows that autovacuum waits for today */
    double trigger;        /* those it should wait for */
    double scale;          /* what says so: scale factor and threshold */
    int64_t threshold;
    double analyze_scale;                        /* negative: as it is; never larger than what is in force */
    double now_analyze_trigger, analyze_trigger; /* changed rows, today and with that scale */
    double analyzed_per_day;                     /* rows that count towards it */
    double insert_scale;                         /* negative: as it is; set where rows are only ever inserted, */
    int64_t insert_threshold;
    double inserts_per_hour, now_insert_trigger, insert_trigger; /* as those of dead rows */
    double runs_per_hour;                                        /* of autovacuum, as observed */
} vacuum_tuning;

void vacuum_tune(const vacuum_relation *v, const vacuum_observed *seen, vacuum_tuning *ret_tuning);

/* How far off today's trigger is: 4 where it is four times too late; 0 where too little changes to matter. Below 1: it
 * comes earlier than it has to. */
double vacuum_tuning_off(const vacuum_tuning *t);

/* The same of the trigger that counts inserted rows, of a table to which rows are only added: 0 of any other. */
double vacuum_tuning_inserts_off(const vacuum_tuning *t);

/* The same of the trigger that analyzes a large table: its plans are made for what it was a tenth of its rows ago. */
double vacuum_tuning_analyze_off(const vacuum_tuning *t);

/* Has it shown its effect? Autovacuum came so many times since, and some time has gone by; or a very long one has. */
bool vacuum_tuning_is_ripe(double visits, double least_visits, double hours, double least_hours, double most_hours);

/* Did it make things worse? Runs per hour since it was set, of at most so many, and the part of the time they took
 * (negative: unknown). */
bool vacuum_tuning_failed(double runs_per_hour, double most_runs_per_hour, double time_share);

#endif
