-- summary: who is connected to this server beside us, one row for each role and program
-- kind: read
-- server: 15-18
-- note: without pg_read_all_stats the kind of a backend is null; who has a user is a client then.
-- note: roles that are a UUID are service principals, which are programs and no people.
-- param ours text
-- column role text
-- column application text
-- column is_program boolean
-- column sessions integer
-- column in_transaction integer
-- column latest timestamp null
SELECT a.usename::text AS role,
       coalesce(a.application_name, '') AS application,
       a.usename ~ '^(sp-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' AS is_program,
       count(*) AS sessions,
       count(*) FILTER (WHERE a.xact_start IS NOT NULL) AS in_transaction,
       max(a.state_change) AS latest
  FROM pg_stat_activity a
 WHERE a.usename IS NOT NULL
   AND a.pid <> pg_backend_pid()
   AND coalesce(a.backend_type, 'client backend') = 'client backend'
   AND NOT (a.usesysid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user)
            AND a.application_name LIKE :ours || '%')
 GROUP BY 1, 2, 3
 ORDER BY sessions DESC, role, application
