-- summary: the statement that gives a database another name
-- kind: read
-- server: 15-18
-- param name text
-- param wanted text
-- column statement text
SELECT pg_catalog.format('ALTER DATABASE %I RENAME TO %I', :name, :wanted) AS statement
