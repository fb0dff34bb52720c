-- summary: foreign keys to a table, with the columns on both sides
-- kind: read
-- server: 15-18
-- param table_id integer as oid
-- column schema text
-- column name text
-- column child_columns text[]
-- column parent_columns text[]
SELECT n.nspname::text AS schema,
       t.relname::text AS name,
       array_agg(k.attname::text ORDER BY p.place) AS child_columns,
       array_agg(f.attname::text ORDER BY p.place) AS parent_columns
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY p (child, parent, place)
  JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = p.child
  JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = p.parent
 WHERE c.contype = 'f'
   AND c.conparentid = 0
   AND c.confrelid = :table_id
 GROUP BY c.oid, n.nspname, t.relname
 ORDER BY schema, name, c.oid
