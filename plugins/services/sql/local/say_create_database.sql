-- summary: the statement that makes a database
-- kind: read
-- server: 15-18
-- param name text
-- param owner text
-- column statement text
SELECT pg_catalog.format('CREATE DATABASE %I OWNER %I', :name, :owner) AS statement
