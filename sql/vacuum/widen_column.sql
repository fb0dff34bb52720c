-- summary: makes a column of a small table wide: the table is written anew, and nobody reads it meanwhile
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param column identifier
ALTER TABLE :schema.:table ALTER COLUMN :column TYPE bigint
