-- summary: drops a unique constraint with its index
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param name identifier
ALTER TABLE :schema.:table DROP CONSTRAINT :name
