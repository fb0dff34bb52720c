-- summary: the policies of tables, for whom they are, and their expressions as far as they compare a column with a constant
-- kind: read
-- server: 15-18
-- note: casts and parentheses are left out of the expressions, as the server adds what the column's type needs; what is
-- note: left of a comparison of one column with one constant is the same for every type.
-- param tables integer[]
-- param roles text[]
-- param operators text[]
-- column table_id integer
-- column name text
-- column is_permissive boolean
-- column command text
-- column applies_to text
-- column only_role text null
-- column is_for_operators boolean
-- column reaches_tenants boolean
-- column visible text null
-- column writable text null
SELECT p.polrelid::int8 AS table_id,
       p.polname::text AS name,
       p.polpermissive AS is_permissive,
       p.polcmd::text AS command,
       CASE WHEN 0 = ANY (p.polroles) THEN 'everybody' ELSE array_to_string(g.roles, ', ') END AS applies_to,
       CASE WHEN cardinality(g.roles) = 1 THEN g.roles[1] END AS only_role,
       g.roles = ARRAY(SELECT o.name FROM unnest(:operators) AS o (name) ORDER BY o.name) AS is_for_operators,
       0 = ANY (p.polroles)
           OR EXISTS (SELECT
                        FROM pg_roles t, unnest(p.polroles) AS a (id)
                       WHERE t.rolname = ANY (:roles) AND pg_has_role(t.oid, a.id, 'USAGE')) AS reaches_tenants,
       regexp_replace(regexp_replace(pg_get_expr(p.polqual, p.polrelid),
                                     '::("[^"]+"\.)?(character varying|"[^"]+"|[a-z_][a-z0-9_.]*)(\([0-9]+\))?', '', 'g'),
                      '[()]', '', 'g') AS visible,
       regexp_replace(regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid),
                                     '::("[^"]+"\.)?(character varying|"[^"]+"|[a-z_][a-z0-9_.]*)(\([0-9]+\))?', '', 'g'),
                      '[()]', '', 'g') AS writable
  FROM pg_policy p
 CROSS JOIN LATERAL (SELECT ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname::text)
                                AS roles) g
 WHERE p.polrelid = ANY (:tables)
 ORDER BY table_id, name
