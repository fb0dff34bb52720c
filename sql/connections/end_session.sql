-- summary: ends a session, if it is still the one that was seen and still does what was seen
-- kind: change
-- server: 15-18
-- note: a process id comes again, and a session wakes up: identity and state are looked at in the statement that ends it.
-- note: only_blocker: and if it still holds up somebody, for one that was to be ended for that.
-- note: pool_floor: and if more than so many idle sessions of its pool are there: who approves may do so much later.
-- note: one row if the session is gone; none if it is another one by now, has woken up, or is protected.
-- param pid integer as int4
-- param backend_start timestamp
-- param state text
-- param state_change timestamp
-- param xact_start timestamp null
-- param query_id integer null
-- param user_name text as name
-- param application text
-- param only_blocker boolean
-- param pool_floor integer
-- param patience_ms integer
WITH seen AS MATERIALIZED (
  SELECT a.pid
    FROM pg_stat_activity a
    JOIN pg_roles r ON r.oid = a.usesysid
   WHERE a.pid = :pid
     AND a.backend_start = :backend_start
     AND a.state = :state
     AND a.state_change = :state_change
     AND a.xact_start IS NOT DISTINCT FROM :xact_start
     AND a.query_id IS NOT DISTINCT FROM :query_id
     AND a.usename = :user_name
     AND a.application_name = :application
     AND a.backend_type = 'client backend'
     AND NOT r.rolsuper
     AND NOT r.rolreplication
     AND a.pid <> pg_backend_pid()
     AND (NOT :only_blocker
          OR EXISTS (SELECT 1
                       FROM pg_stat_activity w
                      WHERE w.wait_event_type = 'Lock'
                        AND a.pid = ANY (pg_blocking_pids(w.pid))))
     AND (:pool_floor = 0
          OR (SELECT count(*)
                FROM pg_stat_activity p
               WHERE p.usename = a.usename
                 AND p.datname = a.datname
                 AND p.application_name = a.application_name
                 AND p.client_addr IS NOT DISTINCT FROM a.client_addr
                 AND p.backend_type = 'client backend'
                 AND p.state = 'idle') > :pool_floor)
)
SELECT s.pid
  FROM seen s
 WHERE pg_terminate_backend(s.pid, :patience_ms)
