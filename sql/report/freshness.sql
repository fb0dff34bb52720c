-- summary: the newest reading of a metric; until now
-- kind: history
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT max(m.snapshot_timestamp) AS began_at,
       max(CASE WHEN m.metric_name IS NULL THEN m.snapshot_timestamp END) AS ended_at
  FROM lakebase_metrics m
