-- summary: drops an index that a failed build has left behind
-- kind: change
-- server: 15-18
-- param schema identifier
-- param name identifier
DROP INDEX CONCURRENTLY IF EXISTS :schema.:name
