-- summary: settings of the planner that are not as the server comes with them, of the server, its roles and this database
-- kind: read
-- server: 15-18
-- note: what a session sets for itself nobody else can see.
-- column name text
-- column scope text
-- column role_name text null
-- column value text
-- column alter_statement text null
WITH planner AS MATERIALIZED (
    SELECT s.name, s.reset_val, s.boot_val, s.source
      FROM pg_settings s
     WHERE s.category LIKE 'Query Tuning%' OR s.name IN ('work_mem', 'hash_mem_multiplier', 'search_path')
), given AS MATERIALIZED (
    SELECT d.setrole,
           d.setdatabase,
           lower(split_part(c.line, '=', 1)) AS name,
           substr(c.line, strpos(c.line, '=') + 1) AS value
      FROM pg_db_role_setting d
     CROSS JOIN LATERAL unnest(d.setconfig) AS c (line)
     WHERE d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
)
SELECT p.name, 'the server' AS scope, NULL::text AS role_name, p.reset_val AS value, NULL::text AS alter_statement
  FROM planner p
 WHERE p.source NOT IN ('database', 'user', 'database user', 'client', 'session')
   AND p.reset_val IS DISTINCT FROM p.boot_val
UNION ALL
SELECT g.name,
       concat_ws(' in ', 'role ' || r.rolname, CASE WHEN g.setdatabase <> 0 THEN 'database ' || current_database() END),
       r.rolname::text,
       g.value,
       CASE WHEN g.setrole = 0 THEN format('ALTER DATABASE %I', current_database())
            WHEN g.setdatabase = 0 THEN format('ALTER ROLE %I', r.rolname)
            ELSE format('ALTER ROLE %I IN DATABASE %I', r.rolname, current_database())
       END
  FROM given g
  LEFT JOIN pg_roles r ON r.oid = g.setrole
 WHERE g.name IN (SELECT p.name FROM planner p)
   AND (g.setrole = 0 OR r.rolname IS NOT NULL)
   AND (g.setrole <> 0 OR g.setdatabase <> 0)
 ORDER BY 1, 2
