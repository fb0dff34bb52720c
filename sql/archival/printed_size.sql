-- summary: about how many bytes a column takes up as text: what is not compressed is about as long as it is kept
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- param column identifier like oid
CASE WHEN pg_column_compression(t.:column) IS NULL THEN pg_column_size(t.:column) ELSE octet_length(t.:column::text) END
