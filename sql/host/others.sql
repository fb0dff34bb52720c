-- summary: who else is active on the server: since when nobody has been, and how many sessions came so far
-- kind: read
-- server: 15-18
-- note: a platform's own agents are nobody: they ask the database postgres, or as the roles that own the server.
-- note: the server counts sessions as clients come, so that those that came and went are seen, too.
-- note: a role without pg_read_all_stats sees of others only that they are there: they count as active now. What then
-- note: has no database and is the first role's is the server's own launcher.
-- param ours text
-- column others_at timestamp null
-- column sessions integer
-- column started_at timestamp
SELECT (SELECT max(CASE WHEN a.state = 'idle' THEN a.state_change ELSE now() END)
          FROM pg_stat_activity a
         WHERE (a.backend_type IN ('client backend', 'walsender')
                OR a.backend_type IS NULL AND a.usename IS NOT NULL AND (a.datid IS NOT NULL OR a.usesysid <> 10))
           AND a.pid <> pg_backend_pid()
           AND NOT starts_with(coalesce(a.application_name, ''), :ours)
           AND coalesce(a.usename, '') NOT IN ('cloud_admin', 'databricks_control_plane')) AS others_at,
       (SELECT coalesce(sum(d.sessions), 0)
          FROM pg_stat_database d
         WHERE d.datname NOT IN ('template0', 'template1')
           AND (d.datname <> 'postgres' OR d.datname = current_database()))::int8 AS sessions,
       pg_postmaster_start_time() AS started_at
