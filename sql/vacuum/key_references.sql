-- summary: narrow columns that refer to a column, which have to become wider with it
-- kind: read
-- server: 15-18
-- param schema text
-- param table text
-- param column text
-- column name text
SELECT format('%s.%s.%s', n.nspname, r.relname, b.attname) AS name
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.confrelid
  JOIN pg_namespace m ON m.oid = t.relnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.confkey[1]
  JOIN pg_class r ON r.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = k.conkey[1]
 WHERE k.contype = 'f'
   AND cardinality(k.confkey) = 1
   AND NOT r.relispartition
   AND b.atttypid IN ('int2'::regtype, 'int4'::regtype)
   AND m.nspname = :schema::name AND t.relname = :table::name AND a.attname = :column::name
 ORDER BY name
