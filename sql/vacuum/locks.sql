-- summary: locks of others on a table, with who holds or awaits them and since when
-- kind: read
-- server: 15-18
-- param relation integer
-- column pid integer null
-- column mode text
-- column granted boolean
-- column owner text null
-- column state text null
-- column since timestamp null
-- column stops_vacuum boolean
SELECT l.pid::int8 AS pid,
       l.mode AS mode,
       l.granted AS granted,
       a.usename::text AS owner,
       coalesce(a.state, CASE WHEN l.pid IS NULL THEN 'prepared' ELSE a.backend_type END) AS state,
       coalesce(l.waitstart, a.xact_start) AS since,
       l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                  'AccessExclusiveLock') AS stops_vacuum
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND l.relation = :relation::oid
   AND l.pid IS DISTINCT FROM pg_backend_pid()
 ORDER BY since NULLS FIRST, pid, mode
