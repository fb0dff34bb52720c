-- query: overview.runs
-- title: Runs by how they ended
-- chart: bars
-- window: 7 days
-- empty: No run yet: `lbops cycle` makes some.
-- column: run_day x date Day
-- column: status series status Status
-- column: runs y count Runs
-- column: minutes cell count Minutes of work
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT CAST(r.started_at AS DATE) AS run_day, r.status, count(*) AS runs,
       coalesce(sum(r.duration_ms), 0) / 60000 AS minutes
  FROM tool_runs r
  JOIN upto u ON r.started_at > u.moment - INTERVAL 7 DAYS
 GROUP BY CAST(r.started_at AS DATE), r.status
 ORDER BY run_day, r.status
