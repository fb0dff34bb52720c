-- summary: each tenant's schema, with what its role may do there and in what is still to come
-- kind: read
-- server: 15-18
-- note: names and roles belong together by their places. What is to come is what we ourselves make.
-- param schemas text[]
-- param roles text[]
-- param writes boolean
-- column schema text
-- column role text
-- column is_there boolean
-- column uses boolean
-- column tables integer
-- column tables_lacking integer
-- column sequences_lacking integer
-- column tables_to_come boolean
-- column sequences_to_come boolean
-- column is_public boolean
-- column sample text null
SELECT w.schema AS schema,
       w.role AS role,
       n.oid IS NOT NULL AS is_there,
       coalesce(has_schema_privilege(r.oid, n.oid, 'USAGE'), false) AS uses,
       (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS tables,
       (SELECT count(*)
          FROM pg_class c
         WHERE c.relnamespace = n.oid
           AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND (r.oid IS NULL
                OR NOT has_table_privilege(r.oid, c.oid, 'SELECT')
                OR (:writes
                    AND NOT (has_table_privilege(r.oid, c.oid, 'INSERT')
                             AND has_table_privilege(r.oid, c.oid, 'UPDATE')
                             AND has_table_privilege(r.oid, c.oid, 'DELETE'))))) AS tables_lacking,
       (SELECT count(*)
          FROM pg_class c
         WHERE :writes
           AND c.relnamespace = n.oid
           AND c.relkind = 'S'
           AND CASE WHEN c.relkind = 'S'
                    THEN r.oid IS NULL OR NOT has_sequence_privilege(r.oid, c.oid, 'USAGE')
                    END) AS sequences_lacking,
       EXISTS (SELECT
                 FROM pg_default_acl d, aclexplode(d.defaclacl) a
                WHERE d.defaclnamespace = n.oid
                  AND d.defaclrole = m.oid
                  AND d.defaclobjtype = 'r'
                  AND a.grantee = r.oid
                  AND a.privilege_type = CASE WHEN :writes THEN 'DELETE' ELSE 'SELECT' END) AS tables_to_come,
       NOT :writes
           OR EXISTS (SELECT
                        FROM pg_default_acl d, aclexplode(d.defaclacl) a
                       WHERE d.defaclnamespace = n.oid
                         AND d.defaclrole = m.oid
                         AND d.defaclobjtype = 'S'
                         AND a.grantee = r.oid
                         AND a.privilege_type = 'USAGE') AS sequences_to_come,
       EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = 0) AS is_public,
       (SELECT min(c.relname::text) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')) AS sample
  FROM unnest(:schemas, :roles) WITH ORDINALITY AS w (schema, role, place)
  JOIN pg_roles m ON m.rolname = current_user
  LEFT JOIN pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_roles r ON r.rolname = w.role
 ORDER BY w.place
