-- summary: how much each index is used
-- kind: read
-- server: 15-18
-- column name text
-- column scans integer
-- column bytes integer
SELECT i.indexrelname::text AS name, i.idx_scan AS scans, pg_relation_size(i.indexrelid) AS bytes
  FROM pg_stat_all_indexes i
