-- summary: privileges that differ from those given by default, or by an extension's script, each an object of the model
-- kind: read
-- server: 15-18
-- column catalog integer
-- column object integer
-- column part integer
-- column kind text
-- column schema text null
-- column address text
-- column name text null
-- column up_catalog integer
-- column up_object integer
-- column up_part integer
-- column attrs text[]
WITH holders AS (
    SELECT 'pg_class'::regclass AS catalog, c.oid, 0 AS part, n.nspname, c.relacl AS acl, '' AS columns,
           acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS usual,
           format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS address
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relacl IS NOT NULL
       AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
       AND c.relpersistence <> 't'
     UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, n.nspname, a.attacl, format(' (%I)', a.attname), NULL,
           format('TABLE %I.%I', n.nspname, c.relname)
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL
       AND NOT a.attisdropped
     UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, n.nspname, p.proacl, '', acldefault('f', p.proowner),
           format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
                  CASE WHEN p.prokind = 'a' THEN oidvectortypes(p.proargtypes) ELSE pg_get_function_identity_arguments(p.oid) END)
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proacl IS NOT NULL
     UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspname, n.nspacl, '', acldefault('n', n.nspowner), format('SCHEMA %I', n.nspname)
      FROM pg_namespace n
     WHERE n.nspacl IS NOT NULL
     UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, n.nspname, t.typacl, '', acldefault('T', t.typowner),
           format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, t.typname)
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typacl IS NOT NULL
     UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, NULL, w.fdwacl, '', acldefault('F', w.fdwowner),
           format('FOREIGN DATA WRAPPER %I', w.fdwname)
      FROM pg_foreign_data_wrapper w
     WHERE w.fdwacl IS NOT NULL
     UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, NULL, s.srvacl, '', acldefault('S', s.srvowner),
           format('FOREIGN SERVER %I', s.srvname)
      FROM pg_foreign_server s
     WHERE s.srvacl IS NOT NULL
     UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, NULL, l.lanacl, '', acldefault('l', l.lanowner), format('LANGUAGE %I', l.lanname)
      FROM pg_language l
     WHERE l.lanacl IS NOT NULL
), ours AS (
    SELECT h.catalog, h.oid, h.nspname, h.acl, h.columns, h.address, coalesce(p.initprivs, h.usual) AS usual
      FROM holders h
      LEFT JOIN pg_init_privs p ON p.classoid = h.catalog AND p.objoid = h.oid AND p.objsubid = h.part AND p.privtype = 'e'
     WHERE h.nspname IS NULL OR h.nspname !~ '^pg_' AND h.nspname <> 'information_schema'
), given AS (
    SELECT h.catalog, h.oid, h.nspname, h.address, h.columns, x.grantee, x.privilege_type, bool_or(x.is_grantable) AS grantable
      FROM ours h, aclexplode(h.acl) x
     GROUP BY 1, 2, 3, 4, 5, 6, 7
), usual AS (
    SELECT DISTINCT h.catalog, h.oid, h.nspname, h.address, h.columns, x.grantee, x.privilege_type
      FROM ours h, aclexplode(h.usual) x
), differing AS (
    SELECT 'grant' AS kind, g.*
      FROM given g
      LEFT JOIN usual u USING (catalog, oid, address, columns, grantee, privilege_type)
     WHERE u.oid IS NULL
     UNION ALL
    SELECT 'revoke', u.*, false
      FROM usual u
      LEFT JOIN given g USING (catalog, oid, address, columns, grantee, privilege_type)
     WHERE g.oid IS NULL
), written AS (
    SELECT d.*,
           format('%s%s ON %s', d.privilege_type, d.columns, d.address) AS what,
           CASE d.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(d.grantee)) END AS whom
      FROM differing d
)
SELECT 0::int8 AS catalog,
       0::int8 AS object,
       0::int8 AS part,
       w.kind AS kind,
       w.nspname::text AS schema,
       format('%s TO %s', w.what, w.whom) AS address,
       NULL::text AS name,
       w.catalog::oid::int8 AS up_catalog,
       w.oid::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['definition', CASE w.kind WHEN 'grant'
                           THEN concat(format('GRANT %s TO %s', w.what, w.whom), CASE WHEN w.grantable THEN ' WITH GRANT OPTION' END)
                           ELSE format('REVOKE %s FROM %s', w.what, w.whom) END,
             'drop', CASE w.kind WHEN 'grant' THEN format('REVOKE %s FROM %s', w.what, w.whom)
                                 ELSE format('GRANT %s TO %s', w.what, w.whom) END] AS attrs
  FROM written w
