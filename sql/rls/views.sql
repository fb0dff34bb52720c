-- summary: views over tables that show rows by their owner's rights, so that the policies of who asks do not hold
-- kind: read
-- server: 15-18
-- note: each layer of views is looked at, and the parts of a table as the table. A view that asks as who reads it shows no
-- note: more to a view above it, but is asked by its owner for the copy that a materialized view is.
-- param tables integer[]
-- column schema text
-- column name text
-- column kind text
-- column owner text
-- column over text
-- column is_open boolean
WITH RECURSIVE held AS (
  SELECT c.oid AS id, c.oid AS over FROM pg_class c WHERE c.oid = ANY (:tables)
  UNION
  SELECT i.inhrelid, h.over FROM held h JOIN pg_inherits i ON i.inhparent = h.id
), views AS (
  SELECT h.id, h.over, true AS evades FROM held h
  UNION
  SELECT v.oid,
         b.over,
         v.relkind = 'm'
             OR (b.evades
                 AND NOT EXISTS (SELECT
                                   FROM pg_options_to_table(v.reloptions) x
                                  WHERE x.option_name = 'security_invoker'
                                    AND lower(x.option_value) IN ('true', 'on', 'yes', '1')))
    FROM views b
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = b.id
    JOIN pg_rewrite w ON w.oid = d.objid
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
)
SELECT n.nspname::text AS schema,
       v.relname::text AS name,
       v.relkind::text AS kind,
       o.rolname::text AS owner,
       min(u.over::regclass::text) AS over,
       v.relacl IS NOT NULL AND EXISTS (SELECT FROM aclexplode(v.relacl) a WHERE a.privilege_type = 'SELECT' AND a.grantee <> v.relowner)
           AS is_open
  FROM views u
  JOIN pg_class v ON v.oid = u.id AND v.relkind IN ('v', 'm')
  JOIN pg_namespace n ON n.oid = v.relnamespace
  JOIN pg_roles o ON o.oid = v.relowner
 WHERE u.evades
 GROUP BY n.nspname, v.relname, v.relkind, o.rolname, v.relacl, v.relowner
 ORDER BY schema, name
