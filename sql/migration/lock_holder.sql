-- summary: the session that applies migrations now
-- kind: read
-- server: 15-18
-- column pid integer
-- column application text
-- column since timestamp null
SELECT l.pid, coalesce(a.application_name, '') AS application, a.backend_start AS since
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND l.objsubid = 1
   AND l.granted
   AND l.classid::bigint = (hashtextextended('lbops_migration', 0) >> 32) & 4294967295
   AND l.objid::bigint = hashtextextended('lbops_migration', 0) & 4294967295
   AND l.pid <> pg_backend_pid()
