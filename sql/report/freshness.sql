-- summary: of each branch that is there, when it was last read, or seen to be asleep
-- kind: history
-- note: what a trial has predicted or measured of a branch is no reading of it.
-- param since timestamp
-- column began_at timestamp
-- column name text null
SELECT w.seen_at AS began_at, w.project_id || '/' || w.branch_id AS name
  FROM (SELECT s.project_id, s.branch_id, max(s.seen_at) AS seen_at, count(s.is_reading) AS readings
          FROM (SELECT m.project_id, m.branch_id, m.snapshot_timestamp AS seen_at, 1 AS is_reading
                  FROM lakebase_metrics m
                 WHERE m.snapshot_timestamp >= :since
                   AND m.project_id IS NOT NULL
                   AND m.branch_id IS NOT NULL
                   AND m.metric_name NOT LIKE 'migration_prediction%'
                   AND m.metric_name NOT LIKE 'rehearsed%'
                UNION ALL
                SELECT t.project_id, t.branch_id, t.started_at AS seen_at, NULL AS is_reading
                  FROM tool_runs t
                 WHERE t.started_at >= :since
                   AND t.status = 'skipped'
                   AND t.error_code = 'suspended') s
         GROUP BY s.project_id, s.branch_id) w
  LEFT JOIN (SELECT l.project_id,
                    l.branch_id,
                    max_by(l.event_type, l.event_timestamp) AS last_event
               FROM branch_lifecycle l
              GROUP BY l.project_id, l.branch_id) e
    ON e.project_id = w.project_id
   AND e.branch_id = w.branch_id
 WHERE w.readings > 0
   AND coalesce(e.last_event, '') NOT IN ('deleted', 'expired')
