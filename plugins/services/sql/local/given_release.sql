-- summary: ends sessions of ours that idle in a database: they connect again
-- kind: change
-- server: 15-18
-- param name text
SELECT count(pg_catalog.pg_terminate_backend(p.pid, 2000))
  FROM pg_catalog.pg_stat_activity p
 WHERE p.datname = :name
   AND p.pid <> pg_catalog.pg_backend_pid()
   AND p.usename = current_user
   AND p.state = 'idle'
   AND pg_catalog.starts_with(p.application_name, 'lbops/')
