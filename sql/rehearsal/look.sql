-- summary: one look at a migration from outside: the locks it holds, what it waits for, and who waits for it
-- kind: read
-- server: 15-18
-- note: the first row says that there was a look, also where there was nothing to see. It is not sorted for that: it is found by its kind.
-- note: who waits behind somebody who waits for the migration waits for it, too.
-- note: the locks are read before the sessions, so that a session that has gone on since shows a later statement: which one waited is not known then.
-- note: a relation that nobody else can see yet is left out, as nobody can wait for it.
-- param application text
-- column at timestamp
-- column kind text
-- column pid integer null
-- column relation text null
-- column mode text null
-- column since timestamp null
-- column application text null
-- column query text null
WITH RECURSIVE waiting AS MATERIALIZED (
    SELECT l.pid, l.relation, l.locktype, l.mode, l.waitstart, pg_blocking_pids(l.pid) AS blockers
      FROM pg_locks l
     WHERE NOT l.granted
), migrating AS MATERIALIZED (
    SELECT a.pid, a.xact_start
      FROM pg_stat_activity a
     WHERE (SELECT count(*) FROM waiting) >= 0 -- these first
       AND a.datname = current_database()
       AND a.application_name = :application
       AND a.pid <> pg_backend_pid()
), affected AS (
    SELECT m.pid FROM migrating m
     UNION
    SELECT w.pid FROM waiting w JOIN affected f ON f.pid = ANY (w.blockers)
), named AS (
    SELECT c.oid, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT statement_timestamp() AS at, 'look' AS kind, NULL::int8 AS pid, NULL::text AS relation, NULL::text AS mode,
       NULL::timestamptz AS since, NULL::text AS application, NULL::text AS query
 UNION ALL
SELECT statement_timestamp(), 'held', l.pid, r.name, l.mode, m.xact_start, NULL, NULL
  FROM migrating m
  JOIN pg_locks l ON l.pid = m.pid
  JOIN named r ON r.oid = l.relation
 WHERE l.granted
   AND l.locktype = 'relation'
   AND r.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'lbops_migration')
 UNION ALL
SELECT statement_timestamp(), CASE WHEN EXISTS (SELECT FROM migrating m WHERE m.pid = w.pid) THEN 'waits' ELSE 'blocked' END,
       w.pid, coalesce(r.name, w.locktype), w.mode, w.waitstart, a.application_name,
       CASE WHEN a.query_start <= w.waitstart THEN left(a.query, 200) END
  FROM waiting w
  JOIN affected f ON f.pid = w.pid
  LEFT JOIN named r ON r.oid = w.relation AND w.locktype = 'relation'
  LEFT JOIN pg_stat_activity a ON a.pid = w.pid
