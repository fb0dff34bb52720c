-- summary: drops a constraint, with the index of a unique one
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param name identifier
ALTER TABLE :schema.:table DROP CONSTRAINT :name
