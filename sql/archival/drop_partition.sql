-- summary: drops what was a partition, unless something depends on it
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
DROP TABLE :schema.:table RESTRICT
