-- summary: who holds locks on a table, longest first
-- kind: read
-- server: 15-18
-- param relation text
-- column pid integer
-- column application text
-- column state text
-- column mode text
-- column seconds number
SELECT l.pid, coalesce(a.application_name, '') AS application, coalesce(a.state, a.backend_type, '') AS state,
       max(l.mode) AS mode, coalesce(extract(epoch FROM clock_timestamp() - min(a.xact_start)), 0)::float8 AS seconds
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation'
   AND l.granted
   AND l.relation = to_regclass(:relation)
   AND l.pid <> pg_backend_pid()
 GROUP BY l.pid, 2, 3
 ORDER BY seconds DESC
 LIMIT 3
