-- summary: the longest that a statement of a client runs now
-- kind: read
-- server: 15-18
-- note: what waits for a lock is a lock wait and not a slow statement; utility statements and dumps take their time.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'running_statement_seconds' AS metric,
       extract(epoch FROM clock_timestamp() - a.query_start)::numeric AS value,
       a.pid::text AS object,
       NULL::text AS epoch,
       jsonb_build_object('pid', a.pid, 'user', a.usename, 'database', a.datname, 'application', a.application_name,
                          'queryid', a.query_id::text, 'waits_for', a.wait_event_type, 'since', a.query_start) AS detail
  FROM pg_stat_activity a
 WHERE a.backend_type = 'client backend'
   AND a.state = 'active'
   AND a.pid <> pg_backend_pid()
   AND a.wait_event_type IS DISTINCT FROM 'Lock'
   AND a.application_name !~ '^(lbops|pg_dump|pg_restore|pg_basebackup)'
   AND a.query ~* '^[[:space:](]*(/[*].*[*]/[[:space:]]*)?(select|with|insert|update|delete|merge|values|table|execute)([^[:alnum:]_]|$)'
 ORDER BY value DESC
 LIMIT 5
