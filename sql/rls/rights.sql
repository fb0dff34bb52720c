-- summary: what tenants' roles may do with tables
-- kind: read
-- server: 15-18
-- param tables integer[]
-- param roles text[]
-- column table_id integer
-- column role text
-- column uses_schema boolean
-- column reads boolean
-- column writes boolean
-- column truncates boolean
SELECT c.oid::int8 AS table_id,
       r.rolname::text AS role,
       has_schema_privilege(r.oid, c.relnamespace, 'USAGE') AS uses_schema,
       has_table_privilege(r.oid, c.oid, 'SELECT') AS reads,
       has_table_privilege(r.oid, c.oid, 'INSERT')
           AND has_table_privilege(r.oid, c.oid, 'UPDATE')
           AND has_table_privilege(r.oid, c.oid, 'DELETE') AS writes,
       has_table_privilege(r.oid, c.oid, 'TRUNCATE') AS truncates
  FROM pg_class c
 CROSS JOIN pg_roles r
 WHERE c.oid = ANY (:tables)
   AND r.rolname = ANY (:roles)
 ORDER BY table_id, role
