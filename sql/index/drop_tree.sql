-- summary: drops the index of a partitioned table with those of its partitions
-- kind: change
-- server: 15-18
-- note: a partitioned index cannot be dropped concurrently: it waits for those who use the table, and they for it.
-- param schema identifier
-- param name identifier
DROP INDEX :schema.:name
