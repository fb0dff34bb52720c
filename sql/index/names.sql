-- summary: the names that are taken in schemas, of those that begin in a way
-- kind: read
-- server: 15-18
-- param schema text
-- param beginning text
-- column name text
SELECT c.relname::text AS name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :schema
   AND starts_with(c.relname::text, :beginning)
