-- summary: the longest that a statement of a client runs now, and how many take their time as they are expected to
-- kind: read
-- server: 15-18
-- note: what waits for a lock is a lock wait and not a slow statement; utility statements and dumps take their time.
-- param batch_roles text[]
-- param batch_applications text[]
-- param min_seconds number
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH running AS (
  SELECT extract(epoch FROM clock_timestamp() - a.query_start)::numeric AS seconds,
         a.pid,
         jsonb_build_object('pid', a.pid, 'user', a.usename, 'database', a.datname, 'application', a.application_name,
                            'queryid', a.query_id::text, 'waits_for', a.wait_event_type, 'since', a.query_start) AS detail,
         coalesce(a.usename = ANY (:batch_roles), false)
           OR coalesce(a.application_name = ANY (:batch_applications), false) AS is_expected
    FROM pg_stat_activity a
   WHERE a.backend_type = 'client backend'
     AND a.state = 'active'
     AND a.pid <> pg_backend_pid()
     AND a.wait_event_type IS DISTINCT FROM 'Lock'
     AND a.application_name !~ '^(lbops|pg_dump|pg_restore|pg_basebackup)'
     AND a.query ~* '^[[:space:](]*(/[*].*[*]/[[:space:]]*)?(select|with|insert|update|delete|merge|values|table|execute)([^[:alnum:]_]|$)'
), worst AS (
  SELECT r.seconds, r.pid, r.detail
    FROM running r
   WHERE NOT r.is_expected
   ORDER BY r.seconds DESC
   LIMIT 5
)
SELECT 'running_statement_seconds' AS metric, w.seconds AS value, w.pid::text AS object, NULL::text AS epoch, w.detail
  FROM worst w
 UNION ALL
SELECT 'expected_statements', count(*)::numeric, NULL, NULL, NULL
  FROM running r
 WHERE r.is_expected
   AND r.seconds >= :min_seconds
HAVING count(*) > 0
 ORDER BY value DESC
