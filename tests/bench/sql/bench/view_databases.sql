-- summary: what each database has done
-- kind: read
-- server: 15-18
-- column name text null
-- column commits integer
-- column rollbacks integer
-- column reads integer
-- column hits integer
-- column deadlocks integer
SELECT d.datname::text AS name, d.xact_commit AS commits, d.xact_rollback AS rollbacks, d.blks_read AS reads,
       d.blks_hit AS hits, d.deadlocks
  FROM pg_stat_database d
