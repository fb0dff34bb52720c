-- summary: lets a role read every table of a schema
-- kind: change
-- server: 15-18
-- param schema identifier
-- param role identifier
GRANT SELECT ON ALL TABLES IN SCHEMA :schema TO :role
