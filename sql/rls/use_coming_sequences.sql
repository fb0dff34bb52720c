-- summary: lets a role take numbers from the sequences that we make in a schema from now on
-- kind: change
-- server: 15-18
-- param schema identifier
-- param role identifier
ALTER DEFAULT PRIVILEGES IN SCHEMA :schema GRANT USAGE ON SEQUENCES TO :role
