-- summary: the columns of people's tables, and the computed ones of their indexes, with their place in a row
-- kind: read
-- server: 15-18
-- note: sort is b for booleans, t for text, a for arrays, j for jsonb, and empty for all others.
-- column relation_id integer
-- column number integer
-- column name text
-- column length integer
-- column alignment integer
-- column is_not_null boolean
-- column collation_id integer
-- column sort text
SELECT a.attrelid::int8 AS relation_id,
       a.attnum::int8 AS number,
       a.attname::text AS name,
       a.attlen::int8 AS length,
       CASE a.attalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END::int8 AS alignment,
       a.attnotnull AS is_not_null,
       a.attcollation::int8 AS collation_id,
       CASE WHEN a.atttypid = 'bool'::regtype THEN 'b'
            WHEN a.atttypid = 'jsonb'::regtype THEN 'j'
            WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN 't'
            WHEN y.typcategory = 'A' THEN 'a'
            ELSE ''
        END AS sort
  FROM pg_attribute a
  JOIN pg_class t ON t.oid = a.attrelid
  JOIN pg_type y ON y.oid = a.atttypid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE a.attnum > 0
   AND NOT a.attisdropped
   AND t.relpersistence <> 't'
   AND (t.relkind IN ('r', 'p', 'm')
        OR t.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indexprs IS NOT NULL))
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^(pg_(toast|temp_)|lbops_)'
 ORDER BY a.attrelid, a.attnum
