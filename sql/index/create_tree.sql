-- summary: builds an index on a partitioned table and on all its partitions
-- kind: change
-- server: 15-18
-- note: a partitioned index cannot be built concurrently: writers wait until all partitions are done.
-- param name identifier
-- param schema identifier
-- param table identifier
-- param body sql like (x)
CREATE INDEX :name ON :schema.:table :body
