-- summary: an index on the rows that a filter leaves
-- kind: change
-- server: 15-18
-- param name identifier
-- param table identifier
-- param column identifier
-- param fill integer
-- param filter sql like AND true
CREATE INDEX :name ON :table (:column) WITH (fillfactor = :fill) WHERE true :filter
