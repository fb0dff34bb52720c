-- summary: the statements of this database that wrote most to temporary files
-- kind: read
-- server: 15-18
-- param schema identifier like public
-- column queryid text
-- column user_name text null
-- column calls integer
-- column blocks integer
SELECT s.queryid::text AS queryid,
       (SELECT r.rolname::text FROM pg_roles r WHERE r.oid = s.userid) AS user_name,
       s.calls,
       s.temp_blks_written AS blocks
  FROM :schema.pg_stat_statements(false) s
 WHERE s.temp_blks_written > 0
   AND s.queryid IS NOT NULL
   AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
 ORDER BY s.temp_blks_written DESC, s.queryid
 LIMIT 3
