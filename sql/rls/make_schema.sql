-- summary: makes a tenant's schema
-- kind: change
-- server: 15-18
-- param schema identifier
CREATE SCHEMA IF NOT EXISTS :schema
