-- summary: an index by tenant on a partitioned table, which cannot be built while others write
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param key identifier
CREATE INDEX ON :schema.:table (:key)
