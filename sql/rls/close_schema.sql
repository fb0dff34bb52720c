-- summary: takes a schema from everybody who was not given it by name
-- kind: change
-- server: 15-18
-- param schema identifier
REVOKE ALL ON SCHEMA :schema FROM PUBLIC
