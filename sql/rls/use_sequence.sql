-- summary: lets roles take numbers from a table's sequence
-- kind: change
-- server: 15-18
-- param schema identifier
-- param sequence identifier
-- param roles identifier[]
GRANT USAGE ON SEQUENCE :schema.:sequence TO :roles
