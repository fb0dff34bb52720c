-- summary: views over tables that show rows by their owner's rights, so that the policies of who asks do not hold
-- kind: read
-- server: 15-18
-- param tables integer[]
-- column schema text
-- column name text
-- column kind text
-- column owner text
-- column over text
-- column is_open boolean
SELECT n.nspname::text AS schema,
       v.relname::text AS name,
       v.relkind::text AS kind,
       o.rolname::text AS owner,
       min(d.refobjid::regclass::text) AS over,
       v.relacl IS NOT NULL AND EXISTS (SELECT FROM aclexplode(v.relacl) a WHERE a.privilege_type = 'SELECT' AND a.grantee <> v.relowner)
           AS is_open
  FROM pg_depend d
  JOIN pg_rewrite w ON w.oid = d.objid
  JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  JOIN pg_namespace n ON n.oid = v.relnamespace
  JOIN pg_roles o ON o.oid = v.relowner
 WHERE d.classid = 'pg_rewrite'::regclass
   AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid = ANY (:tables)
   AND (v.relkind = 'm'
        OR NOT EXISTS (SELECT
                         FROM pg_options_to_table(v.reloptions) x
                        WHERE x.option_name = 'security_invoker' AND lower(x.option_value) IN ('true', 'on', 'yes', '1')))
 GROUP BY n.nspname, v.relname, v.relkind, o.rolname, v.relacl, v.relowner
 ORDER BY schema, name
