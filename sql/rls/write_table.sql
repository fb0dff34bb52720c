-- summary: lets roles read and write what the policies of a table leave them
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param roles identifier[]
GRANT SELECT, INSERT, UPDATE, DELETE ON :schema.:table TO :roles
