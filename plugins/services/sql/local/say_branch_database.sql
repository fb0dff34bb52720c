-- summary: the statement that makes a database from another one
-- kind: read
-- server: 15-18
-- param name text
-- param source text
-- param strategy text
-- column statement text
SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE %I STRATEGY %I CONNECTION LIMIT %s', :name, d.datname,
                         :strategy, d.datconnlimit) AS statement
  FROM pg_catalog.pg_database d WHERE d.datname = :source
