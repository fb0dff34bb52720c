-- summary: executed statements by hour of the day, of the last days
-- kind: history
-- note: a snapshot of an hour in which nothing ran has no statements, but it was taken: that hour was seen, and quiet.
-- param project text
-- param branch text
-- param since timestamp
-- param metric text
-- column hour integer
-- column days integer
-- column calls number
SELECT h.hour, count(DISTINCT h.day) AS days, CAST(sum(h.calls) AS DOUBLE) AS calls
  FROM (SELECT CAST(extract(HOUR FROM s.snapshot_timestamp) AS BIGINT) AS hour,
               date_trunc('day', s.snapshot_timestamp) AS day,
               s.calls_delta AS calls
          FROM pg_stat_history s
         WHERE s.project_id = :project
           AND s.branch_id = :branch
           AND s.snapshot_timestamp >= :since
           AND s.calls_delta IS NOT NULL
        UNION ALL
        SELECT CAST(extract(HOUR FROM m.snapshot_timestamp) AS BIGINT) AS hour,
               date_trunc('day', m.snapshot_timestamp) AS day,
               CAST(0 AS BIGINT) AS calls
          FROM lakebase_metrics m
         WHERE m.project_id = :project
           AND m.branch_id = :branch
           AND m.metric_name = :metric
           AND m.snapshot_timestamp >= :since) h
 GROUP BY h.hour
 ORDER BY h.hour
