-- summary: builds a unique index without blocking those who write to its table
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param body sql like (x)
CREATE UNIQUE INDEX CONCURRENTLY :name ON :schema.:table :body
