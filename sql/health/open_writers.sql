-- summary: who has written in a transaction that is open now, or whose transaction has failed: the parties of a deadlock
-- kind: read
-- server: 15-18
-- note: the server keeps no list of deadlocks. Right after one its victim is in a failed transaction until the client rolls
-- note: back, and the others go on. Of statements the number alone is read: the text may hold what people have written.
-- column pid integer
-- column user_name text null
-- column application text null
-- column database text null
-- column state text null
-- column failed boolean
-- column waits boolean
-- column xact_seconds number null
-- column tables text
-- column query_id text null
SELECT a.pid,
       a.usename::text AS user_name,
       a.application_name AS application,
       a.datname::text AS database,
       a.state,
       a.state = 'idle in transaction (aborted)' AS failed,
       coalesce(a.wait_event_type = 'Lock', false) AS waits,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_seconds,
       coalesce((SELECT left(string_agg(DISTINCT l.relation::regclass::text, ', '), 500)
                   FROM pg_locks l
                   JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
                  WHERE l.pid = a.pid
                    AND l.granted
                    AND l.locktype = 'relation'
                    AND l.mode <> 'AccessShareLock'
                    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())), '') AS tables,
       a.query_id::text AS query_id
  FROM pg_stat_activity a
 WHERE a.backend_type = 'client backend'
   AND a.pid <> pg_backend_pid()
   AND a.state IS NOT NULL
   AND (a.backend_xid IS NOT NULL OR a.state = 'idle in transaction (aborted)')
 ORDER BY failed DESC, xact_seconds DESC, a.pid
 LIMIT 50
