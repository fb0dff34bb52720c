-- summary: how far the slowest replica is behind, in seconds; 0: there is none, or this role may not know
-- kind: read
-- server: 15-18
-- column seconds number
SELECT coalesce(max(extract(epoch FROM greatest(r.write_lag, r.flush_lag, r.replay_lag))), 0)::float8 AS seconds
  FROM pg_stat_replication r
 WHERE r.state IN ('catchup', 'streaming')
