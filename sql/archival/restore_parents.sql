-- summary: foreign keys of a table to others, with the columns on both sides
-- kind: read
-- server: 15-18
-- note: those that are not enforced, which 18 has, ask for nothing.
-- param table_id integer as oid
-- column constraint_name text
-- column schema text
-- column name text
-- column child_columns text[]
-- column parent_columns text[]
SELECT c.conname::text AS constraint_name,
       n.nspname::text AS schema,
       t.relname::text AS name,
       array_agg(k.attname::text ORDER BY p.place) AS child_columns,
       array_agg(f.attname::text ORDER BY p.place) AS parent_columns
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.confrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY p (child, parent, place)
  JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = p.child
  JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = p.parent
 WHERE c.contype = 'f'
   AND c.conparentid = 0
   AND c.conrelid = :table_id
   AND c.confrelid <> c.conrelid
   AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
 GROUP BY c.oid, c.conname, n.nspname, t.relname
 ORDER BY constraint_name, c.oid
