-- summary: who holds locks on a table that conflict with one of a strength (1: ACCESS SHARE, 8: ACCESS EXCLUSIVE), longest first
-- kind: read
-- server: 15-18
-- note: a partitioned table is locked with its partitions. What a prepared transaction holds is held by no session.
-- param relation text
-- param strength integer
-- column who text
-- column seconds number
SELECT CASE WHEN h.pid IS NULL THEN format('the prepared transaction %s (%s s)', coalesce(h.gid, 'of another database'), h.seconds)
            ELSE format('session %s (%s, %s s)', h.pid,
                        concat_ws(', ', nullif(h.application, ''), nullif(h.state, '')), h.seconds)
       END AS who, h.seconds::float8 AS seconds
  FROM (SELECT l.pid, p.gid, a.application_name AS application,
               CASE WHEN a.backend_type = 'client backend' THEN a.state
                    WHEN a.query LIKE '%to prevent wraparound%' THEN a.backend_type || ', to prevent wraparound'
                    ELSE a.backend_type END AS state,
               round(coalesce(extract(epoch FROM clock_timestamp() - min(coalesce(a.xact_start, p.prepared))), 0)) AS seconds
          FROM pg_locks l
          LEFT JOIN pg_stat_activity a ON a.pid = l.pid
          LEFT JOIN pg_prepared_xacts p ON l.pid IS NULL AND p.transaction::text = split_part(l.virtualtransaction, '/', 2)
         WHERE l.locktype = 'relation'
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND l.granted
           AND l.relation IN (SELECT to_regclass(:relation)::oid UNION ALL
                              SELECT t.relid FROM pg_partition_tree(to_regclass(:relation)) t)
           AND l.pid IS DISTINCT FROM pg_backend_pid()
           AND (ARRAY[128, 192, 240, 248, 236, 252, 254, 255])[:strength::int]
               & (1 << array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
                                            'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                                            'ExclusiveLock', 'AccessExclusiveLock'], l.mode) - 1) <> 0
         GROUP BY l.pid, p.gid, a.application_name, a.backend_type, a.state, a.query) h
 ORDER BY h.seconds DESC
 LIMIT 3
