-- summary: the statement that opens a database to connections, or closes it
-- kind: read
-- server: 15-18
-- param name text
-- param open boolean
-- column statement text
SELECT pg_catalog.format('ALTER DATABASE %I ALLOW_CONNECTIONS %s', :name, CASE WHEN :open THEN 'true' ELSE 'false' END) AS statement
