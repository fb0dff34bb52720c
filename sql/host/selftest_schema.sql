-- summary: makes the schema that a self-test tries tables in
-- kind: change
-- server: 15-18
-- param schema identifier
CREATE SCHEMA :schema
