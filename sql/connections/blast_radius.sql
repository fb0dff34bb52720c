-- summary: what goes with a session that is ended: what it holds, who waits for it, and whether its transaction has written
-- kind: read
-- server: 15-18
-- note: who waits is asked only of those that wait. How much its transaction wrote no view tells, and a mean of the server's
-- note: WAL is no bound of it. waitstart is empty for an instant after a wait begins; then its statement's beginning stands
-- note: for it.
-- param pid integer as int4
-- column holds text
-- column relations integer
-- column waiters integer
-- column longest_wait number
-- column has_written boolean
-- column xact_seconds number null
-- column new_files integer
WITH held AS (
  SELECT l.mode, count(*) AS relations,
         string_agg(coalesce(l.relation::regclass::text, l.relation::text), ', ' ORDER BY l.relation::regclass::text) AS names
    FROM pg_locks l
   WHERE l.pid = :pid
     AND l.granted
     AND l.locktype = 'relation'
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   GROUP BY l.mode
), waiting AS MATERIALIZED (
  SELECT a.pid, a.state_change, pg_blocking_pids(a.pid) AS blockers
    FROM pg_stat_activity a
   WHERE a.wait_event_type = 'Lock'
), behind AS (
  SELECT w.pid, coalesce(l.waitstart, w.state_change) AS since
    FROM waiting w
    LEFT JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted
   WHERE :pid = ANY (w.blockers)
), session AS (
  SELECT a.backend_xid IS NOT NULL AS has_written, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
    FROM pg_stat_activity a
   WHERE a.pid = :pid
)
SELECT coalesce((SELECT left(string_agg(format('%s on %s', h.mode, left(h.names, 200)), '; ' ORDER BY h.mode), 1000) FROM held h), '') AS holds,
       coalesce((SELECT sum(h.relations) FROM held h), 0)::int8 AS relations,
       (SELECT count(DISTINCT b.pid) FROM behind b) AS waiters,
       coalesce((SELECT max(extract(epoch FROM clock_timestamp() - b.since)) FROM behind b), 0)::float8 AS longest_wait,
       coalesce((SELECT s.has_written FROM session s), false) AS has_written,
       (SELECT s.seconds FROM session s) AS xact_seconds,
       (SELECT count(*)
          FROM pg_locks l
         WHERE l.pid = :pid
           AND l.granted
           AND l.locktype = 'relation'
           AND l.mode = 'AccessExclusiveLock'
           AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation)
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) AS new_files
