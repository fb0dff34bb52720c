-- summary: lets roles read what the policies of a table show them
-- kind: change
-- server: 15-18
-- param schema identifier
-- param table identifier
-- param roles identifier[]
GRANT SELECT ON :schema.:table TO :roles
