-- summary: ends the sessions of pgbench, which then writes down what it has measured
-- kind: change
-- server: 15-18
SELECT count(pg_terminate_backend(a.pid)) AS ended
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.usename = current_user
   AND a.application_name = 'pgbench'
