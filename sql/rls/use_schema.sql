-- summary: lets roles find what is in a schema
-- kind: change
-- server: 15-18
-- param schema identifier
-- param roles identifier[]
GRANT USAGE ON SCHEMA :schema TO :roles
