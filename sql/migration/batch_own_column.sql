-- summary: a column of the one table that a statement changes, whatever that table is called there
-- kind: fragment
-- example: SELECT :fragment FROM pg_class
-- param column identifier like oid
:column
