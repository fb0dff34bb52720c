-- summary: how far back readings of metrics reach
-- kind: history
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT min(m.snapshot_timestamp) AS began_at, max(m.snapshot_timestamp) AS ended_at
  FROM lakebase_metrics m
