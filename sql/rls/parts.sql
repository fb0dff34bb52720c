-- summary: rights on partitions and children of tables by which tenants get at rows that the tables' own policies keep from them
-- kind: read
-- server: 15-18
-- note: rights on the table are enough to reach its rows, so nobody needs one of these. PUBLIC counts where no role is there
-- note: yet. A part with row security of its own is left out as long as its policies are like its table's.
-- param tables integer[]
-- param roles text[]
-- column schema text
-- column name text
-- column over text
-- column grantee text
-- column privileges text
-- column is_owner boolean
WITH RECURSIVE below AS (
  SELECT i.inhrelid AS id, i.inhparent AS over FROM pg_inherits i WHERE i.inhparent = ANY (:tables)
  UNION
  SELECT i.inhrelid, b.over FROM below b JOIN pg_inherits i ON i.inhparent = b.id
), parts AS (
  SELECT DISTINCT ON (c.oid) c.*, b.over, t.relnamespace AS over_schema
    FROM below b
    JOIN pg_class c ON c.oid = b.id
    JOIN pg_class t ON t.oid = b.over
   WHERE NOT c.oid = ANY (:tables)
   ORDER BY c.oid, b.over
), tenants AS (
  SELECT 0::oid AS id
  UNION ALL
  SELECT r.oid FROM pg_roles r WHERE r.rolname = ANY (:roles) AND NOT r.rolsuper
), rights AS (
  SELECT p.oid AS part, a.grantee, a.privilege_type AS privilege
    FROM parts p CROSS JOIN LATERAL aclexplode(coalesce(p.relacl, acldefault('r', p.relowner))) a
  UNION
  SELECT p.oid, a.grantee, a.privilege_type
    FROM parts p
    JOIN pg_attribute k ON k.attrelid = p.oid AND NOT k.attisdropped
   CROSS JOIN LATERAL aclexplode(k.attacl) a
)
SELECT n.nspname::text AS schema,
       p.relname::text AS name,
       p.over::regclass::text AS over,
       coalesce(g.rolname::text, 'public') AS grantee,
       string_agg(r.privilege, ', ' ORDER BY r.privilege) AS privileges,
       r.grantee = p.relowner AS is_owner
  FROM rights r
  JOIN parts p ON p.oid = r.part
  JOIN pg_namespace n ON n.oid = p.relnamespace
  LEFT JOIN pg_roles g ON g.oid = r.grantee
 WHERE r.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
   AND EXISTS (SELECT
                 FROM tenants t
                WHERE (r.grantee = 0 OR (t.id <> 0 AND pg_has_role(t.id, r.grantee, 'MEMBER')))
                  AND (p.relnamespace = p.over_schema OR has_schema_privilege(t.id, p.relnamespace, 'USAGE')))
   AND (NOT p.relrowsecurity
        OR r.privilege = 'TRUNCATE'
        OR (r.grantee = p.relowner AND NOT p.relforcerowsecurity)
        OR EXISTS (SELECT
                     FROM pg_policy y
                    WHERE y.polrelid = p.oid
                      AND y.polpermissive
                      AND NOT EXISTS (SELECT
                                        FROM pg_policy o
                                       WHERE o.polrelid = p.over
                                         AND (o.polname, o.polcmd, o.polroles) = (y.polname, y.polcmd, y.polroles)
                                         AND pg_get_expr(o.polqual, o.polrelid) IS NOT DISTINCT FROM pg_get_expr(y.polqual, y.polrelid)
                                         AND pg_get_expr(o.polwithcheck, o.polrelid)
                                             IS NOT DISTINCT FROM pg_get_expr(y.polwithcheck, y.polrelid))
                      AND (0 = ANY (y.polroles)
                           OR EXISTS (SELECT
                                        FROM tenants t, unnest(y.polroles) AS a (id)
                                       WHERE t.id <> 0 AND pg_has_role(t.id, a.id, 'USAGE')))))
 GROUP BY n.nspname, p.relname, p.over, g.rolname, r.grantee, p.relowner
 ORDER BY schema, name, grantee
