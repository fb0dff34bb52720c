-- summary: the statement that says what a database is
-- kind: read
-- server: 15-18
-- param name text
-- param comment text
-- column statement text
SELECT pg_catalog.format('COMMENT ON DATABASE %I IS %L', :name, :comment) AS statement
