-- summary: the statement that drops a database
-- kind: read
-- server: 15-18
-- param name text
-- column statement text
SELECT pg_catalog.format('DROP DATABASE %I', :name) AS statement
