-- summary: drops an index without blocking those who use its table
-- kind: change
-- server: 15-18
-- param schema identifier
-- param name identifier
DROP INDEX CONCURRENTLY :schema.:name
