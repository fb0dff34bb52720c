-- summary: settings with their value in the smallest unit, and who may change them where
-- kind: read
-- server: 15-18
-- note: value is what a new session of this database gets, whatever this session of ours has set. old_value is what ALTER
-- note: DATABASE or ALTER ROLE said for the same scope before, server_value what ALTER SYSTEM did. Of a role: it may
-- note: set its own; others' who has CREATEROLE and, since 16, the role WITH ADMIN OPTION; a superuser's a superuser.
-- param names text[]
-- param role text null
-- column name text
-- column value text
-- column amount number null
-- column context text
-- column old_value text null
-- column server_value text null
-- column may_set boolean
-- column may_alter_system boolean
-- column has_role boolean
SELECT s.name AS name,
       s.reset_val || coalesce(CASE WHEN s.unit ~ '^[0-9]+kB$' THEN '' ELSE s.unit END, '') AS value,
       CASE WHEN s.vartype IN ('integer', 'real')
            THEN s.reset_val::float8 * CASE s.unit WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576
                                                   ELSE 1 END END AS amount,
       s.context AS context,
       o.old_value AS old_value,
       CASE WHEN s.sourcefile LIKE '%postgresql.auto.conf'
            THEN s.setting || coalesce(CASE WHEN s.unit ~ '^[0-9]+kB$' THEN '' ELSE s.unit END, '') END AS server_value,
       NOT pg_is_in_recovery()
           AND s.context IN ('user', 'superuser')
           AND (s.context = 'user' OR has_parameter_privilege(s.name, 'SET'))
           AND CASE WHEN :role::text IS NULL THEN pg_has_role(d.datdba, 'USAGE')
                    WHEN u.oid IS NULL THEN false
                    WHEN m.rolsuper OR u.oid = m.oid THEN true
                    WHEN u.rolsuper OR NOT m.rolcreaterole THEN false
                    ELSE current_setting('server_version_num')::int4 < 160000
                         OR pg_has_role(u.oid, 'MEMBER WITH ADMIN OPTION')
               END AS may_set,
       NOT pg_is_in_recovery()
           AND s.context <> 'internal'
           AND has_parameter_privilege(s.name, 'ALTER SYSTEM') AS may_alter_system,
       :role::text IS NULL OR u.oid IS NOT NULL AS has_role
  FROM pg_settings s
  JOIN pg_database d ON d.datname = current_database()
  JOIN pg_roles m ON m.rolname = current_user
  LEFT JOIN pg_roles u ON u.rolname = :role::text
  LEFT JOIN LATERAL (
       SELECT substring(c FROM position('=' IN c) + 1) AS old_value
         FROM pg_db_role_setting r
        CROSS JOIN LATERAL unnest(r.setconfig) c
        WHERE r.setdatabase = d.oid
          AND r.setrole = coalesce(u.oid, 0)
          AND split_part(c, '=', 1) = s.name) o ON true
 WHERE s.name = ANY (:names)
 ORDER BY name
