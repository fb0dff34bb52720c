-- summary: how many others work in this database, and how many of them have said something
-- kind: read
-- server: 15-18
-- param ours text
-- column sessions integer
-- column busy integer
SELECT count(*) AS sessions, count(*) FILTER (WHERE a.xact_start IS NOT NULL OR a.query <> '') AS busy
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.pid <> pg_backend_pid()
   AND coalesce(a.backend_type, 'client backend') = 'client backend'
   AND a.application_name NOT LIKE :ours || '%'
