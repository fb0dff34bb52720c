-- summary: the statement that drops a role
-- kind: read
-- server: 15-18
-- param name text
-- column statement text
SELECT pg_catalog.format('DROP ROLE %I', :name) AS statement
