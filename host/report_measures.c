#include "report_measures.h"

#include "clock.h"

#include <math.h>
#include <sql/cost/own_time.h>
#include <sql/report/audit_days.h>
#include <sql/report/audit_trail.h>
#include <sql/report/delivery.h>
#include <sql/report/detection.h>
#include <sql/report/freshness.h>
#include <sql/report/job_success.h>
#include <sql/report/metric_days.h>
#include <sql/report/monitoring_awake.h>
#include <sql/report/orphans.h>
#include <sql/report/own_cost.h>
#include <sql/report/projects.h>
#include <sql/report/recommendations.h>
#include <sql/report/recovery.h>
#include <sql/report/rehearsed_resolution.h>
#include <sql/report/remediation.h>
#include <sql/report/resolution.h>
#include <sql/report/statement_days.h>
#include <sql/report/sync_coverage.h>
#include <stdlib.h>

#define SUCCESS    "success metric"
#define DAY        86400.0
#define MICROS     1e6
#define TAIL_SHARE 0.95

const measure measures[] = {
    {"toil", "DBA toil", SUCCESS, "hours of people a week: the history does not know them", "hours", MEASURE_PART, NULL,
     5, 1, false, false, false, NULL},
    {"detection", "mean time to detection", SUCCESS,
     "from the last reading that was in order to the alert, so it is at most that", "seconds", MEASURE_MEAN,
     &report_detection_sql, 300, 60, false, false, false, NULL},
    {"resolution", "mean time to resolution", SUCCESS, "from the breach to its end, of those that are over", "seconds",
     MEASURE_MEAN, &report_resolution_sql, 1800, 300, false, false, false, NULL},
    {"rehearsed_resolution", "rehearsed time to resolution", "rehearsals",
     "from the planting of an incident on a branch to its end, of those that ended; no time of people is in it",
     "seconds", MEASURE_SHARE, &report_rehearsed_resolution_sql, 1800, 300, false, false, false, NULL},
    {"remediation", "automated remediation", SUCCESS,
     "of the breaches that are over, those on account of which a change was made that nobody was asked for", "share",
     MEASURE_SHARE, &report_remediation_sql, 0.5, 0.75, true, true, false, NULL},
    {"sync_coverage", "OLTP-to-OLAP sync coverage", SUCCESS,
     "of the pairs of tables that were to be compared in this time, those judged within the last 24 hours", "share",
     MEASURE_SHARE, &report_sync_coverage_sql, 1, 1, true, true, false, NULL},
    {"recommendations", "index recommendations accepted", SUCCESS, "of those that were decided on", "share",
     MEASURE_SHARE, &report_recommendations_sql, 0.8, 0.9, true, false, false, NULL},
    {"orphans", "orphaned branches", SUCCESS, "their time is over and they are still there", "count", MEASURE_PART,
     &report_orphans_sql, 0, 0, false, true, false, NULL},
    {"statement_days", "history of statements", SUCCESS, "days that snapshots of statements reach back", "days",
     MEASURE_DAYS, &report_statement_days_sql, 90, 365, true, true, true, "pg_stat_history"},
    {"freshness", "metric collection latency", "NFR-01",
     "age of the newest reading of a branch that is there and awake; of all branches the oldest", "seconds",
     MEASURE_AGE, &report_freshness_sql, 300, NAN, false, false, false, NULL},
    {"delivery", "alert delivery time", "NFR-02",
     "from the breach being seen to the first service that told, or until now: 95 of 100", "seconds", MEASURE_TAIL,
     &report_delivery_sql, 120, NAN, false, false, false, NULL},
    {"job_success", "job reliability", "NFR-03", "of the runs by schedule, those that did what they are for", "share",
     MEASURE_SHARE, &report_job_success_sql, 0.999, NAN, true, true, false, NULL},
    {"tokens", "OAuth token management", "NFR-04", "renewals leave no rows in the history", "count", MEASURE_PART, NULL,
     NAN, NAN, false, false, false, NULL},
    {"projects", "projects looked after", "NFR-05", "in this time; fewer say nothing of more", "count", MEASURE_PART,
     &report_projects_sql, 50, NAN, true, true, true, NULL},
    {"audit_days", "retention of the audit log", "NFR-06", "days that it reaches back", "days", MEASURE_DAYS,
     &report_audit_days_sql, 365, NAN, true, true, true, "audit_log"},
    {"metric_days", "retention of metrics", "NFR-06", "days that readings reach back", "days", MEASURE_DAYS,
     &report_metric_days_sql, 90, NAN, true, true, true, "lakebase_metrics"},
    {"own_cost", "cost of monitoring", "NFR-07",
     "of the cost of all computes, that for the time in which only we kept them awake", "share", MEASURE_COST,
     &report_own_cost_sql, 0.05, NAN, false, false, false, NULL},
    {"own_time", "load of monitoring", "NFR-07",
     "of the time that a branch's statements took on its server, that of our own; of all branches the greatest",
     "share", MEASURE_WORST, &cost_own_time_sql, 0.01, NAN, false, true, false, NULL},
    {"monitoring_awake", "computes awake only for monitoring", "NFR-07",
     "of all branches and days the longest time that only we kept one awake; awake_min of [schedule] limits it",
     "seconds", MEASURE_PART, &report_monitoring_awake_sql, 3600, NAN, false, true, false, NULL},
    {"passwords", "no static passwords", "NFR-08", "the transport refuses them: there is nothing to count", "count",
     MEASURE_PART, NULL, NAN, NAN, false, false, false, NULL},
    {"audit_trail", "audit trail", "NFR-09", "of the changes that were made, those with actor, time and reason",
     "share", MEASURE_SHARE, &report_audit_trail_sql, 1, NAN, true, true, false, NULL},
    {"recovery", "graceful degradation", "NFR-10",
     "of the tools that could not reach a branch, those that have worked there since", "share", MEASURE_SHARE,
     &report_recovery_sql, 1, NAN, true, true, false, NULL},
};
const size_t measure_count = LB_COUNT(measures);

/* ---- from rows to a figure ---- */

static void add_span(measured *into, int64_t began, int64_t ended)
{
    BASE_PUSH(into->seconds, into->count, into->capacity);
    into->seconds[into->count++] = (double)(ended - began) / MICROS;
}

/* Rows leave by the date. */
static int64_t date_of(int64_t moment)
{
    const int64_t day = (int64_t)(DAY * MICROS);
    return moment / day * day;
}

static void add_open(measured *into, int64_t began, int64_t now)
{
    into->open++;
    into->longest = fmax(into->longest, (double)(now - began) / MICROS);
}

static void add_worst(measured *into, double part, double whole)
{
    into->count++;
    if (into->count > 1 && part / whole <= into->part / into->whole)
        return;
    into->part = part;
    into->whole = whole;
}

static void add_age(measured *into, const lb_value *row, int64_t now)
{
    double age = (double)(now - row[0].v.i64) / MICROS;
    if (!into->whole || age > into->part)
        (void)snprintf(into->worst, sizeof into->worst, "%s", row[1].type == LB_NULL ? "" : row[1].v.text);
    into->part = into->whole && into->part > age ? into->part : age;
    into->whole++;
}

static bool is_null(const lb_value *value)
{
    return value->type == LB_NULL;
}

void measured_add(const measure *m, measured *into, const lb_value *row, int64_t now)
{
    bool has_both = !is_null(&row[0]) && !is_null(&row[1]);
    switch (m->form) {
    case MEASURE_SHARE:
    case MEASURE_PART:
        into->part += is_null(&row[0]) ? 0 : row[0].v.f64;
        into->whole += is_null(&row[1]) ? 0 : row[1].v.f64;
        break;
    case MEASURE_WORST:
        if (has_both && row[1].v.f64 > 0)
            add_worst(into, row[0].v.f64, row[1].v.f64);
        break;
    case MEASURE_MEAN:
        if (has_both)
            add_span(into, row[0].v.i64, row[1].v.i64);
        else if (!is_null(&row[0]))
            add_open(into, row[0].v.i64, now);
        break;
    case MEASURE_DAYS:
        if (!is_null(&row[0]))
            add_span(into, date_of(row[0].v.i64), date_of(now));
        break;
    case MEASURE_TAIL: /* what did not come yet has taken until now: without it the worst would be left out */
        if (!is_null(&row[0]))
            add_span(into, row[0].v.i64, is_null(&row[1]) ? now : row[1].v.i64);
        break;
    case MEASURE_AGE:
        if (!is_null(&row[0]))
            add_age(into, row, now);
        break;
    case MEASURE_COST: {
        double seconds = has_both ? (double)(row[1].v.i64 - row[0].v.i64) / MICROS : 0;
        double cost = is_null(&row[2]) ? 0 : row[2].v.f64, ours = is_null(&row[3]) ? 0 : row[3].v.f64;
        into->whole += cost;
        into->part += seconds > 0 ? cost * fmin(ours / seconds, 1) : 0;
        into->count += is_null(&row[3]) ? 0 : 1; /* of what it is known for how long it was only us */
        break;
    }
    }
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double mean_of(const measured *m)
{
    double sum = 0;
    for (size_t i = 0; i < m->count; i++)
        sum += m->seconds[i];
    return sum / (double)m->count;
}

static bool is_kept_too_short(const measure *m, const measured *value)
{
    return value->kept > 0 && (double)value->kept < m->target;
}

/* What the figure alone would hide. */
static void say_beside(const measure *m, measured *into)
{
    BUF_AUTO longest = BUF_INIT(256);
    if (into->open) {
        measure_put_value(m, into->longest, &longest);
        (void)snprintf(into->worst, sizeof into->worst, "%zu more are open, the first told %s ago", into->open,
                       buf_text(&longest)); /* short */
    }
    if (is_kept_too_short(m, into))
        (void)snprintf(into->worst, sizeof into->worst, "rows of %s are kept for %lld days", m->table,
                       (long long)into->kept); /* short */
}

void measured_finish(const measure *m, measured *into)
{
    say_beside(m, into);
    bool is_known = m->form != MEASURE_COST || into->count;
    into->value = NAN;
    if (is_known && into->whole > 0)
        into->value = m->form == MEASURE_PART || m->form == MEASURE_AGE ? into->part : into->part / into->whole;
    if (!into->seconds)
        return;
    qsort(into->seconds, into->count, sizeof *into->seconds, compare);
    size_t tail = (size_t)ceil(TAIL_SHARE * (double)into->count); /* nearest rank */
    into->value = m->form == MEASURE_TAIL   ? into->seconds[tail - 1]
                  : m->form == MEASURE_DAYS ? into->seconds[0] / DAY
                                            : mean_of(into);
}

void measured_done(measured *m)
{
    free(m->seconds);
    *m = (measured){.kept = m->kept};
}

/* ---- against its target ---- */

static bool is_met(const measure *m, double value)
{
    if (m->at_most && value == m->target) /* counts, and shares that are whole */
        return true;
    return m->at_least ? value > m->target : value < m->target;
}

const char *measured_verdict(const measure *m, const measured *value)
{
    if (is_kept_too_short(m, value))
        return "missed";
    if (isnan(value->value) || isnan(m->target) || (m->young && !is_met(m, value->value)))
        return "not enough data";
    return is_met(m, value->value) ? "met" : "missed";
}

int64_t measured_samples(const measure *m, const measured *value)
{
    bool is_counted = m->form == MEASURE_SHARE || m->form == MEASURE_PART || m->form == MEASURE_AGE;
    return is_counted ? (int64_t)value->whole : (int64_t)value->count;
}

void measure_put_value(const measure *m, double value, buf *b)
{
    if (strcmp(m->unit, "share") == 0)
        buf_printf(b, "%.4g %%", 100 * value);
    else if (strcmp(m->unit, "days") == 0 && value > 0 && value < 0.1)
        buf_puts(b, "< 0.1 days"); /* a history that has just begun */
    else if (strcmp(m->unit, "seconds") != 0)
        buf_printf(b, "%.4g%s%s", value, strcmp(m->unit, "count") == 0 ? "" : " ",
                   strcmp(m->unit, "count") == 0 ? "" : m->unit);
    else if (value < 120)
        buf_printf(b, "%.3g s", value);
    else if (value < 7200)
        buf_printf(b, "%.3g min", value / 60);
    else
        buf_printf(b, "%.4g h", value / 3600);
}

void measure_put_target(const measure *m, double target, buf *b)
{
    if (isnan(target)) {
        buf_puts(b, "-");
        return;
    }
    bool is_exact = m->at_most && !m->at_least && target == 0;
    buf_puts(b, is_exact ? "" : m->at_least ? (m->at_most ? ">= " : "> ") : (m->at_most ? "<= " : "< "));
    measure_put_value(m, target, b);
}
