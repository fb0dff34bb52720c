-- summary: lets a role read and write the tables that we make in a schema from now on
-- kind: change
-- server: 15-18
-- param schema identifier
-- param role identifier
ALTER DEFAULT PRIVILEGES IN SCHEMA :schema GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :role
