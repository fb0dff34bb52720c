-- summary: who waits for a lock, since when, and behind whom
-- kind: read
-- server: 15-18
-- note: the blockers are asked for only of those that wait, as that takes every partition of the lock table for a moment.
-- column pid integer
-- column user_name text null
-- column application text null
-- column database text null
-- column seconds number
-- column mode text null
-- column object text null
-- column blocked_by text
-- column root boolean
-- column state text null
-- column state_seconds number null
-- column query_id text null
WITH waiting AS (
  SELECT a.pid, pg_blocking_pids(a.pid) AS blockers
    FROM pg_stat_activity a
   WHERE a.wait_event_type = 'Lock'
), people AS (
  SELECT w.pid FROM waiting w
  UNION
  SELECT unnest(w.blockers) FROM waiting w
)
SELECT p.pid,
       a.usename::text AS user_name,
       a.application_name AS application,
       a.datname::text AS database,
       coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float8 AS seconds,
       l.mode,
       l.relation::regclass::text AS object,
       coalesce(array_to_string(w.blockers, ', '), '') AS blocked_by,
       w.pid IS NULL AS root,
       a.state,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       a.query_id::text AS query_id
  FROM people p
  LEFT JOIN waiting w ON w.pid = p.pid
  LEFT JOIN pg_stat_activity a ON a.pid = p.pid
  LEFT JOIN LATERAL (SELECT k.waitstart, k.mode, k.relation
                       FROM pg_locks k
                      WHERE k.pid = p.pid
                        AND NOT k.granted
                      LIMIT 1) l ON true
 ORDER BY root DESC, seconds DESC, p.pid
