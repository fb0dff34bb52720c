-- summary: how busy the server is: client sessions that work, are these more than may, and those that wait for a lock
-- kind: read
-- server: 15-18
-- param most integer
-- column is_over boolean
-- column active integer
-- column waiting integer
SELECT count(*) FILTER (WHERE a.state = 'active') > :most AS is_over,
       count(*) FILTER (WHERE a.state = 'active') AS active,
       count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS waiting
  FROM pg_stat_activity a
 WHERE a.backend_type = 'client backend'
   AND a.pid <> pg_backend_pid()
   AND NOT starts_with(coalesce(a.application_name, ''), 'lbops')
