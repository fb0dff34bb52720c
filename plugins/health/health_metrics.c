#include "health_metrics.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Two sights in a row are no accident, and three say that it is over; what is counted over an hour needs but one. */
const health_alert_rule health_alert_rules[HEALTH_ALERTS] = {
    [HEALTH_CACHE_HIT] = {"cache_hit_ratio",
                          "ratio",
                          {0.99, 0.95, true},
                          NAN,
                          2,
                          3,
                          "buffer cache hit ratio",
                          "blocks found in shared buffers / all block accesses, between two readings",
                          "size_advice"},
    [HEALTH_CONNECTIONS] = {"connection_utilization",
                            "ratio",
                            {0.70, 0.85, false},
                            0.95,
                            2,
                            3,
                            "connection utilization",
                            "clients / (max_connections - superuser_reserved - reserved)",
                            "terminate_idle"},
    [HEALTH_DEAD_TUPLES] = {"dead_tuple_ratio",
                            "ratio",
                            {0.10, 0.25, false},
                            NAN,
                            2,
                            3,
                            "dead tuple share",
                            "dead / (dead + live) of the worst table with at least 10,000 dead rows and 10 MB",
                            "vacuum"},
    [HEALTH_LOCK_WAIT] = {"lock_wait_time",
                          "s",
                          {30, 120, false},
                          NAN,
                          2,
                          3,
                          "lock wait time",
                          "age of the oldest lock that is waited for",
                          "log_lock_chain"},
    [HEALTH_DEADLOCKS] = {"deadlocks_per_hour",
                          "count",
                          {2, 5, false},
                          NAN,
                          1,
                          1,
                          "deadlock count of an hour",
                          "deadlocks counted over the last 60 minutes",
                          "capture_blocking"},
    [HEALTH_SLOW_QUERY] = {"slow_query_time",
                           "s",
                           {5, 30, false},
                           NAN,
                           2,
                           3,
                           "slow query time",
                           "mean time of a statement between two readings, or of one that runs now",
                           "queue_for_review"},
    [HEALTH_TXID_AGE] = {"txid_age",
                         "xids",
                         {500e6, 1e9, false},
                         1e9,
                         2,
                         3,
                         "transaction ID age",
                         "the greater of xid and multixact age, over all databases",
                         "vacuum_freeze"},
    [HEALTH_REPLICATION_LAG] =
        {"replication_lag",
         "s",
         {10, 60, false},
         NAN,
         2,
         3,
         "replication lag",
         "replay behind by time, where more than 1 MB is outstanding; of a slot, since that was so",
         "investigate_lag"},
};

health_alert_id health_alert_named(const char *metric)
{
    health_alert_id id = 0;
    while (id < HEALTH_ALERTS && (!metric || strcmp(health_alert_rules[id].metric, metric) != 0))
        id++;
    return id;
}

bool health_may_fall(health_alert_id id)
{
    return id == HEALTH_TXID_AGE;
}

/* What is no alert. Counters rise until a reset; those with a rate are told per second as well. */
static const struct metric {
    const char *name, *unit, *kind, *rate;
} metrics[] = {
    {"connections_total", "count", "gauge", NULL},
    {"connections_active", "count", "gauge", NULL},
    {"connections_idle", "count", "gauge", NULL},
    {"connections_idle_in_transaction", "count", "gauge", NULL},
    {"connections_waiting", "count", "gauge", NULL},
    {"connections_limit", "count", "gauge", NULL},
    {"uptime_seconds", "s", "gauge", NULL},
    {"database_size_bytes", "bytes", "gauge", NULL},
    {"live_tuples", "count", "gauge", NULL},
    {"dead_tuples", "count", "gauge", NULL},
    {"tables", "count", "gauge", NULL},
    {"indexes", "count", "gauge", NULL},
    {"indexes_invalid", "count", "gauge", NULL},
    {"locks_held", "count", "gauge", NULL},
    {"locks_waiting", "count", "gauge", NULL},
    {"oldest_transaction_seconds", "s", "gauge", NULL},
    {"running_statement_seconds", "s", "gauge", NULL},
    {"standby_lag_seconds", "s", "gauge", NULL},
    {"standby_lag_bytes", "bytes", "gauge", NULL},
    {"receive_lag_seconds", "s", "gauge", NULL},
    {"slot_retained_bytes", "bytes", "gauge", NULL},
    {"slot_lag_bytes", "bytes", "gauge", NULL},
    {"blocks_hit", "count", "counter", "blocks_hit_per_second"},
    {"blocks_read", "count", "counter", "blocks_read_per_second"},
    {"file_cache_hits", "count", "counter", "file_cache_hits_per_second"},
    {"file_cache_misses", "count", "counter", "file_cache_misses_per_second"},
    {"transactions_committed", "count", "counter", "transactions_committed_per_second"},
    {"transactions_rolled_back", "count", "counter", "transactions_rolled_back_per_second"},
    {"tuples_returned", "count", "counter", "tuples_returned_per_second"},
    {"tuples_fetched", "count", "counter", "tuples_fetched_per_second"},
    {"tuples_inserted", "count", "counter", "tuples_inserted_per_second"},
    {"tuples_updated", "count", "counter", "tuples_updated_per_second"},
    {"tuples_deleted", "count", "counter", "tuples_deleted_per_second"},
    {"temp_files", "count", "counter", "temp_files_per_second"},
    {"temp_bytes", "bytes", "counter", "temp_bytes_per_second"},
    {"sessions", "count", "counter", "sessions_per_second"},
    {"seq_scans", "count", "counter", "seq_scans_per_second"},
    {"seq_tuples_read", "count", "counter", "seq_tuples_read_per_second"},
    {"index_scans", "count", "counter", "index_scans_per_second"},
    {"wal_records", "count", "counter", "wal_records_per_second"},
    {"wal_bytes", "bytes", "counter", "wal_bytes_per_second"},
    {"io_reads", "count", "counter", "io_reads_per_second"},
    {"io_writes", "count", "counter", "io_writes_per_second"},
    {"io_read_bytes", "bytes", "counter", "io_read_bytes_per_second"},
    {"io_write_bytes", "bytes", "counter", "io_write_bytes_per_second"},
    {"wal_full_page_images", "count", "counter", "wal_full_page_images_per_second"},
    {"conflicts", "count", "counter", NULL},
    {"deadlocks", "count", "counter", NULL},
    {"checksum_failures", "count", "counter", NULL},
    {"sessions_abandoned", "count", "counter", NULL},
    {"sessions_fatal", "count", "counter", NULL},
    {"sessions_killed", "count", "counter", NULL},
    {"table_tuples_inserted", "count", "counter", NULL},
    {"table_tuples_updated", "count", "counter", NULL},
    {"table_tuples_hot_updated", "count", "counter", NULL},
    {"table_tuples_deleted", "count", "counter", NULL},
    {"vacuum_runs", "count", "counter", NULL},
    {"autovacuum_runs", "count", "counter", NULL},
    {"analyze_runs", "count", "counter", NULL},
    {"autoanalyze_runs", "count", "counter", NULL},
    {"index_tuples_read", "count", "counter", NULL},
    {"index_tuples_fetched", "count", "counter", NULL},
    {"heap_blocks_hit", "count", "counter", NULL},
    {"heap_blocks_read", "count", "counter", NULL},
    {"index_blocks_hit", "count", "counter", NULL},
    {"index_blocks_read", "count", "counter", NULL},
    {"toast_blocks_hit", "count", "counter", NULL},
    {"toast_blocks_read", "count", "counter", NULL},
    {"checkpoints_timed", "count", "counter", NULL},
    {"checkpoints_requested", "count", "counter", NULL},
    {"buffers_checkpoint", "count", "counter", NULL},
    {"restartpoints_timed", "count", "counter", NULL},
    {"restartpoints_requested", "count", "counter", NULL},
    {"restartpoints_done", "count", "counter", NULL},
    {"buffers_clean", "count", "counter", NULL},
    {"maxwritten_clean", "count", "counter", NULL},
    {"buffers_allocated", "count", "counter", NULL},
    {"buffers_backend", "count", "counter", NULL},
    {"buffers_backend_fsync", "count", "counter", NULL},
    {"io_hits", "count", "counter", NULL},
    {"io_extends", "count", "counter", NULL},
    {"io_evictions", "count", "counter", NULL},
    {"io_fsyncs", "count", "counter", NULL},
    {"wal_buffers_full", "count", "counter", NULL},
    {"wal_writes", "count", "counter", NULL},
    {"wal_syncs", "count", "counter", NULL},
    {"wal_archived", "count", "counter", NULL},
    {"wal_archive_failures", "count", "counter", NULL},
    {"statements_forgotten", "count", "counter", NULL},
    {"statement_calls", "count", "counter", NULL},
    {"block_read_time", "ms", "counter", NULL},
    {"block_write_time", "ms", "counter", NULL},
    {"session_time", "ms", "counter", NULL},
    {"active_time", "ms", "counter", NULL},
    {"idle_in_transaction_time", "ms", "counter", NULL},
    {"checkpoint_write_time", "ms", "counter", NULL},
    {"checkpoint_sync_time", "ms", "counter", NULL},
    {"io_read_time", "ms", "counter", NULL},
    {"io_write_time", "ms", "counter", NULL},
    {"wal_write_time", "ms", "counter", NULL},
    {"wal_sync_time", "ms", "counter", NULL},
    {"statement_total_ms", "ms", "counter", NULL},
    {"blocks_hit_per_second", "count/s", "rate", NULL},
    {"blocks_read_per_second", "count/s", "rate", NULL},
    {"transactions_committed_per_second", "count/s", "rate", NULL},
    {"transactions_rolled_back_per_second", "count/s", "rate", NULL},
    {"tuples_returned_per_second", "count/s", "rate", NULL},
    {"tuples_fetched_per_second", "count/s", "rate", NULL},
    {"tuples_inserted_per_second", "count/s", "rate", NULL},
    {"tuples_updated_per_second", "count/s", "rate", NULL},
    {"tuples_deleted_per_second", "count/s", "rate", NULL},
    {"temp_files_per_second", "count/s", "rate", NULL},
    {"temp_bytes_per_second", "bytes/s", "rate", NULL},
    {"sessions_per_second", "count/s", "rate", NULL},
    {"seq_scans_per_second", "count/s", "rate", NULL},
    {"seq_tuples_read_per_second", "count/s", "rate", NULL},
    {"index_scans_per_second", "count/s", "rate", NULL},
    {"wal_records_per_second", "count/s", "rate", NULL},
    {"wal_bytes_per_second", "bytes/s", "rate", NULL},
    {"io_reads_per_second", "count/s", "rate", NULL},
    {"io_writes_per_second", "count/s", "rate", NULL},
    {"io_read_bytes_per_second", "bytes/s", "rate", NULL},
    {"io_write_bytes_per_second", "bytes/s", "rate", NULL},
    {"wal_full_page_images_per_second", "count/s", "rate", NULL},
    {"io_hit_ratio", "ratio", "rate", NULL},
    {"rollback_ratio", "ratio", "rate", NULL},
    {"requested_checkpoint_ratio", "ratio", "rate", NULL},
    {"session_busy_ratio", "ratio", "rate", NULL},
};

static const struct metric *find(const char *name)
{
    for (size_t i = 0; i < COUNT(metrics); i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}

int health_check_alert(const char *what, const char *metric, lb_error *err)
{
    return health_alert_named(metric) < HEALTH_ALERTS
               ? 0
               : lb_fail(err, LB_ERR_INVALID,
                         "there are cache_hit_ratio, connection_utilization, dead_tuple_ratio, lock_wait_time, "
                         "deadlocks_per_hour, slow_query_time, txid_age and replication_lag",
                         "%s: no figure with a limit is called '%.100s'", what, metric);
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
                isnan(f->interval_s) ? lb_null("interval_seconds") : lb_f64("interval_seconds", f->interval_s),
                lb_text("epoch", f->epoch), told),
        err);
}
