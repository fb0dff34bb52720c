-- summary: sequences that number a table's rows, and which tenants' roles cannot take a number from them
-- kind: read
-- server: 15-18
-- note: those of identity columns need no right of their own.
-- param tables integer[]
-- param roles text[]
-- column table_id integer
-- column schema text
-- column name text
-- column role text
SELECT d.refobjid::int8 AS table_id,
       n.nspname::text AS schema,
       q.relname::text AS name,
       w.role AS role
  FROM pg_depend d
  JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
  JOIN pg_namespace n ON n.oid = q.relnamespace
 CROSS JOIN unnest(:roles) AS w (role)
  LEFT JOIN pg_roles r ON r.rolname = w.role
 WHERE d.refobjid = ANY (:tables)
   AND d.refclassid = 'pg_class'::regclass
   AND d.classid = 'pg_class'::regclass
   AND d.deptype = 'a'
   AND CASE WHEN q.relkind = 'S' THEN r.oid IS NULL OR NOT has_sequence_privilege(r.oid, q.oid, 'USAGE') END
 ORDER BY table_id, schema, name, role
