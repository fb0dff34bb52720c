-- summary: the statement that gives away what a role owns
-- kind: read
-- server: 15-18
-- param name text
-- param heir text
-- column statement text
SELECT pg_catalog.format('REASSIGN OWNED BY %I TO %I', :name, :heir) AS statement
