-- summary: ends a session, if it is still the one that was seen
-- kind: change
-- server: 15-18
-- note: a process id comes again; the time the session began tells one from the other.
-- param pid integer as int4
-- param started timestamp
SELECT pg_terminate_backend(a.pid)
  FROM pg_stat_activity a
 WHERE a.pid = :pid
   AND a.backend_start = :started
   AND a.pid <> pg_backend_pid()
