-- summary: lets a role read the tables that we make in a schema from now on
-- kind: change
-- server: 15-18
-- param schema identifier
-- param role identifier
ALTER DEFAULT PRIVILEGES IN SCHEMA :schema GRANT SELECT ON TABLES TO :role
