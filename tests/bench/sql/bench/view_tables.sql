-- summary: what each table has seen
-- kind: read
-- server: 15-18
-- column name text
-- column live integer
-- column dead integer
-- column scans integer
-- column vacuumed timestamp null
SELECT t.relname::text AS name, t.n_live_tup AS live, t.n_dead_tup AS dead, t.seq_scan AS scans,
       t.last_autovacuum AS vacuumed
  FROM pg_stat_all_tables t
