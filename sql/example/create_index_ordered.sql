-- summary: creates an index whose columns say their order, without blocking writers
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param columns sql[] like x DESC NULLS LAST
CREATE INDEX CONCURRENTLY :name ON :schema.:table (:columns)
