-- summary: an index of a partitioned table alone, not valid until one of each partition is attached
-- kind: change
-- server: 15-18
-- note: nothing is read for it, so that writers wait no longer than for a column's entry in the catalogue.
-- param name identifier
-- param schema identifier
-- param table identifier
-- param body sql like (x)
CREATE INDEX :name ON ONLY :schema.:table :body
