-- summary: the statement that gives a database to another role
-- kind: read
-- server: 15-18
-- param name text
-- param owner text
-- column statement text
SELECT pg_catalog.format('ALTER DATABASE %I OWNER TO %I', :name, :owner) AS statement
