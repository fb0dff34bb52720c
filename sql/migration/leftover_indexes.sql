-- summary: what concurrent rebuilds that failed have left on a table, or on the table of an index, its partitions and their overflow
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column schema text
-- column name text
-- column relation text
-- column bytes integer
WITH named AS (
  SELECT coalesce(i.indrelid, c.oid) AS id
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
   WHERE n.nspname = :schema
     AND c.relname = :name
), tables AS (
  SELECT id FROM named
   UNION
  SELECT p.relid::oid FROM named, pg_partition_tree(named.id) p
)
SELECT n.nspname AS schema, c.relname AS name, x.indrelid::regclass::text AS relation, pg_relation_size(c.oid) AS bytes
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT x.indisvalid
   AND c.relname ~ '_cc(new|old)[0-9]*$'
   AND x.indrelid IN (SELECT id FROM tables
                       UNION ALL
                      SELECT t.reltoastrelid FROM pg_class t JOIN tables ON tables.id = t.oid)
   AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid)
 ORDER BY n.nspname, c.relname
