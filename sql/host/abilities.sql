-- summary: what a server offers and what we may do there: extensions, and the server's own roles
-- kind: read
-- server: 15-18
-- column kind text
-- column name text
-- column has boolean
-- column detail text null
SELECT 'extension' AS kind,
       e.name::text AS name,
       e.installed_version IS NOT NULL AS has,
       coalesce(e.installed_version, e.default_version) AS detail
  FROM pg_catalog.pg_available_extensions e
UNION ALL
SELECT 'role',
       r.rolname::text,
       pg_catalog.pg_has_role(r.oid, 'USAGE'),
       NULL
  FROM pg_catalog.pg_roles r
 WHERE r.rolname ~ '^(pg|databricks)_'
 ORDER BY 1, 2
