-- summary: where an extension is, and its version
-- kind: read
-- server: 15-18
-- param name text as name
-- column name text
-- column schema text
-- column version text
SELECT e.extname::text AS name,
       n.nspname::text AS schema,
       e.extversion AS version
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = :name
