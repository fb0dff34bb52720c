-- summary: executed statements by hour of the day, of the last days
-- kind: history
-- param project text
-- param branch text
-- param since timestamp
-- column hour integer
-- column days integer
-- column calls number
SELECT CAST(extract(HOUR FROM s.snapshot_timestamp) AS BIGINT) AS hour,
       count(DISTINCT date_trunc('day', s.snapshot_timestamp)) AS days,
       CAST(sum(s.calls_delta) AS DOUBLE) AS calls
  FROM pg_stat_history s
 WHERE s.project_id = :project
   AND s.branch_id = :branch
   AND s.snapshot_timestamp >= :since
   AND s.calls_delta IS NOT NULL
 GROUP BY extract(HOUR FROM s.snapshot_timestamp)
 ORDER BY hour
