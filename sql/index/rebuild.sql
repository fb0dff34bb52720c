-- summary: builds an index anew without blocking those who use its table
-- kind: change
-- server: 15-18
-- param schema identifier
-- param name identifier
REINDEX INDEX CONCURRENTLY :schema.:name
