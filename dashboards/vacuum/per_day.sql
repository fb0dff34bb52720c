-- query: vacuum.per_day
-- set: Vacuum
-- title: Vacuum and analyze
-- chart: bars
-- window: 7 days
-- empty: None yet: `lbops run schedule_vacuum_analyze` does what is due.
-- column: run_day x date Day
-- column: operation_type series text Operation
-- column: operations y count Operations
-- column: succeeded cell count Succeeded
-- column: held cell count Held back
-- column: failed cell count Failed
-- column: mean_seconds cell s Mean duration
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT CAST(v.executed_at AS DATE) AS run_day, v.operation_type, count(*) AS operations,
       count(*) FILTER (WHERE v.status = 'success') AS succeeded,
       count(*) FILTER (WHERE v.status = 'held') AS held,
       count(*) FILTER (WHERE v.status = 'failed') AS failed, avg(v.duration_seconds) AS mean_seconds
  FROM vacuum_history v
  JOIN upto u ON v.executed_at > u.moment - INTERVAL 7 DAYS
 WHERE v.status IN ('success', 'held', 'failed')
 GROUP BY CAST(v.executed_at AS DATE), v.operation_type
 ORDER BY run_day, v.operation_type
