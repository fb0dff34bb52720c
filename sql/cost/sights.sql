-- summary: moments at which a branch was looked at: executed statements, sessions at work, and when its compute slept
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one.
-- param project text
-- param branch text
-- param snapshots text
-- param since timestamp
-- column seen_at timestamp
-- column source text
-- column activity number
SELECT s.seen_at, s.source, s.activity
  FROM (
    SELECT k.snapshot_timestamp AS seen_at, 'statements' AS source, coalesce(h.calls, 0) AS activity
      FROM lakebase_metrics k
      LEFT JOIN (SELECT s.snapshot_timestamp, CAST(sum(s.calls_delta) AS DOUBLE) AS calls
                   FROM pg_stat_history s
                  WHERE s.project_id = :project
                    AND s.branch_id = :branch
                    AND s.granularity = 'snapshot'
                    AND s.snapshot_timestamp >= :since
                  GROUP BY s.snapshot_timestamp) h ON h.snapshot_timestamp = k.snapshot_timestamp
     WHERE k.project_id = :project
       AND k.branch_id = :branch
       AND k.metric_name = :snapshots
       AND k.snapshot_timestamp >= :since
    UNION ALL
    SELECT a.snapshot_timestamp AS seen_at, 'sessions' AS source, a.metric_value AS activity
      FROM lakebase_metrics a
     WHERE a.project_id = :project
       AND a.branch_id = :branch
       AND a.metric_name = 'connections_active'
       AND a.snapshot_timestamp >= :since
    UNION ALL
    SELECT min(t.started_at) AS seen_at, 'asleep' AS source, CAST(0 AS DOUBLE) AS activity
      FROM tool_runs t
     WHERE t.project_id = :project
       AND t.branch_id = :branch
       AND t.status = 'skipped'
       AND t.error_code = 'suspended'
       AND t.started_at >= :since
     GROUP BY date_trunc('minute', t.started_at)) s
 WHERE s.seen_at >= coalesce((SELECT max(e.event_timestamp)
                                FROM branch_lifecycle e
                               WHERE e.project_id = :project
                                 AND e.branch_id = :branch
                                 AND e.event_type = 'created'), :since)
 ORDER BY s.seen_at
