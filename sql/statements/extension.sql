-- summary: whether pg_stat_statements is here, in which schema and version, and how it is set
-- kind: read
-- server: 15-18
-- note: is_older says that the server's release brings a newer version of the extension than the one that is installed.
-- note: pg_available_extensions would say so as well, after reading a directory of files each time.
-- column database text
-- column version text null
-- column schema text null
-- column is_older boolean
-- column is_loaded boolean
-- column most_entries integer null
-- column track text null
-- column track_planning boolean null
-- column track_utility boolean null
-- column query_ids text
-- column system_identifier integer
-- column postmaster_start timestamp
-- column own_user integer
-- column is_own_role_ours_alone boolean
SELECT current_database()::text AS database,
       e.extversion AS version,
       n.nspname::text AS schema,
       coalesce(e.extversion <> CASE current_setting('server_version_num')::int4 / 10000
                                     WHEN 15 THEN '1.10' WHEN 16 THEN '1.10' WHEN 17 THEN '1.11' WHEN 18 THEN '1.12' END,
                false) AS is_older,
       current_setting('pg_stat_statements.max', true) IS NOT NULL AS is_loaded,
       current_setting('pg_stat_statements.max', true)::int8 AS most_entries,
       current_setting('pg_stat_statements.track', true) AS track,
       current_setting('pg_stat_statements.track_planning', true)::bool AS track_planning,
       current_setting('pg_stat_statements.track_utility', true)::bool AS track_utility,
       current_setting('compute_query_id') AS query_ids,
       (SELECT c.system_identifier FROM pg_control_system() c) AS system_identifier,
       pg_postmaster_start_time() AS postmaster_start,
       (SELECT r.oid::int8 FROM pg_roles r WHERE r.rolname = current_user) AS own_user,
       NOT EXISTS (SELECT FROM pg_stat_activity o
                    WHERE o.usename = current_user
                      AND o.backend_type = 'client backend'
                      AND NOT starts_with(coalesce(o.application_name, ''), 'lbops'))
           AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
           AND current_user <> (SELECT pg_get_userbyid(d.datdba) FROM pg_database d
                                 WHERE d.datname = current_database()) AS is_own_role_ours_alone
  FROM (VALUES (1)) one (x)
  LEFT JOIN pg_extension e ON e.extname = 'pg_stat_statements'
  LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
