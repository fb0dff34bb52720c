-- summary: the statement that takes a role's rights in a database away
-- kind: read
-- server: 15-18
-- param name text
-- column statement text
SELECT pg_catalog.format('DROP OWNED BY %I', :name) AS statement
