#include "vacuum_tune.h"

#include <math.h>

#define LARGE            1e6  /* rows from which on a scale factor is too coarse */
#define LEAST_TRIGGER    1000 /* dead rows */
#define MOST_PART        0.2  /* of the rows: the server's own default */
#define BASE_THRESHOLD   50
#define MOST_TIME_SHARE  0.2
#define INSERT_ONLY_PART 0.01
#define LOADED_PART      0.9 /* of the rows: a table that came whole may have been loaded once */
#define INSERT_SCALE     0.05
#define INSERT_THRESHOLD 1000
#define ANALYZE_SCALE    0.02 /* of a large table */

static const double scales[] = {0.2, 0.1, 0.05, 0.02, 0.01};

/* 1, 2 or 5 times a power of ten, the nearest below. */
static double round_down(double value)
{
    double power = pow(10, floor(log10(value))), digit = value / power;
    return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

static double nearest_scale(double wanted)
{
    double best = scales[0];
    for (size_t i = 1; i < sizeof scales / sizeof scales[0]; i++)
        if (fabs(log(scales[i] / wanted)) < fabs(log(best / wanted)))
            best = scales[i];
    return best;
}

/* A table whose rows change quickly wants a vacuum each hour, a quiet one each day. */
static double cycle_of(double churn, double rows)
{
    double part = rows > 0 ? churn / rows : 0;
    return part > 0.01 ? 1 : part > 0.001 ? 6 : 24;
}

/* Each page of such a table is frozen once, as soon as may be: a large part of it at a time is one long vacuum. */
static void tune_inserts(const vacuum_relation *v, vacuum_tuning *t)
{
    double rows = v->need.rows, a_day = t->inserts_per_hour * 24, most = INSERT_SCALE * rows;
    t->now_insert_trigger = v->need.insert_trigger;
    t->insert_threshold = INSERT_THRESHOLD;
    t->insert_scale = rows >= LARGE ? 0 : INSERT_SCALE;
    if (rows >= LARGE)
        t->insert_threshold = (int64_t)round_down(fmin(fmax(a_day, LARGE * INSERT_SCALE), most));
    t->insert_trigger = (double)t->insert_threshold + t->insert_scale * rows;
}

void vacuum_tune(const vacuum_relation *v, const vacuum_observed *seen, vacuum_tuning *ret_tuning)
{
    double hours = seen->hours, rows = v->need.rows;
    vacuum_tuning t = {.churn_per_hour = hours > 0 ? seen->changed / hours : 0,
                       .inserts_per_hour = hours > 0 ? seen->inserted / hours : 0,
                       .now_trigger = v->need.vacuum_trigger,
                       .analyze_scale = rows >= LARGE && v->need.analyze_scale > ANALYZE_SCALE ? ANALYZE_SCALE : -1,
                       .insert_scale = -1,
                       .runs_per_hour = hours > 0 ? seen->autovacuums / hours : 0};
    t.cycle_hours = cycle_of(t.churn_per_hour, rows);
    t.trigger = fmin(fmax(t.churn_per_hour * t.cycle_hours, LEAST_TRIGGER), fmax(MOST_PART * rows, LEAST_TRIGGER));
    if (rows >= LARGE) {
        t.threshold = (int64_t)round_down(t.trigger);
    } else if (rows > 0) {
        t.scale = nearest_scale(t.trigger / rows);
        t.threshold = BASE_THRESHOLD;
    }
    t.trigger = (double)t.threshold + t.scale * rows;
    bool is_added_to = seen->inserted > 0 && seen->inserted < LOADED_PART * rows;
    t.now_analyze_trigger = v->need.analyze_trigger;
    t.analyze_trigger = v->need.analyze_trigger - (v->need.analyze_scale - ANALYZE_SCALE) * rows;
    t.analyzed_per_day = 24 * (t.churn_per_hour + (is_added_to ? t.inserts_per_hour : 0));
    if (is_added_to && seen->changed < INSERT_ONLY_PART * seen->inserted)
        tune_inserts(v, &t);
    *ret_tuning = t;
}

double vacuum_tuning_off(const vacuum_tuning *t)
{
    return t->churn_per_hour * t->cycle_hours < LEAST_TRIGGER ? 0 : t->now_trigger / fmax(t->trigger, 1);
}

double vacuum_tuning_inserts_off(const vacuum_tuning *t)
{
    bool is_asked = t->insert_scale >= 0 && t->now_insert_trigger >= 0; /* below 0 somebody has switched it off */
    return is_asked && t->inserts_per_hour * 24 >= LEAST_TRIGGER ? t->now_insert_trigger / t->insert_trigger : 0;
}

double vacuum_tuning_analyze_off(const vacuum_tuning *t)
{
    bool is_asked = t->analyze_scale >= 0 && t->now_analyze_trigger >= 0;
    return is_asked && t->analyzed_per_day >= LEAST_TRIGGER ? t->now_analyze_trigger / fmax(t->analyze_trigger, 1) : 0;
}

bool vacuum_tuning_is_ripe(double visits, double least_visits, double hours, double least_hours, double most_hours)
{
    return visits >= 0 && hours >= least_hours && (visits >= least_visits || hours >= most_hours);
}

bool vacuum_tuning_failed(double runs_per_hour, double most_runs_per_hour, double time_share)
{
    return runs_per_hour > most_runs_per_hour || time_share > MOST_TIME_SHARE;
}
