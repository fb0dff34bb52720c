-- summary: foreign keys of other rows that point to the rows of tables
-- kind: read
-- server: 15-18
-- note: what a delete of a row does to those that refer to it: refuses, or takes them along, or empties their columns.
-- param table_ids integer[]
-- column table_id integer
-- column constraint_name text
-- column schema text
-- column name text
-- column on_delete text
-- column is_self boolean
-- column rows number
SELECT c.confrelid::int8 AS table_id,
       c.conname::text AS constraint_name,
       n.nspname::text AS schema,
       t.relname::text AS name,
       CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' ELSE 'refuse' END AS on_delete,
       c.conrelid = c.confrelid AS is_self,
       t.reltuples::float8 AS rows
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.contype = 'f'
   AND c.conparentid = 0
   AND c.confrelid = ANY (:table_ids)
 ORDER BY table_id, schema, name, constraint_name
