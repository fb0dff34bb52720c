-- summary: sessions that others wait for and that wait for nobody, with how many wait behind each, directly or not
-- kind: read
-- server: 15-18
-- note: who is in front of whom is asked only of those that wait, as that takes every partition of the lock table for a
-- note: moment. Process 0 in front is a prepared transaction, which is named where no other one of this database holds
-- note: what is waited for. Of those that wait, the three that have waited longest are named. A ring has no root: the server's deadlock check ends it.
-- param min_seconds number
-- column pid integer
-- column gid text null
-- column user_name text null
-- column application text null
-- column database text null
-- column state text null
-- column wait_type text null
-- column state_seconds number null
-- column xact_seconds number null
-- column query_id text null
-- column victims integer
-- column direct integer
-- column longest number
-- column total number
-- column mode text null
-- column object text null
-- column queued_exclusive boolean
-- column waiters text null
WITH RECURSIVE waiting AS MATERIALIZED (
  SELECT a.pid, a.state_change, pg_blocking_pids(a.pid) AS blockers
    FROM pg_stat_activity a
   WHERE a.wait_event_type = 'Lock'
), pair AS MATERIALIZED (
  SELECT DISTINCT w.pid, b.blocker, w.state_change
    FROM waiting w
   CROSS JOIN LATERAL unnest(w.blockers) AS b (blocker)
), behind AS (
  SELECT p.blocker AS root, p.pid AS victim, 1 AS depth
    FROM pair p
   WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.pid = p.blocker)
  UNION
  SELECT b.root, p.pid, b.depth + 1
    FROM behind b
    JOIN pair p ON p.blocker = b.victim
   WHERE b.depth < 50
), wait AS (
  SELECT DISTINCT b.root, b.victim, min(b.depth) OVER (PARTITION BY b.root, b.victim) AS depth
    FROM behind b
), timed AS (
  SELECT w.root, w.victim, w.depth, l.mode, l.relation, l.locktype,
         greatest(extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, v.state_change)), 0)::float8 AS seconds
    FROM wait w
    JOIN waiting v ON v.pid = w.victim
    LEFT JOIN LATERAL (SELECT k.mode, k.relation, k.locktype, k.waitstart
                         FROM pg_locks k
                        WHERE k.pid = w.victim
                          AND NOT k.granted
                        LIMIT 1) l ON true
), prepared AS (
  SELECT DISTINCT x.gid
    FROM pair p
    JOIN pg_locks k ON k.pid = p.pid AND NOT k.granted
    JOIN pg_locks h ON h.pid IS NULL AND h.granted AND h.locktype = k.locktype
                   AND (h.database, h.relation, h.page, h.tuple, h.transactionid, h.classid, h.objid, h.objsubid)
                       IS NOT DISTINCT FROM
                       (k.database, k.relation, k.page, k.tuple, k.transactionid, k.classid, k.objid, k.objsubid)
    JOIN pg_locks o ON o.pid IS NULL AND o.virtualtransaction = h.virtualtransaction
    JOIN pg_prepared_xacts x ON x.transaction = o.transactionid AND x.database = current_database()
   WHERE p.blocker = 0
), summed AS (
  SELECT t.root, count(*) AS victims, count(*) FILTER (WHERE t.depth = 1) AS direct, max(t.seconds) AS longest,
         sum(t.seconds) AS total, bool_or(t.mode = 'AccessExclusiveLock') AS queued_exclusive,
         (array_agg(t.mode ORDER BY t.depth, t.seconds DESC))[1] AS mode,
         (array_agg(coalesce(t.relation::regclass::text, t.locktype) ORDER BY t.depth, t.seconds DESC))[1] AS object
    FROM timed t
   GROUP BY t.root
), waiter AS (
  SELECT t.root, row_number() OVER (PARTITION BY t.root ORDER BY t.seconds DESC, t.victim) AS place,
         format('session %s of %s (%s) since %s', t.victim, coalesce(v.usename, '?'), coalesce(nullif(v.application_name, ''), 'no name'),
                to_char((clock_timestamp() - make_interval(secs => t.seconds)) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) AS says
    FROM timed t
    LEFT JOIN pg_stat_activity v ON v.pid = t.victim
)
SELECT s.root::int8 AS pid,
       CASE s.root WHEN 0 THEN (SELECT min(p.gid) FROM prepared p HAVING count(*) = 1) END AS gid,
       a.usename::text AS user_name,
       a.application_name AS application,
       a.datname::text AS database,
       a.state,
       a.wait_event_type AS wait_type,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_seconds,
       a.query_id::text AS query_id,
       s.victims,
       s.direct,
       s.longest,
       s.total,
       s.mode,
       s.object,
       coalesce(s.queued_exclusive, false) AS queued_exclusive,
       (SELECT string_agg(n.says, ', ' ORDER BY n.place) FROM waiter n WHERE n.root = s.root AND n.place <= 3) AS waiters
  FROM summed s
  LEFT JOIN pg_stat_activity a ON a.pid = s.root
 WHERE s.longest >= :min_seconds
 ORDER BY s.victims DESC, s.longest DESC, s.root
 LIMIT 10
