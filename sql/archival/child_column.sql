-- summary: a column of a table that refers to the one that is archived
-- kind: fragment
-- example: SELECT :fragment FROM pg_class c
-- param column identifier like oid
c.:column
