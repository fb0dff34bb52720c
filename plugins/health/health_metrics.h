/* health_metrics.h: every metric of the health tools, once: what it is called, what it counts, and for the eight that
 * are worth an alert when it is one. */
#ifndef LBOPS_HEALTH_METRICS_H
#define LBOPS_HEALTH_METRICS_H

#include <lbops/lbops.h>

/* The eight alerts, in the order in which they are told. */
typedef enum health_alert_id {
    HEALTH_CACHE_HIT,
    HEALTH_CONNECTIONS,
    HEALTH_DEAD_TUPLES,
    HEALTH_LOCK_WAIT,
    HEALTH_DEADLOCKS,
    HEALTH_SLOW_QUERY,
    HEALTH_TXID_AGE,
    HEALTH_REPLICATION_LAG,
    HEALTH_ALERTS
} health_alert_id;

/* Their metrics, as choices of a parameter. */
#define HEALTH_ALERT_METRICS                                                                                           \
    "cache_hit_ratio|connection_utilization|dead_tuple_ratio|lock_wait_time|deadlocks_per_hour|slow_query_time|"       \
    "txid_age|replication_lag"

typedef struct health_limits {
    double warning, critical; /* NaN: none */
    bool below;               /* a breach is a value under the limit */
} health_limits;

typedef struct health_alert_rule {
    const char *metric, *unit;
    health_limits limits;        /* the product's, where the manifest gives none */
    double at_once;              /* from here on critical at the first sight of it; NaN: never */
    int fire_after, clear_after; /* else it is told at so many sights in a row, and over after as many */
    const char *title;           /* what people read */
    const char *measure;         /* how it is computed */
    const char *sop;             /* what execute_low_risk_sop does about it */
} health_alert_rule;

extern const health_alert_rule health_alert_rules[HEALTH_ALERTS];

/* The alert of that metric, or HEALTH_ALERTS. */
health_alert_id health_alert_named(const char *metric);

/* Refuses what is none of the eight: somebody who misspelt one would be answered about another question. what: the
 * parameter. */
LB_MUST_CHECK int health_check_alert(const char *what, const char *metric, lb_error *err);

/* While tables are frozen it is past its limit yet, and coming down: nothing opens by it. */
bool health_may_fall(health_alert_id id);

/* One figure that goes to history. */
typedef struct health_figure {
    const char *name;        /* one of the table in health_metrics.c */
    double value;            /* what the column holds, */
    const char *exact;       /* and its digits where they say more; or NULL */
    const char *object;      /* or NULL: the whole branch */
    double interval_s;       /* of a rate; else NaN */
    const char *epoch;       /* of a counter, as its reading has it; or NULL */
    const char *level;       /* normal, warning or critical; or NULL */
    const lb_value *detail;  /* or NULL */
    const char *detail_json; /* instead of detail */
} health_figure;

/* NULL: no metric has that name. */
const char *health_unit(const char *name);
const char *health_kind(const char *name);       /* gauge, counter or rate */
const char *health_rate_of(const char *counter); /* the rate that its deltas make, or NULL */

/* A row of lakebase_metrics. */
LB_MUST_CHECK int health_record(lb_ctx *ctx, const health_figure *figure, int64_t at, lb_error *err);

#endif
