-- summary: where those at work wait now, by class and event
-- kind: read
-- server: 15-18
-- note: who waits for nothing is on a processor, or would be. Our own sessions are left out.
-- column wait_class text
-- column wait_event text null
-- column sessions integer
SELECT coalesce(a.wait_event_type, 'CPU') AS wait_class,
       a.wait_event,
       count(*) AS sessions
  FROM pg_stat_activity a
 WHERE a.state = 'active'
   AND a.backend_type IN ('client backend', 'parallel worker')
   AND a.pid <> pg_backend_pid()
   AND coalesce(a.application_name, '') NOT LIKE 'lbops%'
 GROUP BY 1, 2
 ORDER BY 3 DESC, 1, 2
