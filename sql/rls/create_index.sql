-- summary: an index by tenant, built while others write
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param key identifier
CREATE INDEX CONCURRENTLY ON :schema.:table (:key)
