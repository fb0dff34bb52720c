-- summary: ends the sessions of a planted incident
-- kind: change
-- server: 15-18
SELECT count(pg_terminate_backend(a.pid, 5000)) AS ended
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.application_name IN ('rehearsed-root', 'rehearsed-waiter', 'rehearsed-client')
