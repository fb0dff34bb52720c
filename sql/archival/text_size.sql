-- summary: how many bytes a text or a bytea has, which it says without being read
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- param column identifier like relname
octet_length(t.:column)
