-- summary: the partitions of a table that hold rows
-- kind: read
-- server: 15-18
-- param relation integer
-- column relation integer
SELECT t.relid::oid::int8 AS relation
  FROM pg_partition_tree(:relation::oid::regclass) t
 WHERE t.isleaf
 ORDER BY relation
