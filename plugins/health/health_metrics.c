#include "health_metrics.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

const health_alert_rule health_alert_rules[HEALTH_ALERTS] = {
    [HEALTH_CACHE_HIT] = {"cache_hit_ratio",
                          "ratio",
                          {0.99, 0.95, true},
                          NAN,
                          "buffer cache hit ratio",
                          "blocks found in shared buffers / all block accesses, between two readings",
                          "size_advice"},
    [HEALTH_CONNECTIONS] = {"connection_utilization",
                            "ratio",
                            {0.70, 0.85, false},
                            0.95,
                            "connection utilization",
                            "clients / (max_connections - superuser_reserved - reserved)",
                            "terminate_idle"},
    [HEALTH_DEAD_TUPLES] = {"dead_tuple_ratio",
                            "ratio",
                            {0.10, 0.25, false},
                            NAN,
                            "dead tuples",
                            "dead / (dead + live) of the worst table with at least 10,000 dead rows and 10 MB",
                            "vacuum"},
    [HEALTH_LOCK_WAIT] = {"lock_wait_time",
                          "s",
                          {30, 120, false},
                          NAN,
                          "lock wait",
                          "age of the oldest lock that is waited for",
                          "log_lock_chain"},
    [HEALTH_DEADLOCKS] = {"deadlocks_per_hour",
                          "count",
                          {2, 5, false},
                          NAN,
                          "deadlocks in an hour",
                          "deadlocks counted over the last 60 minutes",
                          "capture_blocking"},
    [HEALTH_SLOW_QUERY] = {"slow_query_time",
                           "s",
                           {5, 30, false},
                           NAN,
                           "slow query",
                           "mean time of a statement between two readings, or of one that runs now",
                           "queue_for_review"},
    [HEALTH_TXID_AGE] = {"txid_age",
                         "xids",
                         {500e6, 1e9, false},
                         1e9,
                         "transaction ID age",
                         "the greater of xid and multixact age, over all databases",
                         "vacuum_freeze"},
    [HEALTH_REPLICATION_LAG] = {"replication_lag",
                                "s",
                                {10, 60, false},
                                NAN,
                                "replication lag",
                                "replay behind by time, where more than 1 MB is outstanding",
                                "investigate_lag"},
};

health_alert_id health_alert_named(const char *metric)
{
    health_alert_id id = 0;
    while (id < HEALTH_ALERTS && (!metric || strcmp(health_alert_rules[id].metric, metric) != 0))
        id++;
    return id;
}

/* What is no alert. Counters rise until a reset; those with a rate are told per second as well. */
static const struct metric {
    const char *name, *unit, *kind, *rate;
} metrics[] = {
    {"connections_total", "count", "gauge", NULL},   {"connections_active", "count", "gauge", NULL},
    {"connections_idle", "count", "gauge", NULL},    {"connections_idle_in_transaction", "count", "gauge", NULL},
    {"connections_waiting", "count", "gauge", NULL}, {"connections_limit", "count", "gauge", NULL},
};

static const struct metric *find(const char *name)
{
    for (size_t i = 0; i < COUNT(metrics); i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}

static bool is_rate(health_alert_id id)
{
    return id == HEALTH_CACHE_HIT || id == HEALTH_DEADLOCKS || id == HEALTH_SLOW_QUERY;
}

const char *health_unit(const char *name)
{
    const struct metric *m = find(name);
    health_alert_id alert = health_alert_named(name);
    if (m)
        return m->unit;
    return alert < HEALTH_ALERTS ? health_alert_rules[alert].unit : NULL;
}

const char *health_kind(const char *name)
{
    const struct metric *m = find(name);
    health_alert_id alert = health_alert_named(name);
    if (m)
        return m->kind;
    if (alert == HEALTH_ALERTS)
        return NULL;
    return is_rate(alert) ? "rate" : "gauge";
}

const char *health_rate_of(const char *counter)
{
    const struct metric *m = find(counter);
    return m ? m->rate : NULL;
}

int health_record(lb_ctx *ctx, const health_figure *f, int64_t at, lb_error *err)
{
    const lb_value *detail = f->detail;
    lb_value told = f->detail_json ? lb_json("detail", f->detail_json)
                    : detail       ? lb_object("detail", detail)
                    : f->exact     ? lb_object("detail", LB_ARGS(lb_numeric("exact", f->exact)))
                                   : lb_null("detail");
    return lb_record(
        ctx, "lakebase_metrics",
        LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("metric_name", f->name), lb_f64("metric_value", f->value),
                lb_text("unit", health_unit(f->name)), lb_text("kind", health_kind(f->name)),
                lb_text("object_name", f->object), lb_text("threshold_level", f->level),
                isnan(f->interval_s) ? lb_null("interval_seconds") : lb_f64("interval_seconds", f->interval_s), told),
        err);
}
