-- summary: what a statement that keeps no reader or writer out waits for all the same: old transactions, prepared ones, vacuum, and other changes of the table
-- kind: read
-- server: 15-18
-- note: what runs CONCURRENTLY waits for everything in its database that may still see what was there before; a transaction
-- note: that is idle may be so for ever. What holds a snapshot for less than ten seconds is mostly gone before it matters.
-- param relation text
-- param concurrent boolean
-- column what text
-- column who text
-- column seconds number
WITH tables AS (
  SELECT to_regclass(nullif(:relation, ''))::oid AS id
   UNION
  SELECT t.relid FROM pg_partition_tree(to_regclass(nullif(:relation, ''))) t
), sessions AS (
  SELECT a.*, format('session %s (%s)', a.pid, coalesce(nullif(a.application_name, ''), 'without a name')) AS who,
         coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8 AS seconds
    FROM pg_stat_activity a
   WHERE a.datname = current_database()
     AND a.pid <> pg_backend_pid()
)
SELECT w.what, w.who, w.seconds
  FROM (SELECT CASE WHEN s.state = 'active' THEN 'transaction' ELSE s.state END AS what, s.who, s.seconds
          FROM sessions s
         WHERE :concurrent
           AND s.backend_type = 'client backend'
           AND (s.state LIKE 'idle in transaction%' OR s.seconds > 10)
         UNION ALL
        SELECT 'prepared transaction', p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::float8
          FROM pg_prepared_xacts p
         WHERE :concurrent
           AND p.database = current_database()
         UNION ALL
        SELECT CASE WHEN s.query LIKE '%to prevent wraparound%' THEN 'vacuum to prevent wraparound' ELSE 'vacuum' END,
               s.who, s.seconds
          FROM pg_stat_progress_vacuum v
          JOIN sessions s ON s.pid = v.pid
         WHERE v.relid IN (SELECT t.id FROM tables t)
         UNION ALL
        SELECT 'change of the table', s.who, s.seconds
          FROM sessions s
         WHERE NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = s.pid)
           AND EXISTS (SELECT FROM pg_locks l
                        WHERE l.pid = s.pid
                          AND l.granted
                          AND l.locktype = 'relation'
                          AND l.relation IN (SELECT t.id FROM tables t)
                          AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                                         'ExclusiveLock', 'AccessExclusiveLock'))) w
 ORDER BY w.seconds DESC, w.who
 LIMIT 5
