-- summary: a table as a vacuum leaves it: how often it was vacuumed by hand, its dead rows, and who is in a vacuum's way
-- kind: read
-- server: 15-18
-- note: who may not vacuum it is passed over with a warning, as is a lock.
-- param may_vacuum sql like true
-- param schema text
-- param table text
-- column vacuums integer
-- column dead_rows integer
-- column may_vacuum boolean
-- column locked_by text null
SELECT coalesce(pg_stat_get_vacuum_count(c.oid), 0) AS vacuums,
       coalesce(pg_stat_get_dead_tuples(c.oid), 0) AS dead_rows,
       :may_vacuum AS may_vacuum,
       (SELECT CASE WHEN l.pid IS NULL THEN 'a prepared transaction'
                    ELSE format('session %s of %s', l.pid, coalesce(a.usename, 'the server'))
               END
          FROM pg_locks l
          LEFT JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'relation'
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND l.relation = c.oid
           AND l.granted
           AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                          'AccessExclusiveLock')
           AND l.pid IS DISTINCT FROM pg_backend_pid()
         ORDER BY l.pid NULLS FIRST
         LIMIT 1) AS locked_by
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :schema
   AND c.relname = :table
