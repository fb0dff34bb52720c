-- summary: what an index takes, with those of its partitions
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column bytes integer
SELECT (pg_relation_size(c.oid) + coalesce((SELECT sum(pg_relation_size(t.relid))
                                              FROM pg_partition_tree(c.oid) t
                                             WHERE t.relid <> c.oid), 0))::int8 AS bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :schema
   AND c.relname = :name
