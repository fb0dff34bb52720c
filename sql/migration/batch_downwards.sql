-- summary: an order by a column from its end
-- kind: fragment
-- example: SELECT 1 FROM pg_class t ORDER BY :fragment
-- param column identifier like oid
t.:column DESC
