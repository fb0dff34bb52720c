-- summary: takes a policy away
-- kind: change
-- server: 15-18
-- param name identifier
-- param schema identifier
-- param table identifier
DROP POLICY :name ON :schema.:table
