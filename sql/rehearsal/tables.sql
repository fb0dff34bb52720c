-- summary: tables with rows of their own, the smallest first
-- kind: read
-- server: 15-18
-- column schema text
-- column name text
-- column bytes integer
SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r'
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'lbops_migration')
 ORDER BY bytes, n.nspname, c.relname
