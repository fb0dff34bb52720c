-- summary: over which times the use of a database's indexes was observed, and when each was first seen and last used
-- kind: history
-- note: a row without a name is an epoch, whose counters ran from counted_since (seconds since 1970) and were last read
-- note: then, or a floor: looks that noted no smaller indexes than those of floor_bytes.
-- note: uses counts epochs: what was used in one is noted again now and then. All that one look notes has one time.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column object_name text null
-- column counted_since number null
-- column floor_bytes number null
-- column first_seen timestamp
-- column last_seen timestamp
-- column last_used timestamp null
-- column uses integer
SELECT m.object_name,
       CASE WHEN m.metric_name = 'index_observation' THEN m.metric_value END AS counted_since,
       CASE WHEN m.metric_name = 'index_floor' THEN m.metric_value END AS floor_bytes,
       min(m.snapshot_timestamp) AS first_seen,
       max(m.snapshot_timestamp) AS last_seen,
       max(CASE WHEN m.metric_name = 'index_scans' AND m.metric_value > 0 THEN m.snapshot_timestamp END) AS last_used,
       count(DISTINCT o.metric_value) AS uses
  FROM lakebase_metrics m
  LEFT JOIN lakebase_metrics o
    ON m.metric_name = 'index_scans'
   AND m.metric_value > 0
   AND o.metric_name = 'index_observation'
   AND o.project_id = m.project_id
   AND o.branch_id = m.branch_id
   AND o.snapshot_timestamp = m.snapshot_timestamp
 WHERE m.project_id = :project
   AND m.branch_id = :branch
   AND (m.database_name IS NULL OR m.database_name = :database)
   AND m.metric_name IN ('index_observation', 'index_floor', 'index_scans')
   AND m.snapshot_timestamp >= :since
 GROUP BY m.object_name, CASE WHEN m.metric_name = 'index_observation' THEN m.metric_value END,
       CASE WHEN m.metric_name = 'index_floor' THEN m.metric_value END
