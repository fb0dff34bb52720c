-- summary: how far back snapshots of statements reach
-- kind: history
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT min(h.snapshot_timestamp) AS began_at, max(h.snapshot_timestamp) AS ended_at
  FROM pg_stat_history h
