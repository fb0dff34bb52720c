-- summary: whether this session is still the one that applies migrations
-- kind: read
-- server: 15-18
-- column pid integer
-- column is_kept boolean
SELECT pg_backend_pid() AS pid,
       EXISTS (SELECT FROM pg_locks l
                WHERE l.locktype = 'advisory'
                  AND l.pid = pg_backend_pid()
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND l.objsubid = 1
                  AND l.granted
                  AND l.classid::bigint = (hashtextextended('lbops_migration', 0) >> 32) & 4294967295
                  AND l.objid::bigint = hashtextextended('lbops_migration', 0) & 4294967295) AS is_kept
