-- query: sync.trend
-- set: Copies in the lakehouse
-- title: How far copies are behind
-- chart: line
-- window: 1 days
-- empty: No lag was measured yet: `lbops run track_sync_freshness` does it where there are copies.
-- column: at_hour x time Hour
-- column: source_table series text Table
-- column: lag_minutes y minutes Mean lag
-- column: worst_minutes cell minutes Worst lag
-- column: mean_drift cell count Mean drift
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT date_trunc('hour', s.validated_at) AS at_hour, s.project_id || '/' || s.branch_id || ' ' || s.source_table AS source_table,
       avg(s.freshness_lag_seconds) / 60 AS lag_minutes, max(s.freshness_lag_seconds) / 60 AS worst_minutes,
       avg(s.count_drift) AS mean_drift
  FROM sync_validation_history s
  JOIN upto u ON s.validated_at > u.moment - INTERVAL 1 DAYS
 WHERE s.freshness_lag_seconds IS NOT NULL
 GROUP BY date_trunc('hour', s.validated_at), s.project_id || '/' || s.branch_id || ' ' || s.source_table
 ORDER BY at_hour, source_table
