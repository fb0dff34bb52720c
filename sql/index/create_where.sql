-- summary: builds an index over a part of a table without blocking those who write to it
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
-- param columns sql[] like x
-- param condition sql like WHERE x IS NOT NULL
CREATE INDEX CONCURRENTLY :name ON :schema.:table (:columns) :condition
