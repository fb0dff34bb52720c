-- summary: lets a role take numbers from every sequence of a schema
-- kind: change
-- server: 15-18
-- param schema identifier
-- param role identifier
GRANT USAGE ON ALL SEQUENCES IN SCHEMA :schema TO :role
